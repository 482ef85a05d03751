"""What a version is asked to reach: defaults, what a task sets for itself, what a home overrides.

`models/gates.yaml` of a home overrides single limits of single tasks; faults name line and field:

    intent:
      floors: {macro_f1: 0.85}
      recalls: {opt_out: 0.95}
      slice_rows: 200
"""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from voice_ai.conversation.source import read_document
from voice_ai.errors import BadInput

GATES_FILE = "gates.yaml"
_SHAPE = "the limits are a YAML mapping of task names, each with its limits."

Share = Annotated[float, Field(ge=0, le=1)]


class Limits(BaseModel):
    """The defaults are those of common practice; a task or a home may set its own."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    labels: Literal["task", "any"] = Field(
        "task", description="task: the model's labels must be the task's; any: those of the rows"
    )
    rows: str | None = Field(None, description="data file to judge on; null: the task's own rows")
    floors: Mapping[str, float] = Field({"macro_f1": 0.60}, description="least value of a figure")
    recalls: Mapping[str, Share] = Field({}, description="least recall of a label, by label")
    main: str = Field("macro_f1", description="the figure in which versions are compared")
    delta: Annotated[float, Field(ge=-1, le=1)] = Field(
        0.0, description="the main figure may be this much below the champion's; below 0: must gain"
    )
    slice_drop: Share = Field(0.03, description="no slice may be worse than the champion by more")
    slice_rows: int = Field(100, ge=1, description="slices of fewer rows are named, not judged")
    ece: Share | None = Field(0.05, description="most calibration error; null: not judged")
    brier_slack: Share | None = Field(
        0.0, description="the Brier score may be this much above the champion's; null: not judged"
    )
    latency_p95_ms: Annotated[float, Field(gt=0)] = Field(
        50.0, description="most milliseconds for one answer, 95th percentile"
    )

    def with_own(self, own: Mapping[str, Any]) -> "Limits":
        """These limits with some replaced; mappings are merged by name. Raises ValidationError."""
        values = self.model_dump()
        for name, value in own.items():
            both = isinstance(values.get(name), dict) and isinstance(value, Mapping)
            values[name] = {**values[name], **value} if both else value
        return Limits.model_validate(values)


def limits_of(home: Path, task: str, own: Limits, known: Collection[str]) -> Limits:
    """The limits of one task in this home: its `own`, and over them those of the home's file.

    `known` are the tasks that may be named. Raises BadInput with line and field.
    """
    path = home / "models" / GATES_FILE
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return own
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"cannot be read ({error}); give a UTF-8 file", file=path) from error
    return own.with_own(read_limits(text, source=str(path), known=known).get(task, {}))


def read_limits(text: str, *, source: str, known: Collection[str]) -> dict[str, Mapping[str, Any]]:
    """What the file says by task, checked. Raises BadInput naming file, line and field."""
    document = read_document(text, source=source, shape=_SHAPE)
    found: dict[str, Mapping[str, Any]] = {}
    for task, given in document.data.items():
        if task not in known:
            raise document.fault((task,), f"there is no task {task}; write {', '.join(known)}")
        if not isinstance(given, dict):
            raise document.fault((task,), "give limits below it, as in `slice_rows: 200`")
        try:
            Limits().with_own(given)
        except ValidationError as error:
            first = error.errors()[0]
            path = tuple(part for part in first["loc"] if isinstance(part, str | int))
            unknown = first["type"] == "extra_forbidden"
            there = f"there is no such limit; there are {', '.join(Limits.model_fields)}"
            raise document.fault((task, *path), there if unknown else str(first["msg"])) from None
        found[task] = given
    return found
