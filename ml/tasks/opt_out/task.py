"""Whether somebody asks not to be called again, whatever else they want."""

from ml.tasks.task import Task

OPT_OUT = Task(
    name="opt_out",
    labels=("opt_out", "other"),
    floor=0.80,
    purpose="Whether one turn asks for no more calls: a second ear beside the fixed phrases",
    recall_floors={"opt_out": 0.85},
    cautions=("It never decides alone that somebody did not opt out: fixed phrases do, too.",),
)
