"""The emotion in the sound of a turn. No data and no model are shipped for it."""

from ml.tasks.task import Task

EMOTION_VOICE = Task(
    name="emotion_voice",
    labels=("neutral", "joy", "anger", "sadness", "fear", "surprise", "disgust"),
    floor=0.50,
    purpose="The emotion in the sound of one turn of an outbound call",
    kind="voice",
    cautions=(
        "Off unless a campaign says `emotion: voice`; in the EU only where the script tells the"
        " person (AI Act Art. 50(3)).",
        "Never used on staff (Art. 5(1)(f)): after a hand-over nothing is heard.",
        "No voiceprint is kept; what is usual for a person is forgotten with the call.",
    ),
)
