"""Were the rules kept? What was refused, who said no and how fast that held, hours, consent."""

from datetime import timedelta
from typing import Any

from pipelines.analyses.conversations import abandoned
from pipelines.lake.read import Lake
from pipelines.metrics.abandonment import ABANDONED, MOST, rolling, worst
from pipelines.metrics.intervals import Rate, rate
from pipelines.metrics.slices import Slice
from pipelines.report.document import Bar, Column, Document, Section, Tile, bar_of, tile_of
from pipelines.report.facts import Facts, Scope, moment_of
from pipelines.report.labels import count, interval, moment, percent, words
from voice_ai.compliance.rules import WIDEST

_DAYS = 30
_CHANNELS = {
    "call": "Said in a call",
    "import": "Marked in a lead file",
    "sms": "By message",
    "inbound": "Called us back",
    "page": "Entered by hand",
    "file": "From a file of numbers",
    "command": "By command",
}
_INSIDE, _OUTSIDE = ("plain", "Inside 08–21"), ("opted_out", "Outside 08–21")


def compliance_document(lake: Lake, facts: Facts, scope: Scope) -> Document:
    """Thirty days up to the moment; rules of `voice_ai.compliance` said what is refused."""
    per_campaign, hours = abandonment(lake, scope), _dials_by_hour(lake, scope)
    return Document(
        kind="compliance",
        title=f"{scope.as_of:%Y-%m-%d} – compliance report",
        question="Were the rules of calling kept?",
        about=f"All campaigns, the {_DAYS} days before",
        rehearsal=scope.rehearsal,
        as_of=scope.as_of,
        commit=scope.commit,
        tiles=_tiles(facts, per_campaign, hours),
        sections=(
            _refusals(lake, scope),
            _abandoned(per_campaign),
            _opt_outs(facts),
            _hours(hours),
            _consent(facts, scope),
            _given(facts),
            _outside_lists(facts, scope),
            _switches(facts),
        ),
    )


def abandonment(lake: Lake, scope: Scope) -> list[tuple[str, Rate]]:
    """Abandoned per human answer in thirty days, by campaign; the highest share first."""
    until = scope.as_of.date()
    part = Slice(rehearsal=scope.rehearsal, since=until - timedelta(days=_DAYS - 1), until=until)
    last = worst(rolling(abandoned(lake, part)))
    names = lake.rows("campaigns").select("campaign_id", "campaign")
    told = last.join(names, on="campaign_id", how="left", maintain_order="left")
    return [(name, rate(k, n)) for name, k, n in told.select("campaign", "k", "n").iter_rows()]


_WITHIN = "c.day BETWEEN $last - 29 AND $last"


def _values(scope: Scope) -> dict[str, Any]:
    return {"rehearsal": scope.rehearsal, "last": scope.as_of.date()}


def _dials_by_hour(lake: Lake, scope: Scope) -> list[tuple[int | None, int]]:
    found = lake.sql(
        "SELECT c.local_hour, sum(c.dials)::BIGINT AS dials FROM cube_hours c"
        f" WHERE c.rehearsal = $rehearsal AND {_WITHIN}"
        " GROUP BY 1 HAVING sum(c.dials) > 0 ORDER BY 1",
        _values(scope),
    )
    return [*found.iter_rows()]


def is_outside(hour: int) -> bool:
    """Whether a whole local hour lies outside of the federal window."""
    return not WIDEST[0].hour <= hour < WIDEST[1].hour


