"""The notebooks about models run as they are, on fewer rows: each trains and judges for real."""

import ast
from pathlib import Path
from typing import Any

import altair as alt
import polars as pl
import pytest

from pipelines.commands_notebook import copy_notebooks, notebook_of
from pipelines.notebook_models import ROWS_VARIABLE, Plain
from tests.integration.test_notebook import NOTEBOOKS, code_of, read
from voice_ai.errors import NotFound

ABOUT_MODELS = sorted(NOTEBOOKS.glob("models-*.ipynb"))


def shown(path: Path) -> tuple[list[Any], dict[str, Any]]:
    """What each cell shows, as in a kernel: the value of its last expression; and all its names.

    In this process, as a kernel takes longer to start than a notebook to run.
    """
    names: dict[str, Any] = {"__name__": "__notebook__"}
    values = []
    for place, cell in enumerate(code_of(read(path))):
        tree = ast.parse(cell.source)
        last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
        where = f"{path.name}, code cell {place}"
        exec(compile(tree, where, "exec"), names)
        if isinstance(last, ast.Expr):
            values.append(eval(compile(ast.Expression(last.value), where, "eval"), names))
    return values, names


@pytest.mark.timeout(120)
@pytest.mark.parametrize("path", ABOUT_MODELS, ids=lambda path: path.stem)
def test_a_notebook_trains_judges_and_compares(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ROWS_VARIABLE, "350")
    monkeypatch.delenv("VOICE_AI_DATA", raising=False)
    try:
        with pl.Config():
            values, names = shown(path)
    finally:
        alt.renderers.enable("default")
    charts = [value for value in values if isinstance(value, alt.Chart | alt.LayerChart)]
    assert len(charts) >= 2
    assert all(chart.to_dict()["$schema"] for chart in charts)
    if "judged" in names:
        assert names["judged"].n == len(names["rows"].held_out.examples)
        assert names["rows"].leaks == ()
        assert {"ours", "the other", "difference", "low", "high"} == set(values[-1].columns)
    else:  # leads: what carries no truth is refused
        assert not names["blind"].verdict.passed
        assert names["hours"].of("America/Chicago", 2, 18).mean > 0.18


def test_the_command_opens_any_of_them_by_name(tmp_path: Path) -> None:
    folder = copy_notebooks(tmp_path)
    assert notebook_of(folder, None) == "01-first-look.ipynb"
    assert notebook_of(folder, "models-intent") == "models-intent.ipynb"
    with pytest.raises(NotFound, match="there is no notebook 'nothing'; there are 01-first-look, "):
        notebook_of(folder, "nothing")


def test_a_plain_model_answers_like_the_classifier_it_wraps() -> None:
    class Coin:
        def predict_proba(self, rows: list[str]) -> list[list[float]]:
            return [[0.25, 0.75]] * len(rows)

    plain = Plain(Coin(), ("no", "yes"), list)
    assert plain.probabilities("x").tolist() == [0.25, 0.75]
    assert plain.batch(["x", "y"]).shape == (2, 2)
