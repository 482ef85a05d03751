"""How good a table model is on given rows: figures, windows of time, and whether it may be used."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np

from ml.evaluate import Evaluation, calibration_error, evaluate
from ml.gates import Check, Verdict
from ml.table.figures import Floats, auc, brier, log_losses
from ml.table.model import TableModel
from ml.table.rows import Table, dataset_of
from ml.table.windows import InTime, judge_in_time
from voice_ai.errors import BadInput

GOAL = "goal"
# Fewer successes say nothing about a model of rare ones.
FEWEST_HITS = 100
MOST_CALIBRATION_ERROR = 0.05


@dataclass(frozen=True)
class LeadEvaluation(Evaluation):
    """`in_time` judges the probability of a success, and so do `brier` and `ece` of the metrics.

    `goal_in_time` judges that of a goal, where the model tells it from another contact.
    """

    missing_columns: tuple[str, ...] = ()
    in_time: InTime | None = None
    goal_in_time: InTime | None = None


def evaluate_leads(
    model: TableModel,
    table: Table,
    *,
    task: str = "lead",
    version: str | None = None,
    known_rate: float | None = None,
    leaks: Sequence[str] = (),
    seed: int = 7,
) -> LeadEvaluation:
    """Judge on every row, in the order of time. `known_rate` is the rate of successes before the
    first; None: that at the end of the training. Raises BadInput when they share nothing.
    """
    missing = tuple(column for column in model.columns if column not in table.columns)
    if len(missing) == len(model.columns):
        raise BadInput(f"{table.name} has none of the columns of the model: {', '.join(missing)}")
    usual = evaluate(model, dataset_of(table), task=task, version=version, leaks=leaks, seed=seed)
    scores = model.batch([row.features for row in table.rows])
    p = model.success(scores)
    hit = np.array([row.label in model.positive for row in table.rows], dtype=np.bool_)
    known = model.rate if known_rate is None else known_rate
    in_time = judge_in_time(p, hit, known, seed=seed)
    found = {
        "auc": auc(p, hit),
        "log_loss": float(log_losses(p, hit).mean()),
        "brier": brier(p, hit),
        "ece": calibration_error(p, hit),
        "auc_in_windows": in_time.auc,
        "gain_over_base_rate": in_time.gain,
        "brier_skill": in_time.brier_skill,
        "ece_at_known_level": in_time.ece,
        "lift_top_decile": in_time.lift,
        "base_rate": known,
        "rate": float(hit.mean()),
    }
    more = {name: value for name, value in found.items() if value is not None}
    shared = {field.name: getattr(usual, field.name) for field in fields(usual)}
    return LeadEvaluation(
        **{**shared, "metrics": {**usual.metrics, **more}},
        missing_columns=missing,
        in_time=in_time,
        goal_in_time=_goals(model, scores, table, seed),
    )


def _goals(model: TableModel, scores: Floats, table: Table, seed: int) -> InTime | None:
    if GOAL not in model.labels or len(model.positive) < 2:
        return None
    hit = np.array([row.label == GOAL for row in table.rows], dtype=np.bool_)
    return judge_in_time(scores[:, model.labels.index(GOAL)], hit, model.rates[GOAL], seed=seed)


def judge(seen: InTime) -> Verdict:
    """The gate of a lead model: it must beat the rate that was known anyway, inside windows."""
    hits = min(seen.hits, seen.n - seen.hits)
    low, high = seen.gain_interval
    enough = f"{hits:,} of the rarer outcome are held out, {FEWEST_HITS} are needed"
    side = "below" if seen.gain > 0 else "above"
    gain = (
        f"log loss is {abs(seen.gain):.5f} nats a row {side} that of the base rate known before"
        f" (gain, 95 % interval: {low:+.5f} to {high:+.5f})"
    )
    most = max(MOST_CALIBRATION_ERROR, seen.ece_by_chance)
    error = f"calibration error {seen.ece:.3f}, at most {most:.3f} is allowed on so many rows"
    return Verdict(
        (
            _check("enough", hits, FEWEST_HITS, enough, passed=hits >= FEWEST_HITS),
            _check("beats_base_rate", low, 0.0, f"{gain}: {_beats(low, high)}", passed=low > 0),
            _ranks(seen),
            _check(
                "calibrated",
                seen.ece,
                most,
                error,
                passed=seen.ece <= most,
            ),
        )
    )


def _check(name: str, figure: float | None, limit: float, detail: str, *, passed: bool) -> Check:
    return Check(name, passed, figure, limit, detail)


def _beats(low: float, high: float) -> str:
    if low > 0:
        return "it beats it"
    return "it is worse" if high < 0 else "it cannot be told from it"


def _ranks(seen: InTime) -> Check:
    name = "ranks_inside_windows"
    if seen.auc is None or seen.auc_interval is None:
        said = "no window has both outcomes, so nothing can be said of the order"
        return _check(name, None, 0.5, said, passed=False)
    low, high = seen.auc_interval
    said = f"AUC inside windows {seen.auc:.3f} (95 % interval {low:.3f} to {high:.3f})"
    verdict = "better than chance" if low > 0.5 else "not better than chance"
    return _check(name, low, 0.5, f"{said}: {verdict}", passed=low > 0.5)
