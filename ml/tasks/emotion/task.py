"""The emotion in the words of a turn."""

from ml.tasks.task import Task

EMOTION = Task(
    name="emotion",
    labels=("neutral", "joy", "anger", "sadness", "fear", "surprise", "disgust"),
    floor=0.80,
    purpose="The emotion in the words of one turn of an outbound call",
)
