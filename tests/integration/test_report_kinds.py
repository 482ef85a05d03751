"""Reports from the lake: five kinds, the same bytes again, kept, exported, printed."""

import csv
import json
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from pipelines.lake.batch import Batch
from pipelines.lake.fresh import Fresh
from pipelines.lake.read import Lake
from pipelines.lake.store import open_store
from pipelines.lake.write import write_batch
from pipelines.report.archive import again, keep
from pipelines.report.compliance import compliance_document
from pipelines.report.daily import daily_document
from pipelines.report.facts import Facts, Scope, read_facts
from pipelines.report.make import Ask, build, lake_of, make, scope_of
from pipelines.report.pdf import find_browser, write_pdf
from pipelines.report_kinds import KINDS, OF_A_CAMPAIGN, Kind
from tests.factories_app import START, CampaignFactory
from tests.factories_lake import NOW, small_lake
from tests.integration.test_core_commands import DAY, SECRET
from tests.integration.test_report_file import Page
from voice_ai.__main__ import run
from voice_ai.db.connect import connect
from voice_ai.errors import NotAvailable, Refused
from voice_ai.store import report_archive as store


@pytest.fixture
def home(database_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A home whose lake holds a generated history, and whose database a campaign of its own."""
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("VOICE_AI_SECRET_KEY", SECRET)
    monkeypatch.setenv("VOICE_AI_CLOCK_START", DAY)
    with connect(database_url, autocommit=True) as db:
        CampaignFactory(db, seed=3).campaign("Spring survey", leads=40, dialed=30, live=1)
        db.execute(
            "INSERT INTO switches (kind, key, reason, set_by, set_at) VALUES ('country', 'GB',"
            " 'bank holiday', 'ann', %s)",
            (START,),
        )
    small_lake(tmp_path / "home", calls=2000)
    return tmp_path / "home"


def source_in(home: Path) -> Fresh:
    return lake_of("", open_store(None, home), Ask("daily"), now=NOW)


def lake_in(home: Path) -> Lake:
    return source_in(home).lake


def campaign_in(lake: Lake) -> str:
    return str(lake.rows("campaigns").sort("campaign")["campaign"][0])


def ask(kind: Kind, lake: Lake) -> Ask:
    return Ask(kind, campaign_in(lake) if kind in OF_A_CAMPAIGN else None)


@pytest.mark.parametrize("kind", KINDS)
def test_a_kept_report_is_built_again_to_the_byte(
    kind: Kind, home: Path, database_url: str
) -> None:
    lake = lake_in(home)
    with connect(database_url, autocommit=True) as db:
        made = make(database_url, source_in(home), ask(kind, lake), rehearsal=True)
        kept = keep(db, home, made, lake=lake, by="ann", now=START)
        # What the place becomes afterwards changes no report of before.
        db.execute("UPDATE switches SET reason = 'another', cleared_at = now()")
        write_batch(
            lake.store, lake.manifest, Batch(bound=10**9, as_of=NOW + timedelta(days=9)),
            source="test", why="later", made_at=NOW,
        )  # fmt: skip
        row = store.look(db, str(kept.id)[:8])
        rebuilt = again(open_store(None, home), row)
    assert rebuilt.html.encode() == kept.path.read_bytes()
    assert row["sha256"] == sha256(kept.path.read_bytes()).hexdigest()
    assert f"commit {lake.manifest.number if lake.manifest else 0} of the lake" in rebuilt.html
    page = Page(rebuilt.html)
    assert page.loads == []
    assert not {"script", "link", "iframe", "img"} & set(page.tags)
    assert "Rehearsal: every call in this report" in rebuilt.html
    with pytest.raises(Refused, match="not the same"):
        again(open_store(None, home), {**row, "sha256": "0" * 64})


def scope_and_facts(home: Path, url: str, kind: Kind) -> tuple[Lake, Scope, Facts]:
    lake = lake_in(home)
    scope = scope_of(source_in(home), Ask(kind), rehearsal=True)
    with connect(url, autocommit=True) as db:
        return lake, scope, read_facts(db, kind, scope)


def test_the_day_is_told_against_the_days_before(home: Path, database_url: str) -> None:
    lake, scope, facts = scope_and_facts(home, database_url, "daily")
    made = daily_document(lake, facts, scope)
    dials = lake.sql(
        "SELECT day, sum(dials)::INTEGER AS dials FROM (SELECT coalesce(local_day,"
        " CAST(intended_at AS DATE)) AS day, reached_carrier::INTEGER AS dials FROM attempts)"
        " GROUP BY 1 HAVING sum(dials) > 0 ORDER BY 1 DESC"
    )
    newest, n = dials.row(0)
    before = dict(dials.iter_rows()).get(newest - timedelta(days=7), 0)
    assert made.title.startswith(f"{newest:%Y-%m-%d}")
    assert (made.tiles[0].value, made.tiles[0].notes[1]) == (
        f"{n:,}",
        f"{before:,} the same weekday",
    )
    by_name = {one.title: one for one in made.sections}
    told = sum(int(row[1].replace(",", "")) for row in by_name["How did each campaign do?"].rows)
    assert told == n
    stacked = by_name["At which hours, and how did it end?"].columns
    assert sum(part[2] for column in stacked for part in column.segments) <= n


def test_compliance_counts_a_call_after_a_no_and_lists_every_dial(
    home: Path, database_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with connect(database_url, autocommit=True) as db:
        db.execute(
            "INSERT INTO suppressions (number_id, scope, source, reason, created_at)"
            " SELECT a.number_id, 'all', 'page', 'opt_out', a.intended_at - interval '1 minute'"
            " FROM attempts a JOIN dispositions f ON f.code = a.disposition AND f.reached_carrier"
            " ORDER BY a.id LIMIT 1"
        )
        scope = Scope(True, as_of=START + timedelta(days=1), commit=1)
        facts = read_facts(db, "compliance", scope)
        later = read_facts(db, "compliance", Scope(True, START - timedelta(days=1), 1))
    assert facts["called_after_no"][0]["dials"] >= 1
    assert [row["key"] for row in facts["switches"]] == ["GB"]
    assert {row["source"] for row in facts["opt_outs"]} >= {"page"}
    assert later["called_after_no"] == [{"dials": 0}]
    assert later["switches"] == []
    made = compliance_document(lake_in(home), facts, scope)
    assert made.tiles[0].value == str(facts["called_after_no"][0]["dials"])

    calls = tmp_path / "calls.csv"
    words = ["--kind", "compliance", "--out", str(tmp_path / "c.html"), "--calls", str(calls)]
    assert run("report", [*words, "--json"]) == 0
    with calls.open(encoding="utf-8") as file:
        lines = [*csv.DictReader(file)]
    answer = json.loads(capsys.readouterr().out)
    dials = sum(int(row[1].replace(",", "")) for row in hours_of(answer))
    assert len(lines) == answer["dials"] == dials > 0
    assert len({line["attempt_id"] for line in lines}) == len(lines)


def hours_of(answer: dict[str, Any]) -> list[list[str]]:
    title = "At which of their hours were people called?"
    sections: list[dict[str, Any]] = answer["sections"]
    return next(one["rows"] for one in sections if one["title"] == title)


def test_the_archive_answers_on_the_command_line(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def said(*words: str) -> dict[str, Any]:
        capsys.readouterr()
        assert run("reports", [*words, "--json"]) == 0
        found: dict[str, Any] = json.loads(capsys.readouterr().out)
        return found

    campaign = campaign_in(lake_in(home))
    made = said("build", "interim", campaign, "--send")
    assert made["sent"] == "not sent: no channel"
    assert [one["id"] for one in said("list")["reports"]] == [made["id"]]
    assert said("list", "--kind", "daily")["reports"] == []
    assert said("show", made["id"][:8])["file"] == made["out"]
    assert said("again", made["id"], "--out", str(tmp_path / "again.html"))["same"] is True
    assert (tmp_path / "again.html").read_bytes() == Path(made["out"]).read_bytes()

    out = tmp_path / "then.html"
    early = "2020-01-01T00:00:00+00:00"
    assert run("report", ["--kind", "daily", "--out", str(out), "--as-of", early]) == 1
    assert "no commit as old" in capsys.readouterr().err
    assert run("report", ["--kind", "daily", "--out", str(out), "--as-of", "yesterday"]) == 1
    assert "is no moment" in capsys.readouterr().err
    assert run("report", ["--kind", "weekly", "--out", str(out)]) == 2
    assert run("report", ["--kind", "interim", "--out", str(out)]) == 1
    assert run("reports", ["show", "ffff"]) == 1
    Path(made["out"]).write_text("changed")
    assert run("reports", ["show", made["id"]]) == 1
    assert "was changed after" in capsys.readouterr().err


def test_a_pdf_is_printed_where_a_browser_is(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake = lake_in(home)
    html = tmp_path / "report.html"
    scope = scope_of(source_in(home), ask("campaign", lake), rehearsal=True)
    html.write_text(build(lake, "campaign", scope, {}).html, encoding="utf-8")
    if find_browser():
        made = write_pdf(html, tmp_path / "report.pdf").read_bytes()
        assert made.startswith(b"%PDF-")
        assert made.count(b"/Type /Page") > 1 or b"/Count" in made
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NotAvailable, match="install chromium"):
        write_pdf(html, tmp_path / "none.pdf")
