"""Judging probabilities inside windows of time, against the rate that was known before each.

A pooled AUC over months mostly says which months went well. Whom to call today is another
question: whether the model tells the leads of *one* time apart. So the held-out rows are cut into
windows, and in each the model stands against a constant, the rate of the window before.

The model's level is set the same way: its logits are moved until their mean over the window's rows
is that known rate ("anchored"). Nothing of it looks at the window's outcomes, it is what scoring a
list of waiting leads does too, and what is left of the difference is telling apart.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.evaluate import calibration_error
from ml.table.figures import Flags, Floats, auc, lift_at_top, log_losses, logit, shift_to, sigmoid

_MOST = 10
_FEWEST_ROWS = 100
_FEWEST_EACH = 20
# The rate of a window before is pulled towards the one before it by this many rows.
_PRIOR = 50
_RESAMPLES = 400
_DRAWS = 100

Interval = tuple[float, float]


@dataclass(frozen=True)
class Window:
    """One window. `known_rate` is the base rate known before it; losses in nats a row.

    `gain` is the base rate's log loss less the anchored model's, so more than 0 is better;
    `brier_skill` is 1 less the quotient of the anchored model's Brier score and the base rate's.
    """

    first: int
    n: int
    rate: float
    known_rate: float
    auc: float | None
    auc_interval: Interval | None
    log_loss: float
    log_loss_anchored: float
    log_loss_base: float
    gain: float
    gain_interval: Interval
    brier_skill: float | None
    lift: float | None


@dataclass(frozen=True)
class InTime:
    """All windows. `auc` is their mean weighted by pairs, `gain` by rows; 95 % bootstrap intervals
    that resample rows inside each window. `ece` is the anchored model's calibration error, and
    `ece_by_chance` what a perfect one would show on so many rows in one of twenty cases."""

    n: int
    hits: int
    windows: tuple[Window, ...]
    auc: float | None
    auc_interval: Interval | None
    gain: float
    gain_interval: Interval
    brier_skill: float | None
    lift: float | None
    ece: float
    ece_by_chance: float

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class _Part:
    first: int
    hit: Flags
    raw: Floats
    anchored: Floats
    known: float

    @property
    def pairs(self) -> int:
        return int(self.hit.sum() * (~self.hit).sum())

    @property
    def base(self) -> Floats:
        return np.full(len(self.hit), self.known)

    def gains(self) -> Floats:
        return log_losses(self.base, self.hit) - log_losses(self.anchored, self.hit)


def windows(hit: Flags) -> list[NDArray[np.intp]]:
    """Neighbouring rows in up to ten windows of about one size, each with enough of both kinds."""
    few = min(int(hit.sum()), int((~hit).sum()))
    number = max(1, min(_MOST, len(hit) // _FEWEST_ROWS, few // _FEWEST_EACH))
    return [part.astype(np.intp) for part in np.array_split(np.arange(len(hit)), number)]


def anchored(p: Floats, rate: float) -> Floats:
    """`p` with its logits moved together so that the mean is `rate`; the order stays."""
    level = min(max(rate, 1e-6), 1 - 1e-6)
    return sigmoid(logit(p) + shift_to(p, level))


def judge_in_time(p: Floats, hit: Flags, known_rate: float, *, seed: int) -> InTime:
    """`p` and `hit` in the order of time; `known_rate` is the rate of the rows before the first."""
    parts = _parts(p, hit, known_rate)
    random = np.random.default_rng(seed)
    drawn = [_resampled(part, random) for part in parts]
    auc_all, auc_low_high = _auc_over(parts, drawn)
    rows = [len(part.hit) for part in parts]
    gains = np.average([d["gain"] for d in drawn], axis=0, weights=rows)
    pooled, level = (
        np.concatenate([getattr(p, name) for p in parts]) for name in ("hit", "anchored")
    )
    return InTime(
        n=len(hit),
        hits=int(hit.sum()),
        windows=tuple(_window(*pair) for pair in zip(parts, drawn, strict=True)),
        auc=auc_all,
        auc_interval=auc_low_high,
        gain=float(np.concatenate([part.gains() for part in parts]).mean()),
        gain_interval=_interval(gains),
        brier_skill=_skill(
            level,
            np.concatenate([part.base for part in parts]),
            pooled,
        ),
        lift=_mean_lift(parts),
        ece=calibration_error(level, pooled),
        ece_by_chance=_by_chance(level, random),
    )


def gain_over_base(p: Floats, hit: Flags, known_rate: float) -> float:
    """The anchored model's mean gain in log loss alone, for choosing between candidates."""
    return float(np.concatenate([part.gains() for part in _parts(p, hit, known_rate)]).mean())


