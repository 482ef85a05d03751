"""What a run recorded of its evaluation, as frames to draw. Pure; older runs recorded less."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from ml.registry_records import Told

Judged = Mapping[str, Any]

# So many rows and more say something; charts draw fewer paler, as everywhere in the product.
THIN = 20
_MOST_ROWS = 40
FIGURES = {
    "macro_f1": "Macro-F1",
    "accuracy": "Accuracy",
    "uar": "Mean recall",
    "ece": "Calibration error",
    "brier": "Brier score",
    "in_scope_accuracy": "In-scope accuracy",
    "oos_recall": "Out-of-scope recall",
    "auc_in_windows": "AUC inside windows",
    "gain_over_base_rate": "Gain over base rate",
    "auc": "AUC",
    "log_loss": "Log loss",
}
ABOUT = {
    "macro_f1": "Mean of each label's F1 on the held-out rows, every label counting the same.",
    "accuracy": "Held-out rows answered rightly ÷ held-out rows.",
    "uar": "Mean of each label's recall, every label counting the same.",
    "ece": "Mean gap between stated probability and share that was right; less is better.",
    "brier": "Mean squared distance of the probabilities from the truth; less is better.",
    "in_scope_accuracy": "Rows of real labels answered rightly ÷ those rows.",
    "oos_recall": "Rows that belong to no label and were rejected ÷ those rows.",
    "auc_in_windows": "AUC inside windows of time, weighted by pairs; 0.5 is chance.",
    "gain_over_base_rate": "Log loss of the rate known before each window less the model's, in "
    "nats a row; above 0 is better.",
    "auc": "Share of pairs, one of each kind, in the right order.",
    "log_loss": "Mean negative log of the probability given to the truth; less is better.",
}
LESS_IS_BETTER = frozenset({"ece", "brier", "log_loss"})


@dataclass(frozen=True)
class Compared:
    """One figure of two versions; the other's is None where it has none on the same rows."""

    name: str
    ours: float
    low: float | None
    high: float | None
    theirs: float | None


def same_rows(ours: Judged, theirs: Judged) -> bool:
    """Whether both were judged on the same held-out rows, so that their figures compare."""
    known = ours.get("dataset_sha256")
    return known is not None and known == theirs.get("dataset_sha256")


def compared(ours: Told, theirs: Told | None) -> list[Compared]:
    """Every figure that people know by name, in one order."""
    known = theirs.metrics if theirs and same_rows(ours.judged, theirs.judged) else {}
    rows = []
    for name in FIGURES:
        if name in ours.metrics:
            low, high = ours.intervals.get(name, (None, None))
            rows.append(Compared(name, ours.metrics[name], low, high, known.get(name)))
    return rows


def slice_kinds(judged: Judged) -> list[str]:
    return [kind for kind, parts in judged.get("slices", {}).items() if parts]


def slices(judged: Judged, kind: str) -> pl.DataFrame:
    """Columns name, n, rate, low, high, thin; the worst `_MOST_ROWS` where there are more."""
    parts = judged.get("slices", {}).get(kind, {})
    rows = [
        {
            "name": name,
            "n": part["n"],
            "rate": part["accuracy"],
            "low": part.get("low"),
            "high": part.get("high"),
            "thin": part["n"] < THIN,
        }
        for name, part in parts.items()
    ]
    schema = dict.fromkeys(("rate", "low", "high"), pl.Float64)
    frame = pl.DataFrame(
        rows, schema={"name": pl.String, "n": pl.Int64, **schema, "thin": pl.Boolean}
    )
    return frame.sort("rate", "name").head(_MOST_ROWS) if kind == "label" else frame


def calibration(judged: Judged) -> pl.DataFrame:
    """Columns n, said, right: a row per bin of about the same confidence."""
    schema = {"n": pl.Int64, "said": pl.Float64, "right": pl.Float64}
    return pl.DataFrame(list(judged.get("calibration", ())), schema=schema)


def confusions(judged: Judged, most: int = 28) -> pl.DataFrame:
    """Columns truth, given, n, share (of the truth's rows): the labels that are mixed up most."""
    pairs = [(str(t), str(g), int(n)) for t, g, n in judged.get("confusions", ())]
    schema = {"truth": pl.String, "given": pl.String, "n": pl.Int64}
    frame = pl.DataFrame(pairs, schema=schema, orient="row")
    kept = _mixed_up(pairs, most)
    of = {name: part["n"] for name, part in judged.get("slices", {}).get("label", {}).items()}
    return frame.filter(pl.col("truth").is_in(kept), pl.col("given").is_in(kept)).with_columns(
        share=pl.col("n") / pl.col("truth").replace_strict(of, default=None, return_dtype=pl.Int64)
    )


def _mixed_up(pairs: Sequence[tuple[str, str, int]], most: int) -> list[str]:
    """All labels while they are few, else those of the commonest mistakes."""
    labels = {label for truth, given, _ in pairs for label in (truth, given)}
    if len(labels) <= most:
        return sorted(labels)
    wrong = sorted((p for p in pairs if p[0] != p[1]), key=lambda p: -p[2])
    kept: dict[str, None] = {}
    for truth, given, _ in wrong:
        if len(kept.keys() | {truth, given}) > most:
            break
        kept.update({truth: None, given: None})
    return sorted(kept)


def rejection(judged: Judged) -> pl.DataFrame:
    """Columns oos_recall, in_scope_accuracy: from nothing rejected to everything."""
    told = judged.get("rejecting") or {}
    schema = {"in_scope_accuracy": pl.Float64, "oos_recall": pl.Float64}
    return pl.DataFrame(list(told.get("curve", ())), schema=schema)


def windows(judged: Judged) -> pl.DataFrame:
    """Columns window, n, gain, low, high, auc: of a model that is judged inside windows of time."""
    told = judged.get("in_time") or {}
    rows = [
        {
            "window": number,
            "n": one["n"],
            "gain": one["gain"],
            "low": one["gain_interval"][0],
            "high": one["gain_interval"][1],
            "auc": one["auc"],
        }
        for number, one in enumerate(told.get("windows", ()), start=1)
    ]
    schema = dict.fromkeys(("gain", "low", "high", "auc"), pl.Float64)
    return pl.DataFrame(rows, schema={"window": pl.Int64, "n": pl.Int64, **schema})


def versions(told: Sequence[Told], figure: str, served: str | None) -> pl.DataFrame:
    """Columns version, value, low, high, n, state; the oldest first."""
    rows = []
    for one in reversed(told):
        if figure not in one.metrics:
            continue
        low, high = one.intervals.get(figure, (None, None))
        rows.append(
            {
                "version": one.version.version,
                "value": one.metrics[figure],
                "low": low,
                "high": high,
                "n": one.n,
                "state": state_of(one, served),
            }
        )
    schema = {"version": pl.String, "value": pl.Float64, "low": pl.Float64, "high": pl.Float64}
    return pl.DataFrame(rows, schema={**schema, "n": pl.Int64, "state": pl.String})


def state_of(one: Told, served: str | None) -> str:
    """serves, passed, failed or not judged."""
    if one.version.version == served:
        return "serves"
    return one.version.gate if one.version.gate in ("passed", "failed") else "not judged"
