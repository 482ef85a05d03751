"""The emotion in the words of a turn."""

from ml.tasks.task import Task

EMOTION = Task(
    name="emotion",
    labels=("neutral", "joy", "anger", "sadness", "fear", "surprise", "disgust"),
    floor=0.80,
    purpose="The emotion in the words of one turn of an outbound call",
    # On the 216 held-out texts even a calibrated model's error may be 0.075 by chance.
    gates={"ece": 0.10},
    cautions=(
        "Recognising emotions is a high-risk use under Annex III of the EU AI Act, from 2 December"
        " 2027 on; a campaign may switch it off (`emotion: off`).",
        "Never used on staff (Art. 5(1)(f)): after a hand-over nothing is heard.",
    ),
)
