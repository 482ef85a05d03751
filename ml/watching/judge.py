"""From turns and a reference to measures with a verdict."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from ml.watching import label_shift, labelled
from ml.watching.measures import (
    ACCURACY_LIMITS,
    ECE_LIMITS,
    FEWEST,
    FEWEST_LABELLED,
    FEWEST_MISSING,
    KAPPA_TRUSTED,
    MISSING_LIMITS,
    PSI_LIMITS,
    SHIFT_LIMITS,
    UNKNOWN_LIMITS,
    Measure,
    Name,
    Verdict,
    graded,
)
from ml.watching.psi import Floats, Ints, binned, counts_of, psi_interval, resampled, smoothed
from ml.watching.reference import Histogram, Reference
from voice_ai.intervals import wilson
from voice_ai.qa.agreement import Agreement


@dataclass(frozen=True)
class Words:
    """Words of turns now, and how many of them the model has no entry for."""

    n: int
    unknown: int


def judge_turns(reference: Reference, turns: pl.DataFrame, *, seed: int) -> list[Measure]:
    """Score, labels, length and label shift of `turns` against the reference.

    `turns` has call (any whole number, the same for turns of one call), label, score in 0 to 1 and
    words (null: not known). The same turns and seed give the same measures.
    """
    random = np.random.default_rng(seed)
    calls = turns["call"].to_numpy().astype(np.int64)
    measures = [_psi("psi_score", reference.score, turns["score"], calls, random)]
    if reference.length is not None:
        measures.append(_psi("psi_length", reference.length, turns["words"], calls, random))
    return measures + _labels(reference, turns["label"].to_list(), calls, random)


def judge_missing(missing: int, turns: int) -> Measure:
    """Caller turns that no model answered for."""
    if turns == 0:
        return Measure("missing", None, None, None, 0, "too_few")
    low, high = wilson(missing / turns, turns)
    verdict = graded(missing / turns, MISSING_LIMITS) if turns >= FEWEST_MISSING else "too_few"
    return Measure("missing", missing / turns, low, high, turns, verdict)


def judge_words(reference: Reference, words: Words) -> Measure | None:
    """Words without an entry; None where nothing is known to hold them against."""
    if reference.unknown_words is None or words.n == 0:
        return None
    value = words.unknown / words.n
    low, high = wilson(value, words.n)
    verdict: Verdict = "too_few"
    if words.n >= FEWEST:
        # New words are no error by themselves: they alone never ask for action.
        more = graded(value - reference.unknown_words, UNKNOWN_LIMITS)
        verdict = "watch" if more == "act" else more
    detail = {"reference": reference.unknown_words}
    return Measure("unknown_words", value, low, high, words.n, verdict, detail)


def judge_labelled(
    rows: pl.DataFrame, held_out_accuracy: float | None, *, seed: int
) -> list[Measure]:
    """Accuracy and calibration on labelled turns: columns label (agreed), predicted, score, weight.

    Accuracy is judged by its upper bound and calibration by its lower one: a small sample alone
    must not condemn a model.
    """
    n = rows.height
    if n == 0:
        return []
    hits = (rows["label"] == rows["predicted"]).to_numpy()
    weights = rows["weight"].to_numpy().astype(np.float64)
    share = labelled.weighted_share(hits, weights)
    verdict: Verdict = "too_few"
    if n >= FEWEST_LABELLED and held_out_accuracy is not None:
        verdict = graded(held_out_accuracy - share.high, ACCURACY_LIMITS)
        verdict = "stable" if share.high >= held_out_accuracy else verdict
    detail = {"held_out": held_out_accuracy, "effective_n": round(share.effective, 1)}
    measures = [Measure("accuracy", share.value, share.low, share.high, n, verdict, detail)]
    scored = rows["score"].to_numpy().astype(np.float64)
    ece = labelled.calibration_interval(scored, hits, weights, np.random.default_rng(seed))
    verdict = graded(ece.low, ECE_LIMITS) if n >= FEWEST_LABELLED else "too_few"
    return [*measures, Measure("ece", ece.value, ece.low, ece.high, n, verdict)]


def judge_agreement(found: Agreement) -> Measure:
    """Two labellers beyond chance; little agreement is the labels' fault, never the model's."""
    verdict: Verdict = "too_few"
    if found.n >= FEWEST_LABELLED and found.kappa is not None:
        verdict = "stable" if found.kappa >= KAPPA_TRUSTED else "watch"
    return Measure("kappa", found.kappa, None, None, found.n, verdict, {"observed": found.observed})


def _psi(
    name: Name, reference: Histogram, column: pl.Series, calls: Ints, random: np.random.Generator
) -> Measure:
    known = column.is_not_null().to_numpy()
    values = column.drop_nulls().to_numpy().astype(np.float64)
    n, bins = len(values), len(reference.counts)
    if n < FEWEST:
        return Measure(name, None, None, None, n, "too_few")
    places = binned(values, reference.edges)
    counts = counts_of(places, bins)
    drawn = resampled(places, calls[known], bins, random)
    found = psi_interval(reference.counts, counts, drawn)
    detail = {
        "edges": list(reference.edges),
        "reference": _rounded(smoothed(reference.counts)),
        "now": _rounded(smoothed(counts)),
    }
    verdict = graded(found.value, PSI_LIMITS)
    return Measure(name, found.value, found.low, found.high, n, verdict, detail)


def _labels(
    reference: Reference, said: Sequence[str], calls: Ints, random: np.random.Generator
) -> list[Measure]:
    # A label that the reference does not know has a bin of its own, at the end.
    place = {label: index for index, label in enumerate(reference.labels)}
    k = len(place) + 1
    places = np.array([place.get(label, k - 1) for label in said], dtype=np.int64)
    n = len(places)
    if n < FEWEST:
        return [Measure("psi_labels", None, None, None, n, "too_few")]
    counts = counts_of(places, k)
    drawn = resampled(places, calls, k, random)
    expected = [*reference.label_counts, 0]
    if counts[-1] == 0:
        counts, drawn, expected = counts[:-1], drawn[:, :-1], expected[:-1]
    found = psi_interval(expected, counts, drawn)
    names = [*reference.labels, "other labels"][: len(counts)]
    old, new = _shares(expected), _shares(counts)
    mixes = {"labels": names, "reference": _rounded(old), "now": _rounded(new)}
    verdict = graded(found.value, PSI_LIMITS)
    shift = _shift(reference, counts, drawn, n)
    measures = [Measure("psi_labels", found.value, found.low, found.high, n, verdict, mixes)]
    return [*measures, shift] if shift is not None else measures


def _shift(reference: Reference, counts: Ints, drawn: Ints, n: int) -> Measure | None:
    """The mix of true labels, estimated: that of the reference, against that of the calls.

    None where no held-out rows tell how the model errs, or where they cannot tell labels apart.
    """
    k = len(reference.labels)
    if not reference.confusion or counts[:k].sum() == 0:
        return None
    confusion = np.asarray(reference.confusion, dtype=np.int64)
    now = label_shift.true_mix(confusion, _shares(counts[:k]))
    draws = label_shift.true_mix(confusion, _shares(drawn[:, :k]))
    # What it was is estimated in the same way: the held-out rows' own labels, or the first turns.
    old = label_shift.true_mix(confusion, _shares(reference.label_counts))
    if now is None or draws is None or old is None:
        return None
    value = float(label_shift.distance(now, old))
    low, high = np.quantile(label_shift.distance(draws, old), (0.025, 0.975))
    detail = {
        "labels": list(reference.labels),
        "reference": _rounded(old),
        "now": _rounded(now),
    }
    verdict = graded(value, SHIFT_LIMITS)
    return Measure(
        "label_shift", value, min(float(low), value), max(float(high), value), n, verdict, detail
    )


def _shares(counts: Sequence[int] | Ints) -> Floats:
    values = np.asarray(counts, dtype=np.float64)
    return np.asarray(values / np.maximum(values.sum(axis=-1, keepdims=True), 1.0))


def _rounded(values: Floats) -> list[float]:
    return [round(float(value), 6) for value in values]
