"""Lead models: chosen forward in time, exact in numpy, judged in windows, kept with their proof."""

import json
import math
import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ml.table import fit as fitting
from ml.table import kept
from ml.table.evaluate import evaluate, judge
from ml.table.figures import auc, lift_at_top, shift_to
from ml.table.fit import Fitted, fit, positive_labels, serve
from ml.table.leaks import cleaned
from ml.table.rows import Row, Table, with_split
from ml.table.train import Source, evaluate_file, train
from ml.table.windows import anchored, judge_in_time, windows
from tests.unit.test_lead_rows import planted, write
from voice_ai.errors import BadInput, NotFound, Refused


@pytest.fixture(scope="module")
def table() -> Table:
    return cleaned(with_split(planted(3000)), {"yes"})[0]


@pytest.fixture(scope="module")
def made(table: Table) -> Fitted:
    return fit(table.part("train"))


def test_a_model_of_signal_passes_its_gate(table: Table, made: Fitted) -> None:
    held_out = evaluate(serve(made.pipeline, made.settings), table.part("heldout"))
    verdict = judge(held_out)
    assert verdict.passed, verdict.reasons
    assert held_out.in_time.gain_interval[0] > 0
    assert held_out.metrics["auc_in_windows"] > 0.58
    assert {"macro_f1", "weighted_f1", "accuracy", "auc", "log_loss", "brier", "ece"} <= set(
        held_out.metrics
    )
    assert len(held_out.in_time.windows) > 3


def test_a_model_of_periods_is_refused_in_sentences() -> None:
    """Pooled it looks good; inside windows it knows nothing."""
    draw, rows = random.Random(4), []
    for at in range(2400):
        level = 0.2 + 0.15 * math.sin(at / 150)
        label = "yes" if draw.random() < level else "no"
        noise = draw.choice("abcd")
        rows.append(Row({"level": round(level, 3), "noise": noise}, label, at=float(at)))
    table = with_split(Table("periods", ("level", "noise"), tuple(rows), "a test"))
    made = fit(table.part("train"))
    assert made.period == ("level",)
    held_out = evaluate(serve(made.pipeline, made.settings), table.part("heldout"))
    verdict = judge(held_out)
    assert not verdict.passed
    assert any("base rate known before" in reason for reason in verdict.reasons)
    # The very level, which sorts well over all times, is no better inside windows than chance.
    p = np.array([float(row.features["level"] or 0) for row in table.part("heldout").rows])
    hit = np.array([row.label == "yes" for row in table.part("heldout").rows])
    judged = judge_in_time(p, hit, 0.2, seed=1)
    pooled = auc(p, hit)
    assert pooled is not None
    assert judged.auc is not None
    assert pooled > 0.6
    assert judged.auc < pooled - 0.04