def _parts(p: Floats, hit: Flags, known_rate: float) -> list[_Part]:
    parts, rate = [], known_rate
    for window in windows(hit):
        inside = hit[window]
        part = _Part(int(window[0]), inside, p[window], anchored(p[window], rate), rate)
        parts.append(part)
        rate = (float(inside.sum()) + _PRIOR * rate) / (len(inside) + _PRIOR)
    return parts


def _resampled(part: _Part, random: np.random.Generator) -> Mapping[str, Floats]:
    gains, n = part.gains(), len(part.hit)
    aucs, means = np.full(_RESAMPLES, np.nan), np.zeros(_RESAMPLES)
    for place in range(_RESAMPLES):
        rows = random.integers(0, n, n)
        means[place] = gains[rows].mean()
        found = auc(part.raw[rows], part.hit[rows])
        aucs[place] = np.nan if found is None else found
    return {"gain": means, "auc": aucs}


def _auc_over(
    parts: Sequence[_Part], drawn: Sequence[Mapping[str, Floats]]
) -> tuple[float | None, Interval | None]:
    judged = [(p, d) for p, d in zip(parts, drawn, strict=True) if p.pairs]
    if not judged:
        return None, None
    weights = [part.pairs for part, _ in judged]
    whole = np.average([auc(part.raw, part.hit) or 0.0 for part, _ in judged], weights=weights)
    over = np.array([d["auc"] for _, d in judged])
    # A resample of a window without both outcomes says nothing of it: the others stand for it.
    weight = np.where(np.isnan(over), 0.0, np.array(weights, dtype=np.float64)[:, None])
    means = (np.nan_to_num(over) * weight).sum(axis=0) / weight.sum(axis=0).clip(min=1e-12)
    return float(whole), _interval(means)


def _window(part: _Part, drawn: Mapping[str, Floats]) -> Window:
    def loss(p: Floats) -> float:
        return float(log_losses(p, part.hit).mean())

    aucs = drawn["auc"][~np.isnan(drawn["auc"])]
    return Window(
        first=part.first,
        n=len(part.hit),
        rate=float(part.hit.mean()),
        known_rate=part.known,
        auc=auc(part.raw, part.hit),
        auc_interval=_interval(aucs) if part.pairs and len(aucs) else None,
        log_loss=loss(part.raw),
        log_loss_anchored=loss(part.anchored),
        log_loss_base=loss(part.base),
        gain=float(part.gains().mean()),
        gain_interval=_interval(drawn["gain"]),
        brier_skill=_skill(part.anchored, part.base, part.hit),
        lift=lift_at_top(part.raw, part.hit),
    )


def _by_chance(p: Floats, random: np.random.Generator) -> float:
    drawn = [calibration_error(p, random.random(len(p)) < p) for _ in range(_DRAWS)]
    return float(np.quantile(drawn, 0.95))


def _skill(p: Floats, base: Floats, hit: Flags) -> float | None:
    against = float(np.mean((base - hit) ** 2))
    return 1 - float(np.mean((p - hit) ** 2)) / against if against > 0 else None


def _mean_lift(parts: Sequence[_Part]) -> float | None:
    lifts = [(lift_at_top(p.raw, p.hit), len(p.hit)) for p in parts if p.hit.any()]
    if not lifts:
        return None
    return float(np.average([lift or 0.0 for lift, _ in lifts], weights=[n for _, n in lifts]))


def _interval(values: Floats) -> Interval:
    return float(np.quantile(values, 0.025)), float(np.quantile(values, 0.975))