def _tiles(
    facts: Facts, per_campaign: list[tuple[str, Rate]], hours: list[tuple[int | None, int]]
) -> tuple[Tile, ...]:
    after, lost = facts["called_after_no"][0]["dials"], facts["opt_outs_not_kept"][0]["dials"]
    dials = sum(n for _, n in hours)
    outside = sum(n for hour, n in hours if hour is not None and is_outside(hour))
    unknown = sum(n for hour, n in hours if hour is None)
    total = rate(sum(r.k for _, r in per_campaign), sum(r.n for _, r in per_campaign))
    said = [row for row in facts["opt_outs"] if row["source"] == "call"]
    speed = said[0]["median_s"] if said else None
    return (
        Tile(
            label="Called after a no",
            value=count(after),
            notes=(f"of {count(dials)} dials; any is too many",),
        ),
        Tile(
            label="A no that was not kept",
            value=count(lost),
            notes=("calls that ended with one, without a suppression",),
        ),
        Tile(
            label="From no to suppressed, median",
            value=_seconds(speed),
            notes=(f"{count(said[0]['timed'] if said else 0)} said in calls",),
        ),
        tile_of("Abandoned per human answer", total, f"in {_DAYS} days; 3 % is the limit"),
        Tile(
            label="Dials outside 08–21",
            value=count(outside),
            notes=(f"of {count(dials)} dials, local time", f"{count(unknown)} of unknown zone"),
        ),
    )


def _seconds(value: float | None) -> str:
    return "–" if value is None else f"{value:,.1f} s"


def _refusals(lake: Lake, scope: Scope) -> Section:
    """By leads, not by asking: one that waits a night is refused each time it is asked about."""
    found = lake.sql(
        "WITH asked AS (SELECT campaign_id, lead_id, allow, reasons FROM decisions"
        "  WHERE rehearsal = $rehearsal AND decided_at <= $as_of"
        "  AND decided_at > $as_of - INTERVAL 30 DAY),"
        " leads AS (SELECT count(DISTINCT (campaign_id, lead_id)) AS n FROM asked)"
        " SELECT r.reason, count(DISTINCT (r.campaign_id, r.lead_id)) AS leads,"
        "  count(*) AS refusals, any_value(n) AS n"
        " FROM (SELECT campaign_id, lead_id, unnest(reasons) AS reason FROM asked"
        "  WHERE NOT allow) r CROSS JOIN leads GROUP BY 1 ORDER BY 2 DESC, 1",
        {"rehearsal": scope.rehearsal, "as_of": scope.as_of.replace(tzinfo=None)},
    )
    shares = [
        (words(r["reason"]), rate(r["leads"], r["n"]), r["refusals"]) for r in found.to_dicts()
    ]
    return Section(
        title="What did the rules refuse?",
        about="Leads that this rule refused at least once ÷ leads that were asked about. A lead"
        " with several reasons counts under each.",
        bars=tuple(bar_of(label, found) for label, found, _ in shares),
        head=("Rule", "Leads", "Share", "95 % interval", "Times"),
        rows=tuple(
            (label, count(r.k), percent(r.value), interval(r.low, r.high), count(times))
            for label, r, times in shares
        ),
        empty="No rule refused a lead.",
    )


def _abandoned(per_campaign: list[tuple[str, Rate]]) -> Section:
    return Section(
        title="Did we leave people who picked up in silence?",
        about=f"{ABANDONED.sentence} Thirty days, each campaign for itself; above {MOST:.0%} the"
        " rule is broken.",
        bars=tuple(
            bar_of(name, r, "opted_out" if (r.value or 0) > MOST else "plain")
            for name, r in per_campaign
        ),
        head=("Campaign", "Abandoned", "Human answers", "Share", "95 % interval", "Against 3 %"),
        rows=tuple(
            (
                name,
                count(r.k),
                count(r.n),
                percent(r.value),
                interval(r.low, r.high),
                "broken" if (r.value or 0) > MOST else "kept",
            )
            for name, r in per_campaign
        ),
        thin=tuple(r.thin for _, r in per_campaign),
        empty="Nobody picked up yet.",
    )


def _opt_outs(facts: Facts) -> Section:
    rows = facts["opt_outs"]
    most = max((row["n"] for row in rows), default=1)
    return Section(
        title="Who said no, and how fast did it hold?",
        about="Suppressions by channel; seconds from the person's word (in a call: the end of what"
        " was said last before it) to the row that every dial is checked against.",
        bars=tuple(
            Bar(label=_channel(row), value=count(row["n"]), share=row["n"] / most, tint="opted_out")
            for row in rows
        ),
        head=("Channel", "People", "Timed", "Median", "Longest"),
        rows=tuple(
            (
                _channel(row),
                count(row["n"]),
                count(row["timed"]),
                _seconds(row["median_s"]),
                _seconds(row["longest_s"]),
            )
            for row in rows
        ),
        empty="Nobody said no.",
    )