@pytest.mark.parametrize("kind", ["linear", "trees"])
def test_what_is_served_is_what_was_fitted(
    table: Table, kind: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    candidates = fitting._candidates

    def only(*given: object) -> list[fitting.Candidate]:
        return [one for one in candidates(*given) if one.kind == kind][:1]  # type: ignore[arg-type]

    monkeypatch.setattr(fitting, "_candidates", only)
    made = fit(table.part("train"))
    model = serve(made.pipeline, made.settings)
    odd: list[dict[str, str | float | None]] = [
        {},
        {"zone": "Z", "before": None},
        {"zone": None, "age": "old", "before": 1e9, "strange": 1.0},
    ]
    rows = [*odd, *(dict(row.features) for row in table.rows[:40])]
    expected = made.pipeline.predict_proba([model.encoding.clean(row) for row in rows])
    np.testing.assert_allclose(model.batch(rows), expected, rtol=0, atol=1e-12)
    one_by_one = np.array([model.probabilities(row) for row in rows])
    np.testing.assert_allclose(one_by_one, expected, rtol=0, atol=1e-12)
    manifest = kept.keep(tmp_path, "shelf", made, metrics={}, gate={"passed": True})
    loaded = kept.find(tmp_path, "shelf", manifest.version)
    np.testing.assert_allclose(loaded.model.batch(rows), expected, rtol=0, atol=1e-12)


def test_the_same_rows_and_seed_give_the_same_model(table: Table, made: Fitted) -> None:
    assert fit(table.part("train")).parameters_sha256 == made.parameters_sha256
    fewer = table.part("train")
    other = fit(fewer.with_rows(fewer.rows[:-1]))
    assert other.parameters_sha256 != made.parameters_sha256


def test_the_sigmoid_makes_later_rows_likeliest(table: Table, made: Fitted) -> None:
    later = table.part("train").rows[-len(table.part("train").rows) // 5 :]
    model = serve(made.pipeline, made.settings)
    p = model.success(model.batch([row.features for row in later]))
    assert p.mean() == pytest.approx(np.mean([row.label == "yes" for row in later]), abs=0.02)


def test_three_outcomes_count_two_as_a_contact() -> None:
    draw, rows = random.Random(9), []
    for at in range(1500):
        warm = draw.random() < 0.4
        contact = draw.random() < (0.5 if warm else 0.2)
        label = ("goal" if draw.random() < 0.3 else "contact") if contact else "no_contact"
        rows.append(Row({"warm": str(warm)}, label, at=float(at)))
    table = with_split(Table("three", ("warm",), tuple(rows), "a test"))
    assert positive_labels(table) == {"contact", "goal"}
    made = fit(table.part("train"))
    held_out = evaluate(serve(made.pipeline, made.settings), table.part("heldout"))
    assert held_out.metrics["auc_in_windows"] > 0.6
    assert set(held_out.slices["label"]) == {"contact", "goal", "no_contact"}


def test_too_little_to_learn_from_is_told(table: Table) -> None:
    few = table.with_rows(table.rows[:30])
    with pytest.raises(BadInput, match="at least"):
        fit(few)
    with pytest.raises(BadInput, match="one label"):
        fit(table.with_rows([replace(row, label="no") for row in table.rows]))


def test_only_a_passed_model_of_a_sellers_dials_is_served(table: Table, tmp_path: Path) -> None:
    from_file = train(tmp_path, Source(with_split(planted(3000)), kept.FILES))
    assert from_file.verdict.passed
    assert not from_file.promoted
    assert "seller's own dials" in from_file.reason
    assert kept.champion(tmp_path, "seller") is None
    trained = train(tmp_path, Source(with_split(planted(3000)), "seller"))
    assert trained.promoted
    assert json.loads(json.dumps(trained.as_json()))["gate"]["passed"]
    served = kept.champion(tmp_path, "seller")
    assert served is not None
    assert served.version == trained.version == "1"
    refused = replace(served.manifest, gate={"passed": False})
    with pytest.raises(Refused, match="did not pass"):
        kept.promote(tmp_path, refused)


def test_changed_files_are_refused(made: Fitted, tmp_path: Path) -> None:
    manifest = kept.keep(tmp_path, "seller", made, metrics={}, gate={"passed": True})
    kept.promote(tmp_path, manifest)
    folder = tmp_path / "models" / "lead-of-sellers" / "seller"
    file = folder / "1" / "manifest.json"
    whole = file.read_bytes()
    file.write_bytes(whole.replace(b'"threshold": 0', b'"threshold": 1'))
    with pytest.raises(Refused, match="changed after training"):
        kept.champion(tmp_path, "seller")
    file.write_bytes(whole)
    assert kept.champion(tmp_path, "seller") is not None
    model = folder / "1" / "model.skops"
    model.write_bytes(model.read_bytes() + b" ")
    with pytest.raises(Refused, match="SHA-256"):
        kept.champion(tmp_path, "seller")


def test_a_file_is_judged_by_the_newest_version(made: Fitted, tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        evaluate_file(tmp_path, tmp_path / "rows.csv", version=None)
    kept.keep(tmp_path, kept.FILES, made, metrics={}, gate={"passed": True})
    lines = [
        "zone,before,label",
        *(f"A,{n % 2},{'yes' if n % 4 == 1 else 'no'}" for n in range(80)),
    ]
    judged = evaluate_file(tmp_path, write(tmp_path, "\n".join(lines)), version=None)
    assert (judged.version, judged.n, judged.missing_columns) == ("1", 80, ("age",))
    with pytest.raises(BadInput, match="none of the labels"):
        evaluate_file(tmp_path, write(tmp_path, "zone,label\nA,won\n"), version=None)


def test_figures() -> None:
    hit = np.array([True, False, True, False])
    assert auc(np.array([0.9, 0.1, 0.8, 0.3]), hit) == 1.0
    assert auc(np.array([0.5, 0.5, 0.5, 0.5]), hit) == 0.5
    assert auc(np.array([0.5, 0.4]), np.array([True, True])) is None
    assert lift_at_top(np.array([0.9, 0.1, 0.2, 0.3]), np.array([True, False, False, False])) == 4.0
    p = np.array([0.1, 0.2, 0.6])
    assert anchored(p, 0.5).mean() == pytest.approx(0.5)
    assert shift_to(p, p.mean()) == pytest.approx(0.0, abs=1e-6)


def test_windows_have_enough_of_both_kinds() -> None:
    hit = np.zeros(5000, dtype=np.bool_)
    hit[::50] = True
    assert len(windows(hit)) == 5
    assert len(windows(hit[:60])) == 1
    assert sum(map(len, windows(hit))) == 5000
