"""The report as a file: complete, self-contained, without a person in it."""

import json
import re
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path

import pytest

from pipelines.metrics.load import campaign_frames
from pipelines.metrics.measures import measure
from pipelines.report import build_report, render_html
from pipelines.report.build import figures
from tests.factories_app import CampaignFactory
from voice_ai.__main__ import run
from voice_ai.db.connect import connect

AS_OF = datetime(2026, 11, 24, 20, 0, tzinfo=UTC)
TITLES = (
    "Where leads were lost",
    "When did dials end, and how?",
    "How calls ended",
    "Calls by carrier status",
    "Answered per dial, by the called party's local hour",
    "How people sounded",
    "How it changed along the call",
    "How long people waited for an answer",
    "Why leads were not called",
)
_ADDRESSES = {"src", "href", "srcset", "data", "action", "poster"}


class Page(HTMLParser):
    """What a browser would load, and the sections with their tables."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.tags: list[str] = []
        self.titles: list[str] = []
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.open.append(tag)
        self.loads += [f"{name}={value}" for name, value in attrs if name in _ADDRESSES]

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "h2":
            self.titles.append(data)

    def handle_endtag(self, tag: str) -> None:
        self.open.append("/" + tag)


@pytest.fixture
def seeded(database_url: str) -> str:
    with connect(database_url) as db:
        CampaignFactory(db).campaign("Spring <survey>", leads=60, dialed=45)
    return database_url


def html_of(url: str, campaign: str) -> str:
    with connect(url) as db:
        return render_html(build_report(campaign_frames(db, campaign), AS_OF))


def test_loads_nothing_and_runs_nothing(seeded: str) -> None:
    text = html_of(seeded, "Spring <survey>")
    page = Page(text)
    assert page.loads == []
    assert not {"script", "link", "iframe", "img", "object", "embed"} & set(page.tags)
    assert not re.search(r"https?://|url\(|@import|javascript:", text)
    assert len(text) < 200_000


def test_has_every_section_with_its_table_n_and_interval(seeded: str) -> None:
    text = html_of(seeded, "Spring <survey>")
    assert tuple(Page(text).titles) == TITLES
    for section in text.split("<section>")[1:]:
        assert "<svg" in section
        assert "<table>" in section
        assert "95 % interval" in section or "First third, n = " in section
    assert "Rehearsal: every call in this report" in text
    assert "Spring &lt;survey&gt;" in text
    assert "prefers-color-scheme:dark" in text
    assert "@media print" in text


def test_says_so_where_there_is_nothing(database_url: str) -> None:
    with connect(database_url) as db:
        CampaignFactory(db).campaign("Empty", leads=0, dialed=0, live=0, rehearsal=False)
    text = html_of(database_url, "Empty")
    assert tuple(Page(text).titles) == TITLES
    assert "No response was measured yet." in text
    assert "No lead is refused." in text
    assert "Rehearsal" not in text


def test_the_report_and_the_page_have_the_same_figures(seeded: str) -> None:
    with connect(seeded) as db:
        frames = campaign_frames(db, "Spring <survey>")
    report = build_report(frames, AS_OF)
    assert report.figures == figures(measure(frames))
    assert [figure.label for figure in report.figures] == [
        "Dials",
        "Answered per dial",
        "Conversed per human",
        "Goals per conversation",
        "Opt-outs per human",
    ]
    assert report.figures[0].count == sum(row.dials for row in report.activity)
    assert sum(share.count for share in report.dispositions) + report.live == report.attempts


def test_the_command_writes_the_file_and_answers_as_json(
    seeded: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("DATABASE_URL", seeded)
    out = tmp_path / "report.html"
    assert run("report", ["Spring <survey>", "--out", str(out), "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["campaign"] == "Spring <survey>"
    assert answer["out"] == str(out)
    assert answer["figures"][0]["count"] > 0
    assert tuple(Page(out.read_text()).titles) == TITLES
    assert [path.name for path in tmp_path.iterdir() if path.name != "home"] == ["report.html"]


@pytest.mark.parametrize(
    ("campaign", "place", "said"),
    [
        ("Summer", "r.html", "no campaign named 'Summer'; there are: Spring <survey>"),
        ("Spring <survey>", "no/where/r.html", "the report cannot be written there"),
        ("Spring <survey>", ".", "the report's file is a folder"),
    ],
)
def test_a_no_is_one_sentence(
    seeded: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    campaign: str,
    place: str,
    said: str,
) -> None:
    monkeypatch.setenv("DATABASE_URL", seeded)
    assert run("report", [campaign, "--out", str(tmp_path / place)]) == 1
    told = capsys.readouterr()
    assert said in told.err
    assert told.err.count("\n") == 1
    assert told.out == ""
