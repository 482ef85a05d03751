"""How likely a person picks up, and the campaign's goal is reached."""

from ml.tasks.task import Task

LEAD = Task(
    name="lead",
    labels=("contact", "goal", "no_contact"),  # of a seller's own dials; a file has its own
    floor=0.0,  # its gate is another one: `ml.table.evaluate.judge`
    purpose="Which waiting leads are likely to be reached, from what is known before the call",
    kind="table",
)
