"""Who or what answered, by the first words heard; a fax says none, and so is no label here."""

from ml.tasks.task import Task

ANSWER = Task(
    name="answer",
    labels=("human", "machine", "screening", "ivr", "unknown"),
    floor=0.70,
    purpose="Who answered an outbound call, from the first words heard",
)
