"""The notebook on emotions finds again what the generator planted, and says what the page says."""

from pathlib import Path

import altair as alt
import polars as pl
import pytest

from pipelines.analyses import emotion
from tests.factories_lake import small_lake
from tests.integration.test_model_notebooks import shown
from tests.integration.test_notebook import NOTEBOOKS, SECRET
from voice_ai.db import upgrade
from voice_ai.vault import Keyring


@pytest.mark.timeout(120)
def test_the_planted_ends_are_found(
    database_url: str, keyring: Keyring, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    upgrade(database_url, keyring)
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("VOICE_AI_SECRET_KEY", SECRET)
    monkeypatch.setenv("VOICE_AI_HOME", str(tmp_path))
    lake = small_lake(tmp_path, calls=12_000, campaigns=1, months=1)
    try:
        values, names = shown(NOTEBOOKS / "04-emotion-and-outcome.ipynb")
    finally:
        alt.renderers.enable("default")
    charts = [v for v in values if isinstance(v, alt.Chart | alt.LayerChart | alt.FacetChart)]
    assert len(charts) == 4
    assert all(chart.to_dict()["$schema"] for chart in charts)
    assert names["name"].startswith("Generated")
    found = names["found"].row(0, named=True)
    assert found["of"] == 21
    assert min(found["start"], found["end"]) >= 0.8
    ends = {(r["outcome"], r["emotion"]): r for r in names["planted"].iter_rows(named=True)}
    joy, anger = ends["goal", "joy"], ends["opted_out", "anger"]
    assert joy["end_found"]
    assert joy["at_end"] - joy["end_half"] > joy["planted_start"], "joy grows towards the goal"
    assert anger["end_found"]
    assert anger["at_end"] > 0.2, "and anger towards the opt-out"
    page = emotion.outcomes(lake, names["part"]).filter(pl.col("chosen_by") == "last")
    assert dict(page.select("emotion", "goals").iter_rows()) == dict(
        names["by_sql"].select("emotion", "goals").iter_rows()
    )
