"""How a rollout goes: its stages, what each must show, and what ends it. Read from YAML."""

from collections.abc import Mapping
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from voice_ai.errors import BadInput

PLANS_FILE = "rollouts.yaml"
Guardrail = Literal["opt_out", "early_hang_up", "slow_answer", "qa_failed"]
GUARDRAILS: tuple[Guardrail, ...] = ("opt_out", "early_hang_up", "slow_answer", "qa_failed")
_SHIPPED = Path(__file__).with_name("plans.yaml")
_KINDS = ("live", "rehearsal")

Share = Annotated[float, Field(gt=0, le=100)]
Lasts = Annotated[timedelta, Field(ge=timedelta(0))]


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ShadowStage(_Strict):
    """`most_disagreement`: of more of the turns a person has to say that the canary may begin."""

    calls: int = Field(ge=1)
    lasts: Lasts
    most_disagreement: float = Field(ge=0, le=1)


class CanaryStage(_Strict):
    """`share` in percent of the calls; `calls` are those that the challenger answered."""

    share: Share
    calls: int = Field(ge=1)
    lasts: Lasts


class Plan(_Strict):
    """`alpha` is the chance that a challenger which is no worse is ever rolled back."""

    shadow: ShadowStage
    canary: tuple[CanaryStage, ...] = Field(min_length=1)
    alpha: float = Field(gt=0, lt=1)
    early_s: float = Field(gt=0, description="a hang-up before so many seconds is an early one")
    slow_ms: float = Field(gt=0, description="an answer that took longer is a slow one")
    tolerated: Mapping[Guardrail, Annotated[float, Field(ge=1)]]

    @field_validator("canary")
    @classmethod
    def _rising(cls, stages: tuple[CanaryStage, ...]) -> tuple[CanaryStage, ...]:
        shares = [stage.share for stage in stages]
        if shares != sorted(set(shares)):
            raise ValueError("the shares of the stages rise")
        return stages

    @property
    def level(self) -> float:
        """The level of one guardrail at one stage, so that all together err at `alpha`."""
        return self.alpha / (len(GUARDRAILS) * len(self.canary))

    def stage_of(self, share: float) -> CanaryStage:
        """What is asked at that share: the first stage of at least it, else the last."""
        return next((one for one in self.canary if one.share >= share), self.canary[-1])

    def after(self, share: float) -> CanaryStage | None:
        """The stage that follows that share; None: it is to be champion."""
        return next((one for one in self.canary if one.share > share), None)


def plan_of(task: str, *, rehearsal: bool, home: Path | None = None) -> Plan:
    """The plan of a task in a home. Raises BadInput naming the field that is wrong."""
    layers = [(_shipped(), _SHIPPED)]
    path = None if home is None else home / "models" / PLANS_FILE
    if path is not None and path.exists():
        layers.append((_read(path), path))
    values: dict[str, Any] = {}
    for kind in (*(_KINDS if rehearsal else _KINDS[:1]), "tasks"):
        for document, source in layers:
            part = document.get(kind) or {}
            part = part.get(task) or {} if kind == "tasks" and isinstance(part, dict) else part
            if not isinstance(part, dict):
                raise BadInput(f"{part!r} is no mapping of values", file=source, field=kind)
            values = _merged(values, part)
    try:
        return Plan.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        raise BadInput(str(first["msg"]), file=layers[-1][1], field=field) from None


@cache
def _shipped() -> dict[str, Any]:
    return _read(_SHIPPED)


def _read(path: Path) -> dict[str, Any]:
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise BadInput(f"cannot be read as YAML ({error})", file=path) from None
    strange = sorted(set(document) - {*_KINDS, "tasks"}) if isinstance(document, dict) else [""]
    if strange:
        raise BadInput("it has the parts live, rehearsal and tasks, and no other", file=path)
    return dict(document)


def _merged(under: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Mappings are merged by name, everything else is replaced."""
    both = {**under, **over}
    for name in under.keys() & over.keys():
        if isinstance(under[name], Mapping) and isinstance(over[name], Mapping):
            both[name] = _merged(under[name], over[name])
    return both
