"""Lead models: chosen forward in time, exact in numpy, judged in windows, kept with their proof."""

import json
import math
import random
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import skops.io

from ml.artifact import file_sha256, load_model
from ml.deploy import deploy
from ml.table import fit as fitting
from ml.table import kept
from ml.table.evaluate import LeadEvaluation, evaluate_leads, judge
from ml.table.figures import auc, lift_at_top, shift_to
from ml.table.fit import TableFit, fit, positive_labels
from ml.table.kind import ALLOWED, load, reference, serve
from ml.table.leaks import cleaned
from ml.table.rows import Row, Table, table_of, with_split
from ml.table.train import Made, Source, make, proved
from ml.table.windows import InTime, anchored, judge_in_time, windows
from tests.unit.test_lead_rows import planted, write
from voice_ai.errors import BadInput, Refused


def in_time(held_out: LeadEvaluation) -> InTime:
    assert held_out.in_time is not None
    return held_out.in_time


def quiet(share: float, what: str) -> None:
    """Nobody looks."""


@pytest.fixture(scope="module")
def table() -> Table:
    return cleaned(with_split(planted(2400)), {"yes"})[0]


@pytest.fixture(scope="module")
def made(table: Table) -> TableFit:
    return fit(table.part("train"))


def test_a_model_of_signal_passes_its_gate(table: Table, made: TableFit) -> None:
    held_out = evaluate_leads(serve(made.pipeline, made.settings), table.part("heldout"))
    verdict = judge(in_time(held_out))
    assert verdict.passed, verdict.reasons
    assert in_time(held_out).gain_interval[0] > 0
    assert held_out.metrics["auc_in_windows"] > 0.58
    assert {"macro_f1", "weighted_f1", "accuracy", "auc", "log_loss", "brier", "ece"} <= set(
        held_out.metrics
    )
    assert len(in_time(held_out).windows) > 3


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
    held_out = evaluate_leads(serve(made.pipeline, made.settings), table.part("heldout"))
    verdict = judge(in_time(held_out))
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
    expected = reference(made.pipeline, made.settings, rows)
    np.testing.assert_allclose(model.batch(rows), expected, rtol=0, atol=1e-12)
    one_by_one = np.array([model.probabilities(row) for row in rows])
    np.testing.assert_allclose(one_by_one, expected, rtol=0, atol=1e-12)
    skops.io.dump(made.pipeline, tmp_path / "model.skops")
    loaded = load_model(tmp_path / "model.skops", file_sha256(tmp_path / "model.skops"), ALLOWED)
    again = serve(loaded, json.loads(json.dumps(made.settings)))
    np.testing.assert_allclose(again.batch(rows), expected, rtol=0, atol=1e-12)


def test_the_same_rows_and_seed_give_the_same_model(table: Table, made: TableFit) -> None:
    assert fit(table.part("train")).fitted.fingerprint == made.fitted.fingerprint
    fewer = table.part("train")
    other = fit(fewer.with_rows(fewer.rows[:-1]))
    assert other.fitted.fingerprint != made.fitted.fingerprint


