"""From a row's features to numbers: one-hot categories, standardised numbers, missing as such.

What is learnt from the training rows (`Encoding`) travels with the model as plain data.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from ml.table.figures import Floats
from ml.table.rows import Features, Value

# A category that is rarer cannot be learnt; it counts with those never seen.
_FEWEST = 20
_MOST_CATEGORIES = 60
# In standard deviations: one wild number must not decide a score.
_FARTHEST = 5.0
_OTHER = "*"


@dataclass(frozen=True)
class Column:
    """`mean` and `deviation` of a number; `categories` that are told apart."""

    name: str
    kind: Literal["number", "category"]
    mean: float = 0.0
    deviation: float = 1.0
    categories: tuple[str, ...] = ()

    def names(self) -> list[str]:
        """The features it can become."""
        missing = f"{self.name}?"
        if self.kind == "number":
            return [self.name, missing]
        return [*(f"{self.name}={c}" for c in (*self.categories, _OTHER)), missing]

    def encode(self, value: Value) -> tuple[str, float]:
        """One feature and its value; all others of the column are 0."""
        if self.kind == "category":
            if value is None:
                return f"{self.name}?", 1.0
            known = str(value)
            return f"{self.name}={known if known in self.categories else _OTHER}", 1.0
        try:
            number = float("nan") if value is None else float(value)
        except ValueError:  # a word where the training rows had numbers
            number = float("nan")
        if number != number:
            return f"{self.name}?", 1.0
        distance = (number - self.mean) / self.deviation
        return self.name, min(max(distance, -_FARTHEST), _FARTHEST)


@dataclass(frozen=True)
class Encoding:
    columns: tuple[Column, ...]

    @property
    def names(self) -> list[str]:
        """Every feature, in the order of the matrix."""
        return sorted(name for column in self.columns for name in column.names())

    def clean(self, features: Features) -> dict[str, float]:
        """The features of one row that are not 0, as the pipeline takes them."""
        return dict(column.encode(features.get(column.name)) for column in self.columns)

    def matrix(self, rows: Sequence[Features]) -> Floats:
        """float64[rows, features]."""
        place = {name: index for index, name in enumerate(self.names)}
        filled = np.zeros((len(rows), len(place)))
        for column in self.columns:
            known: dict[Value, tuple[int, float]] = {}
            for index, row in enumerate(rows):
                value = row.get(column.name)
                if value not in known:
                    name, number = column.encode(value)
                    known[value] = (place[name], number)
                at, number = known[value]
                filled[index, at] = number
        return filled

    def as_json(self) -> list[dict[str, Any]]:
        return [asdict(column) for column in self.columns]

    @classmethod
    def from_json(cls, columns: Sequence[Mapping[str, Any]]) -> "Encoding":
        """Raises TypeError and KeyError when it is not what `as_json` wrote."""
        return cls(tuple(Column(**{**c, "categories": tuple(c["categories"])}) for c in columns))


def learn_encoding(columns: Sequence[str], rows: Sequence[Features]) -> Encoding:
    return Encoding(tuple(_column(name, [row.get(name) for row in rows]) for name in columns))


def _column(name: str, values: Sequence[Value]) -> Column:
    known = [value for value in values if value is not None]
    if any(isinstance(value, str) for value in known):
        counts = Counter(map(str, known)).most_common(_MOST_CATEGORIES)
        return Column(
            name,
            "category",
            categories=tuple(sorted(value for value, n in counts if n >= _FEWEST)),
        )
    numbers = np.array([float(value) for value in known] or [0.0])
    return Column(name, "number", float(numbers.mean()), float(numbers.std()) or 1.0)


def period_columns(
    columns: Sequence[str], rows: Sequence[Features], *, windows: int = 20, share: float = 0.1
) -> list[str]:
    """The columns that tell little but the time, of rows in the order of time.

    Inside windows of neighbouring rows less than `share` of their variety is left: the variance of
    a number, the Gini impurity of a category. They cannot tell the leads of one day apart, and a
    model that uses them shows a pooled figure that is mostly the period.
    """
    parts = np.array_split(np.arange(len(rows)), windows)
    found = []
    for name in columns:
        values = [row.get(name) for row in rows]
        whole = _variety(values)
        if whole > 0:
            inside = [_variety([values[i] for i in part]) * len(part) for part in parts]
            if sum(inside) / len(rows) < share * whole:
                found.append(name)
    return found


def _variety(values: Sequence[Value]) -> float:
    if not values:
        return 0.0
    if all(isinstance(value, float) for value in values):
        return float(np.var(np.array(values, dtype=np.float64)))
    counts = np.array(list(Counter(values).values())) / len(values)
    return float(1 - (counts**2).sum())
