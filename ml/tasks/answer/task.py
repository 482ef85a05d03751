"""Who or what answered, by the first words heard; a fax says none, and so is no label here."""

from ml.tasks.task import Task

ANSWER = Task(
    name="answer",
    labels=("human", "machine", "screening", "ivr", "unknown"),
    floor=0.70,
    purpose="Who answered an outbound call, from the first words heard",
    # On the 171 held-out greetings even a calibrated model's error may be 0.12 by chance; a call
    # acts on scores of 0.8 and more only, beside the phrases.
    gates={"ece": 0.15},
)