def test_the_sigmoid_makes_later_rows_likeliest(table: Table, made: TableFit) -> None:
    later = table.part("train").rows[-len(table.part("train").rows) // 5 :]
    model = serve(made.pipeline, made.settings)
    p = model.success(model.batch([row.features for row in later]))
    assert p.mean() == pytest.approx(np.mean([row.label == "yes" for row in later]), abs=0.02)


def test_three_outcomes_count_two_as_a_contact() -> None:
    draw, rows = random.Random(9), []
    for at in range(1000):
        warm = draw.random() < 0.4
        contact = draw.random() < (0.5 if warm else 0.2)
        label = ("goal" if draw.random() < 0.3 else "contact") if contact else "no_contact"
        rows.append(Row({"warm": str(warm)}, label, at=float(at)))
    table = with_split(Table("three", ("warm",), tuple(rows), "a test"))
    assert positive_labels(table) == {"contact", "goal"}
    made = fit(table.part("train"))
    held_out = evaluate_leads(serve(made.pipeline, made.settings), table.part("heldout"))
    assert held_out.metrics["auc_in_windows"] > 0.6
    assert set(held_out.slices["label"]) == {"contact", "goal", "no_contact"}
    assert held_out.goal_in_time is not None
    assert 20 < held_out.goal_in_time.hits < in_time(held_out).hits


def test_too_little_to_learn_from_is_told(table: Table) -> None:
    few = table.with_rows(table.rows[:30])
    with pytest.raises(BadInput, match="at least"):
        fit(few)
    with pytest.raises(BadInput, match="one label"):
        fit(table.with_rows([replace(row, label="no") for row in table.rows]))


@pytest.fixture(scope="module")
def whole() -> Made:
    return make(Source(planted(2400), "seller"), progress=quiet)


def deployed(made: Made, home: Path) -> None:
    """As a version that the registry has numbered."""
    skops.io.dump(made.final.pipeline, home / "model.skops")
    sha256 = file_sha256(home / "model.skops")
    manifest = replace(proved(made), version="3", sha256=sha256)
    deploy(home / "model.skops", manifest, kept.shelf_home(home, "seller"))


def test_what_is_kept_learnt_from_the_held_out_rows_too(whole: Made) -> None:
    assert whole.verdict.passed
    assert len(whole.final.table.rows) == 2400
    assert whole.evaluation.n == 720
    assert json.loads(json.dumps(whole.evaluation.as_json()))["in_time"]["windows"]
    by_file = make(Source(with_split(planted(2400)), kept.FILES), progress=quiet)
    assert len(by_file.final.table.rows) == 1680


def test_a_seller_has_its_own_champion(whole: Made, tmp_path: Path) -> None:
    assert kept.champion(tmp_path, "seller") is None
    deployed(whole, tmp_path)
    served = kept.champion(tmp_path, "seller")
    assert served is not None
    assert served.version == "3"
    rows = [row.features for row in whole.final.table.rows[:50]]
    assert served.chances(rows).shape == (50,)
    assert kept.champion(tmp_path, "other") is None


def test_another_sellers_and_changed_files_are_refused(whole: Made, tmp_path: Path) -> None:
    deployed(whole, tmp_path)
    shutil.copytree(kept.shelf_home(tmp_path, "seller"), kept.shelf_home(tmp_path, "other"))
    with pytest.raises(Refused, match="another seller"):
        kept.champion(tmp_path, "other")
    folder = kept.shelf_home(tmp_path, "seller") / "models" / "lead" / "3"
    content = (folder / "manifest.json").read_bytes()
    (folder / "manifest.json").write_bytes(content.replace(b'"no": 0', b'"no": 1'))
    with pytest.raises(Refused, match="changed after"):
        kept.champion(tmp_path, "seller")
    (folder / "manifest.json").write_bytes(content)
    assert kept.champion(tmp_path, "seller") is not None
    with (folder / "model.skops").open("ab") as handle:
        handle.write(b" ")
    with pytest.raises(Refused, match="SHA-256"):
        kept.champion(tmp_path, "seller")


def test_a_file_is_judged_by_what_it_has(made: TableFit, tmp_path: Path) -> None:
    lines = [
        "zone,before,label",
        *(f"A,{n % 2},{'yes' if n % 4 == 1 else 'no'}" for n in range(80)),
    ]
    table = table_of(load(write(tmp_path, "\n".join(lines))))
    model = serve(made.pipeline, made.settings)
    judged = evaluate_leads(model, table, version="1")
    assert (judged.version, judged.n, judged.missing_columns) == ("1", 80, ("age",))
    with pytest.raises(BadInput, match="none of the labels"):
        evaluate_leads(model, table_of(load(write(tmp_path, "zone,label\nA,won\n"))))
    with pytest.raises(BadInput, match="none of the columns"):
        evaluate_leads(model, table_of(load(write(tmp_path, "size,label\n1,yes\n"))))


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
