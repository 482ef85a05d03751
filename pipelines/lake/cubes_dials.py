"""Sums over dials: by hour, by number of the attempt, by caller id, by outcome.

All four add up the same measures, so a question that names only campaign, day, list or arm may be
asked of any of them, and gets the same answer.
"""

from pipelines.lake.cubes import Cube

# What is counted of dials, as SQL over `attempts`. A dial is an attempt that reached the carrier.
MEASURES: dict[str, str] = {
    "attempts": "count(*)",
    "dials": "count(*) FILTER (WHERE reached_carrier)",
    "answered": "count(*) FILTER (WHERE answered)",
    "human_answered": "count(*) FILTER (WHERE human_answered)",
    "machine": "count(*) FILTER (WHERE machine)",
    "right_party": "count(*) FILTER (WHERE right_party)",
    "conversed": "count(*) FILTER (WHERE conversed)",
    "goal": "count(*) FILTER (WHERE goal)",
    "opted_out": "count(*) FILTER (WHERE opted_out)",
    "first_dial": "count(*) FILTER (WHERE first_dial)",
    "first_answered": "count(*) FILTER (WHERE first_answered)",
    "first_human": "count(*) FILTER (WHERE first_human)",
    "first_right_party": "count(*) FILTER (WHERE first_right_party)",
    "first_conversed": "count(*) FILTER (WHERE first_conversed)",
    "first_goal": "count(*) FILTER (WHERE first_goal)",
    "talk_s": "coalesce(sum(talk_s) FILTER (WHERE conversed), 0)",
    "agent_speech_s": "coalesce(sum(agent_speech_s) FILTER (WHERE conversed), 0)",
    "caller_speech_s": "coalesce(sum(caller_speech_s) FILTER (WHERE conversed), 0)",
    "agent_turns": "coalesce(sum(agent_turns) FILTER (WHERE conversed), 0)",
    "interruptions": "coalesce(sum(interruptions) FILTER (WHERE conversed), 0)",
}
COMMON = ("campaign_id", "rehearsal", "day", "list", "experiment", "arm")
_SQL_OF = {
    # The called person's own day; where no zone is known, the day in UTC.
    "day": "coalesce(local_day, CAST(intended_at AS DATE))",
    "attempt": "least(dials_before + 1, 20)",
}
# The columns of COMMON as SQL over `attempts`.
COMMON_SQL = ", ".join(f"{_SQL_OF[dim]} AS {dim}" if dim in _SQL_OF else dim for dim in COMMON)
_ABOUT = {
    "hours": ("by the called person's hour", ("local_weekday", "local_hour", "zone")),
    "attempt_numbers": ("by how many dials the lead had had", ("attempt",)),
    "caller_ids": ("by the number that was shown", ("caller_id",)),
    "outcomes": (
        "by what became of the dial",
        ("disposition", "carrier_status", "answer_class", "end_reason"),
    ),
}


def _cube(name: str, about: str, own: tuple[str, ...]) -> Cube:
    dims = (*COMMON, *own)
    chosen = ", ".join(f"{_SQL_OF[dim]} AS {dim}" if dim in _SQL_OF else dim for dim in dims)
    sums = ", ".join(f"{sql} AS {measure}" for measure, sql in MEASURES.items())
    return Cube(
        name=name,
        about=about,
        dims=dims,
        measures=tuple(MEASURES),
        sql=f"SELECT {chosen}, {sums} FROM attempts GROUP BY ALL",
    )


DIAL_CUBES = tuple(_cube(name, about, own) for name, (about, own) in _ABOUT.items())
