"""What a table tells that nobody knows before the call: named findings, each with a sentence.

A finding drops a column or rows, or only notes something. Nothing here looks at the outcomes of the
held-out part, so what is dropped never flatters the figures that are reported.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ml.table.figures import Flags, Floats, auc
from ml.table.rows import Row, Table
from voice_ai.errors import Refused

Action = Literal["column dropped", "rows dropped", "noted"]

# Names of what a call leaves behind; a column is meant when its whole name is one of them, with or
# without a word such as "call" or a unit around it. `poutcome`, the campaign before, is none.
_AFTER = frozenset(
    {
        *("duration", "length", "talk_time", "handle_time", "hold_time", "wrap_up", "billsec"),
        *("disposition", "outcome", "result", "end_reason", "ended_by", "hangup_cause"),
        *("sip_code", "status", "carrier_status", "ended_at", "hung_up_at"),
        *("answered", "answered_at", "answered_by", "answer_class"),
        *("recording", "recording_url", "recording_sid", "transcript", "summary", "notes"),
        *("sentiment", "emotion", "intent", "turns", "turn_count", "agent_note", "qa_score"),
        *("goal", "goal_reached", "contact_made", "converted", "conversion", "sale", "sold"),
        "opt_out",
    }
)
_AROUND = frozenset(
    {"call", "calls", "the", "of", "in", "s", "sec", "secs", "seconds", "ms", "min", "mins"}
    | {"minutes", "total"}
)
# Alone, in later windows of the training part. Whole lead models reach about .70 on public data.
TOO_MUCH = 0.75
_BINS = 10
_PRIOR = 20
_WINDOWS = 8
_FEWEST = 200


@dataclass(frozen=True)
class Finding:
    """`subject` is the column; None: the finding is about rows."""

    name: str
    action: Action
    detail: str
    subject: str | None = None
    rows: int | None = None

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def cleaned(
    table: Table,
    positive: Collection[str],
    *,
    keep: Collection[str] = (),
    as_of: float | None = None,
) -> tuple[Table, list[Finding]]:
    """The table without what leaks, and what was found. Rows must be in a split.

    `positive` are the labels that count as a success; `keep` names columns that somebody vouches
    for; nothing of after `as_of` is used. Raises Refused when nothing is left to learn from.
    """
    table, findings = _rows(table, as_of)
    learn = table.part("train")
    hit = np.array([row.label in positive for row in learn.rows], dtype=np.bool_)
    columns = []
    for column in table.columns:
        found = _column(column, [row.features.get(column) for row in learn.rows], hit)
        if found is not None and column in keep:
            vouched = f"{column} is kept because it was vouched for, although: {found.detail}"
            found = replace(found, action="noted", detail=vouched)
        if found is not None:
            findings.append(found)
        if found is None or found.action == "noted":
            columns.append(column)
    if not columns:
        raise Refused("no column is left that is known before the call; name one with --keep")
    if not learn.rows:
        raise Refused("no row is left to learn from; the training rows are those held out")
    return replace(table, columns=tuple(columns)), findings


def _rows(table: Table, as_of: float | None) -> tuple[Table, list[Finding]]:
    late = [r for r in table.rows if r.as_of is not None and r.at is not None and r.as_of > r.at]
    future = [r for r in table.rows if as_of is not None and r.at is not None and r.at > as_of]
    left = _less(table.rows, late, future)
    held = [row for row in left if row.split == "heldout"]
    known, groups = {_content(row) for row in held}, {row.group for row in held} - {None}
    learn = [row for row in left if row.split == "train"]
    twice = [row for row in learn if _content(row) in known]
    same = [row for row in _less(learn, twice) if row.group in groups]
    left = _less(left, twice, same)
    findings = [
        Finding(name, "rows dropped", f"{len(found):,} {said}", rows=len(found))
        for name, found, said in (
            ("after_as_of", late, "rows have features from after what happened (as_of after at)"),
            ("after_as_of", future, "rows are from after the moment as of which is learnt"),
            ("duplicates", twice, "training rows are, field by field, also held out"),
            ("group_on_both_sides", same, "training rows are of a group that is also held out"),
        )
        if found
    ]
    return table.with_rows(left), [*findings, *_out_of_time(left)]


def _less(rows: Sequence[Row], *gone: Sequence[Row]) -> list[Row]:
    out = {id(row) for part in gone for row in part}
    return [row for row in rows if id(row) not in out]


def _content(row: Row) -> tuple[Any, ...]:
    return (row.label, row.at, row.group, *row.features.items())


def _out_of_time(rows: Sequence[Row]) -> list[Finding]:
    """The rows are in the order of time, so a training row behind a held-out one is later."""
    first = next((place for place, row in enumerate(rows) if row.split == "heldout"), len(rows))
    later = sum(row.split == "train" for row in rows[first:])
    if not later:
        return []
    said = (
        f"{later:,} training rows are later than the first held-out row: the figures say how well"
        " the model fills gaps, not how well it foresees"
    )
    return [Finding("split_out_of_time", "noted", said, rows=later)]


def _column(column: str, values: Sequence[str | float | None], hit: Flags) -> Finding | None:
    if told_after_the_call(column):
        said = f"{column} is known only after the call"
        return Finding("after_the_call", "column dropped", said, column)
    known = [value for value in values if value is not None]
    distinct = len(set(known))
    if distinct == 0 or (distinct == 1 and len(known) == len(values)):
        return Finding("constant", "column dropped", f"{column} says the same in every row", column)
    if len(known) >= _FEWEST and distinct == len(known) and _counts(known):
        said = f"{column} is different in every row: it names rows and cannot be learnt from"
        return Finding("identifier", "column dropped", said, column)
    alone = single_auc(values, hit)
    if alone is None or alone < TOO_MUCH:
        return None
    said = (
        f"{column} alone tells who says yes with an AUC of {alone:.2f} inside windows of time, more"
        f" than anything known before a call does (limit {TOO_MUCH}); if it is, --keep {column}"
    )
    return Finding("tells_too_much", "column dropped", said, column)


def _counts(known: Sequence[str | float]) -> bool:
    """Texts, or whole numbers: a measured number may well be different in every row."""
    return all(isinstance(value, str) or float(value).is_integer() for value in known)


def told_after_the_call(column: str) -> bool:
    """Whether the name alone says so."""
    words = [w for w in re.split(r"[^a-z0-9]+", _snake(column)) if w]
    while len(words) > 1 and words[0] in _AROUND:
        words = words[1:]
    while len(words) > 1 and words[-1] in _AROUND:
        words = words[:-1]
    return "_".join(words) in _AFTER


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def single_auc(values: Sequence[str | float | None], hit: Flags) -> float | None:
    """How well one column alone sorts outcomes inside windows of time; None: too few rows.

    Learnt on the earlier half (the rate of hits per category, or per tenth of a number, pulled
    towards the rate of all by twenty rows) and scored in windows of the later half, weighted by
    their pairs. A column that only follows the times cannot score there; a call's result can.
    """
    if len(values) < _FEWEST:
        return None
    half = len(values) // 2
    codes = _codes(values, half)
    score = _rates(codes[:half], hit[:half], int(codes.max()) + 1)[codes]
    total, weight = 0.0, 0.0
    for window in np.array_split(np.arange(half, len(values)), _WINDOWS):
        inside = auc(score[window], hit[window])
        if inside is not None:
            pairs = float(hit[window].sum() * (~hit[window]).sum())
            total, weight = total + pairs * inside, weight + pairs
    return total / weight if weight else None


def _codes(values: Sequence[str | float | None], learnt: int) -> NDArray[np.intp]:
    """One small number per category or tenth; 0 for what is not known."""
    if any(isinstance(value, str) for value in values):
        names: Mapping[Any, int] = {
            name: place for place, name in enumerate(sorted({str(v) for v in values[:learnt]}), 1)
        }
        return np.array([0 if v is None else names.get(str(v), 0) for v in values], dtype=np.intp)
    numbers = np.array([np.nan if v is None else float(v) for v in values])
    early = numbers[:learnt][~np.isnan(numbers[:learnt])]
    if not len(early):
        return np.zeros(len(values), dtype=np.intp)
    edges = np.unique(np.quantile(early, np.linspace(0, 1, _BINS + 1)[1:-1]))
    return np.where(np.isnan(numbers), 0, 1 + np.digitize(numbers, edges)).astype(np.intp)


def _rates(codes: NDArray[np.intp], hit: Flags, size: int) -> Floats:
    n = np.bincount(codes, minlength=size)
    k = np.bincount(codes, weights=hit, minlength=size)
    return np.asarray((k + _PRIOR * hit.mean()) / (n + _PRIOR), dtype=np.float64)
