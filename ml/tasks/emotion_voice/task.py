"""The emotion in the sound of a turn. No data and no model are shipped for it."""

from ml.tasks.task import Task

EMOTION_VOICE = Task(
    name="emotion_voice",
    labels=("neutral", "joy", "anger", "sadness", "fear", "surprise", "disgust"),
    floor=0.50,
    purpose="The emotion in the sound of one turn of an outbound call",
    kind="voice",
)
