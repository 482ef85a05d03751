"""What a version must show before it may serve. Pure: figures in, a verdict with reasons out.

A version is judged on the task's own held-out rows, alone and beside the champion on the same
rows. Each check has its figure, its limit and a sentence; None says that there was nothing to
judge it by, and holds nobody back.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.gate_limits import Limits

Bools = NDArray[np.bool_]
_RESAMPLES = 1000
_AT_ONCE = 100  # the counts of 50,000 rows are then 20 MB
_SAME = 1e-9


@dataclass(frozen=True)
class Check:
    """`passed` is None when it could not be judged; `figure` and `limit` in the figure's unit.

    `interval` is the 95 % interval of a figure that has one.
    """

    name: str
    passed: bool | None
    figure: float | None
    limit: float | None
    detail: str
    interval: tuple[float, float] | None = None


@dataclass(frozen=True)
class Verdict:
    checks: Sequence[Check]

    @property
    def passed(self) -> bool:
        return all(check.passed is not False for check in self.checks)

    @property
    def reasons(self) -> list[str]:
        return [check.detail for check in self.checks if check.passed is False]

    def as_json(self) -> dict[str, Any]:
        return {"passed": self.passed, "checks": [asdict(check) for check in self.checks]}


@dataclass(frozen=True)
class Part:
    """A slice: its rows and the share of them that was right (of a label: its recall)."""

    n: int
    share: float


@dataclass(frozen=True)
class Figures:
    """One version on the rows of the gate.

    `metrics` by name, among them `ece`, `ece_by_chance`, `brier` and `latency_p95_ms`; `slices`
    under names as "length 1-2 words". `truth` and `guess` are bool[n, labels], the columns being
    `labels`.
    """

    version: str | None
    labels: tuple[str, ...]
    n: int
    metrics: Mapping[str, float]
    recalls: Mapping[str, Part]
    slices: Mapping[str, Part]
    truth: Bools | None = field(default=None, compare=False)
    guess: Bools | None = field(default=None, compare=False)


def judge(
    limits: Limits,
    ours: Figures,
    champion: Figures | None = None,
    *,
    labels: Sequence[str] | None = None,
    alone: str = "there is no champion to compare with",
    seed: int = 7,
) -> Verdict:
    """Every check of one version whose recorded answers came again.

    `labels` are those the task asks for, None where any will do; `alone` says why there is no
    `champion`. `seed` draws the interval's resamples.
    """
    checks = [*_labels(labels, ours.labels), _self_test(None)]
    checks += [_floor(name, ours.metrics.get(name), at) for name, at in limits.floors.items()]
    checks += [_recall(label, ours.recalls.get(label), at) for label, at in limits.recalls.items()]
    checks += _calibration(limits, ours)
    checks.append(_latency(limits, ours))
    if champion is None:
        checks.append(Check("champion", None, None, None, alone))
        return Verdict(tuple(checks))
    checks.append(_against(limits, ours, champion, seed))
    checks += _brier(limits, ours, champion)
    checks += _slices(limits, ours, champion)
    return Verdict(tuple(checks))


def without_rows(
    labels: Sequence[str] | None,
    ours: Sequence[str],
    *,
    self_test: str | None = None,
    missing: str | None = None,
) -> Verdict:
    """The verdict on a version that cannot be measured.

    `self_test` says why the recorded answers did not come again, `missing` why there are no rows;
    where both are None, its labels are the reason.
    """
    checks = [*_labels(labels, ours), _self_test(self_test)]
    if missing is not None:
        checks.append(Check("rows", False, None, None, missing))
    return Verdict(tuple(checks))


def paired_interval(truth: Bools, ours: Bools, theirs: Bools, *, seed: int) -> tuple[float, float]:
    """95 % bootstrap interval of our macro-F1 less theirs, both on the same resampled rows.

    Arguments are bool[n, labels]; Efron and Tibshirani (1993), percentile interval.
    """
    random = np.random.default_rng(seed)
    n = len(truth)
    gains = []
    for size in [_AT_ONCE] * (_RESAMPLES // _AT_ONCE):
        # How often each row is drawn is all a resample is: the counts of it are one product.
        drawn = random.multinomial(n, np.full(n, 1 / n), size=size).astype(np.float32)
        gains.append(_macro_f1(drawn, truth, ours) - _macro_f1(drawn, truth, theirs))
    low, high = np.quantile(np.concatenate(gains), (0.025, 0.975))
    return float(low), float(high)


def ece_by_chance(bins: Sequence[tuple[int, float]], *, seed: int = 7) -> float:
    """The calibration error that one in twenty perfectly calibrated models exceeds on such rows.

    `bins` are rows and mean stated probability of each. With few rows a bin's share of right
    answers strays far from its probability by itself, and no model can be blamed for that.
    """
    n, said = np.array([n for n, _ in bins]), np.array([said for _, said in bins])
    right = np.random.default_rng(seed).binomial(n, said.clip(0, 1), size=(_RESAMPLES, len(n))) / n
    errors = (np.abs(right - said) * n).sum(axis=1) / n.sum()
    return float(np.quantile(errors, 0.95))


def _macro_f1(drawn: NDArray[np.float32], truth: Bools, guess: Bools) -> NDArray[np.float64]:
    """Per resample, over the labels that occur in it or are guessed: float64[resamples]."""
    hits = drawn @ (truth & guess).astype(np.float32)
    total = drawn @ (truth.astype(np.float32) + guess.astype(np.float32))
    seen = total > 0
    f1 = np.divide(2 * hits, total, out=np.zeros_like(hits), where=seen)
    return np.asarray(f1.sum(axis=1) / np.maximum(seen.sum(axis=1), 1), dtype=np.float64)


def _labels(wanted: Sequence[str] | None, ours: Sequence[str]) -> list[Check]:
    if wanted is None:
        return []
    same = set(ours) == set(wanted)
    difference = _difference(ours, wanted)
    detail = "the labels are the task's" if same else f"the labels are not the task's: {difference}"
    return [Check("labels", same, None, None, detail)]


def _difference(ours: Sequence[str], theirs: Sequence[str]) -> str:
    missing, extra = sorted(set(theirs) - set(ours)), sorted(set(ours) - set(theirs))
    parts = [f"without {', '.join(missing[:5])}" if missing else ""]
    parts.append(f"with {', '.join(extra[:5])}" if extra else "")
    return " and ".join(part for part in parts if part)


def _self_test(failure: str | None) -> Check:
    detail = failure or "the recorded answers come again"
    return Check("self_test", failure is None, None, None, detail)


def _floor(name: str, value: float | None, floor: float) -> Check:
    if value is None:
        return Check(name, None, None, floor, f"{name} was not measured")
    relation = "reaches" if value >= floor else "is below"
    detail = f"held-out {name} {value:.3f} {relation} {floor:.2f}"
    return Check(name, value >= floor, value, floor, detail)


def _recall(label: str, part: Part | None, floor: float) -> Check:
    name = f"recall of {label}"
    if part is None:
        return Check(name, None, None, floor, f"no held-out row is {label}, so its recall is open")
    return _floor(name, part.share, floor)


def _calibration(limits: Limits, ours: Figures) -> list[Check]:
    value = ours.metrics.get("ece")
    if limits.ece is None or value is None:
        return []
    chance = ours.metrics.get("ece_by_chance", 0.0)
    most = max(limits.ece, chance)
    within = value <= most
    detail = f"calibration error {value:.3f} {'is within' if within else 'is above'} {most:.3f}"
    if chance > limits.ece:
        detail += f", which a calibrated model shows by chance on {ours.n} rows"
    return [Check("ece", within, value, most, detail)]


def _latency(limits: Limits, ours: Figures) -> Check:
    value, most = ours.metrics.get("latency_p95_ms"), limits.latency_p95_ms
    if value is None:
        return Check("latency", None, None, most, "the time of an answer was not measured")
    relation = "is within" if value <= most else "is above"
    detail = f"an answer takes {value:.2f} ms (p95), which {relation} {most:g} ms"
    return Check("latency", value <= most, value, most, detail)


def _against(limits: Limits, ours: Figures, champion: Figures, seed: int) -> Check:
    name = limits.main
    new, old = ours.metrics.get(name), champion.metrics.get(name)
    if new is None or old is None:
        detail = f"{name} was not measured for both, so the champion cannot be compared with"
        return Check("champion", None, None, None, detail)
    gain, least = new - old, -limits.delta
    detail = f"held-out {name} {new:.3f} against {old:.3f} of version {champion.version}"
    interval = _interval(ours, champion, seed) if name == "macro_f1" else None
    if interval is not None:
        detail += (
            f", difference {gain:+.3f} (95 % interval {interval[0]:+.3f} to {interval[1]:+.3f})"
        )
    return Check("champion", gain >= least - _SAME, gain, least, detail, interval)


def _interval(ours: Figures, champion: Figures, seed: int) -> tuple[float, float] | None:
    if ours.truth is None or ours.guess is None or champion.guess is None:
        return None
    if ours.labels != champion.labels or ours.guess.shape != champion.guess.shape:
        return None
    return paired_interval(ours.truth, ours.guess, champion.guess, seed=seed)


def _brier(limits: Limits, ours: Figures, champion: Figures) -> list[Check]:
    new, old = ours.metrics.get("brier"), champion.metrics.get("brier")
    if limits.brier_slack is None or new is None or old is None:
        return []
    most = old + limits.brier_slack
    within = new <= most + _SAME
    detail = f"Brier score {new:.4f} {'is within' if within else 'is above'} {most:.4f}"
    return [Check("brier", within, new, most, detail)]


def _slices(limits: Limits, ours: Figures, champion: Figures) -> list[Check]:
    """One check a slice that is large enough, and one that names those that are not."""
    checks, small = [], []
    for name, part in ours.slices.items():
        before = champion.slices.get(name)
        if before is None:
            continue
        if part.n < limits.slice_rows:
            small.append(f"{name} ({part.n})")
            continue
        drop = before.share - part.share
        within = drop <= limits.slice_drop + _SAME
        detail = (
            f"{name}: {part.share:.3f} against {before.share:.3f} on {part.n} rows"
            f"{'' if within else f', worse by more than {limits.slice_drop:.2f}'}"
        )
        least = before.share - limits.slice_drop
        checks.append(Check(f"slice {name}", within, part.share, least, detail))
    if small:
        detail = f"too few rows to judge them (under {limits.slice_rows}): {', '.join(small)}"
        checks.append(Check("small slices", None, None, None, detail))
    return checks
