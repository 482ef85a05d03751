"""Yesterday, or today so far: every campaign against the day before and the same weekday."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl

from pipelines.lake.read import Lake
from pipelines.metrics.abandonment import MOST
from pipelines.metrics.definitions import DISPOSITIONS
from pipelines.metrics.intervals import rate
from pipelines.metrics.jumps import JUMP, jump
from pipelines.metrics.rates import (
    ANSWERED_PER_DIAL,
    CONVERSED_PER_HUMAN,
    GOALS_PER_CONVERSATION,
    OPT_OUTS_PER_HUMAN,
)
from pipelines.report.compliance import abandonment
from pipelines.report.document import Column, Document, Section, Tile, bar_of, tile_of
from pipelines.report.facts import Facts, Scope, moment_of
from pipelines.report.labels import count, interval, moment, percent, words
from pipelines.report.palette import disposition_outcome

# A day ends for everybody who is called once it has ended in the west of the United States.
_ZONE = ZoneInfo("America/Los_Angeles")
_RATES = (
    (ANSWERED_PER_DIAL, "answered", "dials", "dials"),
    (CONVERSED_PER_HUMAN, "conversed", "human_answered", "human answers"),
    (GOALS_PER_CONVERSATION, "goal", "conversed", "conversations"),
    (OPT_OUTS_PER_HUMAN, "opted_out", "human_answered", "human answers"),
)
_SUMS = ("dials", "answered", "human_answered", "conversed", "goal", "opted_out")
_BEFORE = (("the day before", 1), ("the same weekday", 7))
# From the floor up; each leaves out what stands above it.
_STACK = (
    ("goal", "Goal reached"),
    ("conversed", "Conversed, no goal"),
    ("human", "Human, no conversation"),
    ("machine", "Answering machine"),
    ("unanswered", "Not answered"),
)


@dataclass(frozen=True)
class _Days:
    """Sums by campaign name and day; `day` is the one that is told."""

    day: date
    sums: pl.DataFrame

    def of(self, campaign: str | None, back: int) -> dict[str, int]:
        rows = self.sums.filter(pl.col("day") == self.day - timedelta(days=back))
        if campaign is not None:
            rows = rows.filter(pl.col("campaign") == campaign)
        return {name: int(rows[name].sum()) for name in _SUMS}

    @property
    def campaigns(self) -> list[str]:
        rows = self.sums.filter(pl.col("day") == self.day)
        names = rows.sort("dials", "campaign", descending=[True, False])["campaign"]
        return names.to_list()


def daily_document(lake: Lake, facts: Facts, scope: Scope) -> Document:
    """The newest day with a dial; a lake without one says so."""
    days = _days(lake, scope)
    over = days.day < scope.as_of.astimezone(_ZONE).date()
    so_far = "" if over else " The day is not over: figures are so far."
    return Document(
        kind="daily",
        title=f"{days.day:%Y-%m-%d} – daily report",
        question=f"How was {days.day:%A}, {days.day:%-d %B %Y}?",
        about=f"Campaigns dialed: {len(days.campaigns)}; days are the called person's.{so_far}",
        rehearsal=scope.rehearsal,
        as_of=scope.as_of,
        commit=scope.commit,
        tiles=_tiles(days),
        sections=(
            _attention(lake, facts, days, scope),
            _jumps(days),
            _campaigns(days),
            _hours(lake, days, scope),
            _ends(lake, days, scope),
        ),
    )


def _days(lake: Lake, scope: Scope) -> _Days:
    sums = ", ".join(f"sum(c.{name})::BIGINT AS {name}" for name in _SUMS)
    found = lake.sql(
        f"WITH newest AS (SELECT max(day) AS day FROM cube_outcomes"
        f"  WHERE rehearsal = $rehearsal AND dials > 0)"
        f" SELECT k.campaign, c.day, {sums} FROM cube_outcomes c JOIN newest n"
        f"  ON c.day IN (n.day, n.day - 1, n.day - 7)"
        f" JOIN campaigns k ON k.campaign_id = c.campaign_id"
        f" WHERE c.rehearsal = $rehearsal GROUP BY ALL HAVING sum(c.dials) > 0 ORDER BY ALL",
        {"rehearsal": scope.rehearsal},
    )
    newest = found["day"].max()
    if not isinstance(newest, date):
        newest = scope.as_of.astimezone(_ZONE).date()
    return _Days(newest, found)


def _tiles(days: _Days) -> tuple[Tile, ...]:
    now, past = days.of(None, 0), [(name, days.of(None, back)) for name, back in _BEFORE]
    notes = tuple(f"{count(before['dials'])} {name}" for name, before in past)
    tiles = [Tile(label="Dials", value=count(now["dials"]), notes=notes)]
    for metric, k, n, of in _RATES:
        tile = tile_of(metric.title, rate(now[k], now[n]), of)
        then = [f"{percent(rate(b[k], b[n]).value)} {name}" for name, b in past if b[n]]
        tiles.append(tile.model_copy(update={"notes": (*tile.notes, *then)}))
    return tuple(tiles)


def _attention(lake: Lake, facts: Facts, days: _Days, scope: Scope) -> Section:
    rows: list[tuple[str, ...]] = []
    for campaign, abandoned in abandonment(lake, scope):
        if (abandoned.value or 0.0) > MOST:
            said = f"{percent(abandoned.value)} of {count(abandoned.n)} human answers in 30 days"
            rows.append((f"Too many abandoned calls: {said}", campaign, "now"))
    rows += [
        (alert["summary"], alert["campaign"] or "–", moment(moment_of(alert["raised_at"])))
        for alert in facts["open_alerts"]
    ]
    dialed = set(days.campaigns)
    for row in lake.rows("campaigns").sort("campaign").to_dicts():
        runs = row["state"] == "running" and row["rehearsal"] == scope.rehearsal
        if runs and row["campaign"] not in dialed:
            rows.append(("It runs, and nothing was dialed that day", row["campaign"], "–"))
    standing = lake.rows("caller_ids").filter(pl.col("standing").is_in(["cooling", "burned"]))
    if standing.height:
        rows.append((f"{standing.height} caller ids rest or are burned", "–", "now"))
    return Section(
        title="What needs attention?",
        about=f"Above {MOST:.0%} abandoned per human answer in thirty days, alerts that"
        " are open, campaigns that run without a dial, caller ids that rest.",
        head=("What", "Campaign", "Since"),
        rows=tuple(rows),
        empty="Nothing does.",
    )


def _jumps(days: _Days) -> Section:
    rows = []
    for campaign in days.campaigns:
        now = days.of(campaign, 0)
        for name, back in _BEFORE:
            before = days.of(campaign, back)
            for metric, k, n, _ in _RATES:
                if found := jump(now[k], now[n], before[k], before[n]):
                    rows.append(
                        (
                            campaign,
                            metric.title,
                            f"{percent(rate(now[k], now[n]).value)} of {count(now[n])}",
                            f"{percent(rate(before[k], before[n]).value)} of {count(before[n])}",
                            name,
                            f"{found.difference * 100:+.1f} pp",
                        )
                    )
    return Section(
        title="What jumped?",
        about=JUMP.sentence,
        head=("Campaign", "Rate", "That day", "Before", "Against", "Change"),
        rows=tuple(rows),
        empty="No rate of any campaign is further from the day before or the same weekday than"
        " chance allows.",
    )


def _campaigns(days: _Days) -> Section:
    rows, thin = [], []
    for campaign in days.campaigns:
        now = days.of(campaign, 0)
        cells = [campaign, count(now["dials"])]
        cells += [_against(now["dials"], days.of(campaign, back)["dials"]) for _, back in _BEFORE]
        for _, k, n, _ in _RATES:
            found = rate(now[k], now[n])
            low_high = interval(found.low, found.high).removesuffix(" %")
            cells.append(f"{percent(found.value)} ({low_high})" if found.n else "–")
        rows.append(tuple(cells))
        thin.append(now["dials"] < 20)
    return Section(
        title="How did each campaign do?",
        about="Dials against the day before and the same weekday; rates with 95 % intervals.",
        head=("Campaign", "Dials", *(n.capitalize() for n, _ in _BEFORE), *_titles()),
        rows=tuple(rows),
        thin=tuple(thin),
        empty="Nothing was dialed yet.",
    )


def _titles() -> list[str]:
    return [metric.title for metric, *_ in _RATES]


def _against(now: int, before: int) -> str:
    return f"{(now - before) / before:+.0%}" if before else "–"


def _hours(lake: Lake, days: _Days, scope: Scope) -> Section:
    found = lake.sql(
        "SELECT local_hour, sum(goal)::BIGINT AS goal, sum(conversed - goal)::BIGINT AS conversed,"
        " sum(human_answered - conversed)::BIGINT AS human,"
        " sum(answered - human_answered)::BIGINT AS machine,"
        " sum(dials - answered)::BIGINT AS unanswered FROM cube_hours"
        " WHERE rehearsal = $rehearsal AND day = $day AND dials > 0 AND local_hour IS NOT NULL"
        " GROUP BY 1 ORDER BY 1",
        {"rehearsal": scope.rehearsal, "day": days.day},
    )
    by_hour = [_hour(row) for row in found.to_dicts()]
    return Section(
        title="At which hours, and how did it end?",
        about="Dials by the hour of the called person's own day; without those whose zone is"
        " unknown.",
        columns=hour_columns(found.to_dicts(), _STACK),
        legend=_STACK,
        head=("Hour", "Dials", "Answered per dial", "95 % interval"),
        rows=tuple(cells for cells, _ in by_hour),
        thin=tuple(few for _, few in by_hour),
        empty="No dial with a known zone.",
    )


def _hour(row: dict[str, int]) -> tuple[tuple[str, ...], bool]:
    dials = sum(row[key] for key, _ in _STACK)
    found, hour = rate(dials - row["unanswered"], dials), row["local_hour"]
    cells = (count(found.n), percent(found.value), interval(found.low, found.high))
    return (f"{hour:02d}:00–{hour:02d}:59", *cells), found.thin


def hour_columns(
    rows: list[dict[str, Any]], stack: tuple[tuple[str, str], ...]
) -> tuple[Column, ...]:
    """From the first to the last hour, empty hours included; a tint is a key of the rows."""
    if not rows:
        return ()
    by_hour = {row["local_hour"]: row for row in rows}
    return tuple(
        Column(
            tick=f"{hour:02d}",
            segments=tuple(
                (tint, label, by_hour[hour][tint]) for tint, label in stack if hour in by_hour
            ),
        )
        for hour in range(min(by_hour), max(by_hour) + 1)
    )


def _ends(lake: Lake, days: _Days, scope: Scope) -> Section:
    found = lake.sql(
        "SELECT disposition, sum(attempts)::BIGINT AS n FROM cube_outcomes"
        " WHERE rehearsal = $rehearsal AND day = $day AND disposition IS NOT NULL"
        " GROUP BY 1 HAVING sum(attempts) > 0 ORDER BY 2 DESC, 1",
        {"rehearsal": scope.rehearsal, "day": days.day},
    )
    n = int(found["n"].sum())
    shares = [(code, rate(k, n)) for code, k in found.iter_rows()]
    return Section(
        title="How did calls end?",
        about=DISPOSITIONS.sentence,
        bars=tuple(bar_of(words(code), r, disposition_outcome(code)) for code, r in shares),
        head=("Outcome", "Calls", "Share", "95 % interval"),
        rows=tuple(
            (words(code), count(r.k), percent(r.value), interval(r.low, r.high))
            for code, r in shares
        ),
    )