def _channel(row: dict[str, Any]) -> str:
    return _CHANNELS.get(row["source"]) or words(row["source"])


def _hours(hours: list[tuple[int | None, int]]) -> Section:
    known = {hour: n for hour, n in hours if hour is not None}
    columns = tuple(
        Column(
            tick=f"{hour:02d}",
            segments=((*(_OUTSIDE if is_outside(hour) else _INSIDE), known.get(hour, 0)),),
        )
        for hour in (range(min(known), max(known) + 1) if known else ())
    )
    return Section(
        title="At which of their hours were people called?",
        about="Dials by the hour of the called person's own day. The federal window is 08:00 to"
        " 21:00; narrower windows of states and campaigns are kept by the gate before each dial.",
        columns=columns,
        legend=(_INSIDE, _OUTSIDE),
        head=("Hour", "Dials", "Window"),
        rows=tuple(
            (f"{hour:02d}:00–{hour:02d}:59", count(n), "outside" if is_outside(hour) else "inside")
            for hour, n in known.items()
        ),
        note=f"Zone unknown: {count(sum(n for hour, n in hours if hour is None))} dials.",
        empty="Nothing was dialed.",
    )


def _consent(facts: Facts, scope: Scope) -> Section:
    rows = facts["lists"]
    most = max((row["dials"] for row in rows), default=1)
    return Section(
        title="On which consent were people called?",
        about="Lists that were dialed: what was attested for the whole list, and days since the"
        " last import.",
        bars=tuple(
            Bar(
                label=row["list"],
                value=count(row["dials"]),
                share=row["dials"] / most,
                tint="plain" if row["consent_kind"] else "opted_out",
            )
            for row in rows
        ),
        head=("List", "Seller", "Dials", "Consent attested", "By", "Age"),
        rows=tuple(
            (
                row["list"],
                row["seller"],
                count(row["dials"]),
                words(row["consent_kind"]) if row["consent_kind"] else "none for the list",
                row["consent_attested_by"] or "–",
                _age(scope, row["imported_at"] or row["created_at"]),
            )
            for row in rows
        ),
        empty="No list was dialed.",
    )


def _age(scope: Scope, since: str | None) -> str:
    then = moment_of(since)
    return "–" if then is None else f"{(scope.as_of - then).days:,} d"


def _given(facts: Facts) -> Section:
    return Section(
        title="Which consents did single people give?",
        about="Recorded one by one, beside what was attested for whole lists.",
        head=("Kind", "Through", "Given", "Taken back", "Expired"),
        rows=tuple(
            (
                words(row["kind"]),
                words(row["channel"]),
                count(row["given"]),
                count(row["taken_back"]),
                count(row["expired"]),
            )
            for row in facts["consents"]
        ),
        empty="None is recorded for a single person.",
    )


def _outside_lists(facts: Facts, scope: Scope) -> Section:
    return Section(
        title="How old are the outside do-not-call lists?",
        about="The newest version of each that is loaded; the rules refuse a dial where theirs is"
        " missing or too old.",
        head=("List", "Country", "Numbers", "Of", "Loaded", "Age"),
        rows=tuple(
            (
                row["source"],
                row["country"],
                count(row["rows"]),
                moment(moment_of(row["taken_at"])),
                moment(moment_of(row["loaded_at"])),
                _age(scope, row["taken_at"]),
            )
            for row in facts["outside_lists"]
        ),
        empty="None is loaded.",
    )


def _switches(facts: Facts) -> Section:
    return Section(
        title="Which kill switches were used?",
        about="Those that stopped calls at any time of the thirty days.",
        head=("What", "Why", "By", "From", "Until", "Lifted by"),
        rows=tuple(
            (
                f"{words(row['kind'])} {row['key']}",
                row["reason"],
                row["set_by"],
                moment(moment_of(row["set_at"])),
                moment(moment_of(row["cleared_at"])) if row["cleared_at"] else "stops calls now",
                row["cleared_by"] or "–",
            )
            for row in facts["switches"]
        ),
        empty="None was used.",
    )
