"""What every kind of model can do, whatever its inputs are; kinds are loaded by name, lazily.

A kind is a module: `ml.text.kind`, `ml.voice.kind`, `ml.table.kind`. Training and scikit-learn are
imported inside its functions, so that a process that only answers stays light.
"""

import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, cast

from ml.datasets import Dataset, Reading
from ml.decisions import Decision, Floats
from voice_ai.errors import Refused

# Share of the work that is done (0 to 1), and what is being done.
Progress = Callable[[float, str], None]

KINDS = ("text", "voice", "table")


class Model(Protocol):
    """A model that answers. An input is what JSON can hold: a text, a vector, a mapping."""

    @property
    def labels(self) -> tuple[str, ...]: ...

    @property
    def decision(self) -> Decision: ...

    def probabilities(self, one: Any) -> Floats:
        """One probability per label; they sum to one unless labels do not exclude each other."""

    def batch(self, many: Sequence[Any]) -> Floats:
        """n x labels: `probabilities` of each input."""


@dataclass(frozen=True)
class Fitted:
    """A trained scikit-learn pipeline and what must be known to answer with it.

    `settings` is kept in the manifest and handed to `serve`; `cross_validated` are figures over
    folds of the training rows; `example` is three inputs as the pipeline takes them.
    `fingerprint` is the hash of what the model computes, whatever bytes it is stored in.
    """

    pipeline: Any
    labels: tuple[str, ...]
    settings: Mapping[str, Any]
    params: Mapping[str, str | int | float]
    cross_validated: Mapping[str, float]
    fingerprint: str
    example: Any
    dataset: Dataset
    notes: Sequence[str] = field(default_factory=tuple)


class Kind(Protocol):
    """`allowed` are the (type, skops node) pairs a model file of this kind may hold."""

    COLUMN: str
    ALLOWED: frozenset[tuple[str, str]]

    def load(self, path: Path, reading: Reading = ...) -> Dataset:
        """Rows of a data file. Raises BadInput naming file, line and field."""

    def fit(
        self, data: Dataset, *, seed: int, progress: Progress, options: Mapping[str, Any]
    ) -> Fitted:
        """Trains on every row. Raises BadInput when it cannot teach a distinction."""

    def quantised(self, made: Fitted) -> Fitted | None:
        """A smaller model of nearly the same answers; None where the kind has none."""

    def serve(self, pipeline: Any, settings: Mapping[str, Any]) -> Model:
        """Raises AttributeError, KeyError, TypeError or ValueError for what is not its own."""

    def reference(self, pipeline: Any, settings: Mapping[str, Any], inputs: Sequence[Any]) -> Any:
        """n x labels as scikit-learn computes them: what `serve` must give to 1e-9."""


def kind_of(name: str) -> Kind:
    """Raises Refused for a name that is none."""
    if name not in KINDS:
        raise Refused(f"{name!r} is no kind of model; there are {', '.join(KINDS)}")
    return cast(Kind, importlib.import_module(f"ml.{name}.kind"))
