"""The numbered notebooks run as they are, one after the other on one generated home."""

import base64
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import altair as alt
import polars as pl
import psycopg
import pytest

from pipelines import notebook
from pipelines.analyses import emotion
from pipelines.generate.plan import Ask
from pipelines.generate.to_home import write
from tests.integration.test_model_notebooks import shown
from tests.integration.test_notebook import NOTEBOOKS
from voice_ai.db import upgrade
from voice_ai.embedded import PostgresLease
from voice_ai.vault import Keyring

NUMBERED = sorted(NOTEBOOKS.glob("[0-9]*.ipynb"))
ASK = Ask(calls=6000, seed=7, campaigns=2, months=3)
SECRET = base64.urlsafe_b64encode(b"a secret of the tests, 32 bytes.").decode()


@pytest.fixture(scope="module")
def generated(
    postgres: PostgresLease, keyring: Keyring, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, str]]:
    """The environment of a home with a made-up history; its lake is written by whoever is first."""
    name = "numbered_notebooks"
    with psycopg.connect(postgres.url_of("postgres"), autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name} TEMPLATE voice_ai")
        upgrade(postgres.url_of(name), keyring)
        write(postgres.url_of(name), keyring, ASK)
        yield {
            "DATABASE_URL": postgres.url_of(name),
            "VOICE_AI_SECRET_KEY": SECRET,
            "VOICE_AI_HOME": str(tmp_path_factory.mktemp("numbered")),
            "VOICE_AI_CLOCK_START": "2026-11-02T12:00:00-05:00",
        }
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def home(generated: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for variable, value in generated.items():
        monkeypatch.setenv(variable, value)
    notebook.open_home.cache_clear()
    yield
    notebook.open_home().close()
    notebook.open_home.cache_clear()
    alt.renderers.enable("default")


@pytest.mark.timeout(120)
@pytest.mark.parametrize("path", NUMBERED, ids=lambda path: path.stem)
def test_a_notebook_answers_from_the_lake(path: Path, home: None) -> None:
    with pl.Config():
        values, names = shown(path)
    charts = [value for value in values if isinstance(value, alt.TopLevelMixin)]
    assert charts, "an answer that a person can see"
    for chart in charts:
        assert chart.to_dict()["$schema"]
    frames = [value for value in values if isinstance(value, pl.DataFrame)]
    assert sum(frame.height for frame in frames) > 0
    made = names["history"].manifest
    assert made.number >= 1
    assert (Path(os.environ["VOICE_AI_HOME"]) / "lake" / "commits").is_dir()


def test_a_question_of_ones_own_is_the_contract_s_answer(home: None) -> None:
    _, names = shown(NOTEBOOKS / "07-your-own-question-in-sql.ipynb")
    answer: Any = names["answer"].rows.filter(metric="answered_per_dial")
    by_rows = names["history"].sql(
        "SELECT list, count(*) FILTER (WHERE answered) AS k, count(*) AS n FROM attempts"
        " WHERE reached_carrier GROUP BY 1 ORDER BY 1"
    )
    assert answer.select("list", "k", "n").sort("list").equals(by_rows)
    assert names["daily"]["dials"].sum() == by_rows["n"].sum()


def test_a_planted_lift_is_found_again_and_peeking_costs_what_is_published(home: None) -> None:
    _, names = shown(NOTEBOOKS / "05-experiment-read-out.ipynb")
    lifts = {row["experiment"]: row for row in names["lifts"].iter_rows(named=True)}
    assert lifts["opening"]["planted"] == 1.35
    assert lifts["opening"]["found"]
    assert lifts["opening"]["lift"] > 1
    assert lifts["voice"]["found"]
    last = dict(names["wrong"].filter(look=30).select("test", "wrong").iter_rows())
    # domain.md 6.2: 29.4 % by day 30 for the z-test, 1.6 % for an anytime-valid one; the first has
    # an error of about 1.4 of a hundred on either side.
    assert last["z-test"] == pytest.approx(0.294, abs=0.04)
    assert last["always valid"] == pytest.approx(0.016, abs=0.012)
    by_rows = names["history"].sql(
        "SELECT arm, count(DISTINCT lead_id) AS goals FROM attempts WHERE goal AND campaign_id = $c"
        " GROUP BY arm ORDER BY arm",
        {"c": names["chosen"].campaign_id},
    )
    assert names["read_out"].arms.sort("arm")["goals"].to_list() == by_rows["goals"].to_list()


def test_planted_feelings_are_found_again(home: None) -> None:
    _, names = shown(NOTEBOOKS / "04-emotion-and-outcome.ipynb")
    assert names["name"].startswith("Generated")
    found = names["found"].row(0, named=True)
    assert found["of"] == 21
    assert min(found["start"], found["end"]) >= 0.8, "of intervals of 95 %"
    ends = {(r["outcome"], r["emotion"]): r for r in names["planted"].iter_rows(named=True)}
    joy, anger = ends["goal", "joy"], ends["opted_out", "anger"]
    assert joy["end_found"]
    assert joy["at_end"] - joy["end_half"] > joy["planted_start"], "joy grows towards the goal"
    assert anger["at_end"] > 0.2, "and anger towards the opt-out"
    page = emotion.outcomes(names["history"], names["part"]).filter(chosen_by="last")
    by_sql = names["by_sql"].select("emotion", "n", "goals").sort("emotion")
    assert page.select("emotion", "n", "goals").sort("emotion").equals(by_sql)
