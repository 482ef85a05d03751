"""Sums for when to call and what it costs: paths of leads, times to contact, usage, caller ids.

`lead_paths` and `contact_hours` follow leads, so their `day` is the day (UTC) on which the lead was
loaded: a choice of days is a choice of leads, and no path is cut in half. The others' day is the
call's, as in the dial cubes.
"""

from pipelines.lake.cubes import Cube
from pipelines.lake.cubes_dials import COMMON

LAST_ATTEMPT = 20  # dials of a lead from this number on are counted together
LAST_DAY = 120  # contacts later after loading are counted at this day's end
_ATTEMPT = f"least(dials_before + 1, {LAST_ATTEMPT})"
_CALL_DAY = "coalesce(local_day, CAST(intended_at AS DATE)) AS day"
_OF_LEAD = "campaign_id, rehearsal, CAST(loaded_at AS DATE) AS day, list, experiment, arm"
_OF_CALL = f"campaign_id, rehearsal, {_CALL_DAY}, list, experiment, arm"


def _within(moment: str) -> str:
    """Full hours from loading until just after the moment: each of the first 72, then full days."""
    hours = f"greatest(epoch({moment}) - epoch(loaded_at), 0) / 3600"
    days = f"least(floor({hours} / 24) + 1, {LAST_DAY})"
    return f"CAST(CASE WHEN {hours} < 72 THEN floor({hours}) + 1 ELSE 24 * {days} END AS INTEGER)"


LEAD_PATHS = Cube(
    "lead_paths",
    "dials by the lead's load day and how many dials it had had",
    (*COMMON, "attempt"),
    (
        "dials", "at_risk", "human_answered", "conversed", "goal", "opted_out",
        "first_dial", "first_human", "first_conversed", "first_goal",
    ),
    f"""
    SELECT {_OF_LEAD}, {_ATTEMPT} AS attempt, count(*) AS dials,
           count(*) FILTER (WHERE human_before = false) AS at_risk,
           count(*) FILTER (WHERE human_answered) AS human_answered,
           count(*) FILTER (WHERE conversed) AS conversed,
           count(*) FILTER (WHERE goal) AS goal,
           count(*) FILTER (WHERE opted_out) AS opted_out,
           count(*) FILTER (WHERE first_dial) AS first_dial,
           count(*) FILTER (WHERE first_human) AS first_human,
           count(*) FILTER (WHERE first_conversed) AS first_conversed,
           count(*) FILTER (WHERE first_goal) AS first_goal
    FROM attempts WHERE reached_carrier GROUP BY ALL
    """,
)  # fmt: skip

# A lead that nobody picked up stands at its newest dial: each further dial moves it on from the one
# before. So at any moment `quiet` are the leads without a contact by the time of their newest dial.
CONTACT_HOURS = Cube(
    "contact_hours",
    "first contacts, and leads without one at their newest dial, by time since loading",
    (*COMMON, "within_h"),
    ("contacts", "quiet"),
    f"""
    WITH dials AS (
        SELECT {_OF_LEAD}, coalesce(first_human, false) AS contact, previous_dial_at,
               {_within("intended_at")} AS now_h, {_within("previous_dial_at")} AS then_h
        FROM attempts
        WHERE reached_carrier AND human_before = false AND loaded_at IS NOT NULL
    )
    SELECT campaign_id, rehearsal, day, list, experiment, arm, now_h AS within_h,
           count(*) FILTER (WHERE contact) AS contacts,
           count(*) FILTER (WHERE NOT contact) AS quiet
    FROM dials GROUP BY ALL
    UNION ALL
    SELECT campaign_id, rehearsal, day, list, experiment, arm, then_h, 0, -count(*)
    FROM dials WHERE previous_dial_at IS NOT NULL GROUP BY ALL
    """,
)

# What was used, never what it cost: prices are put to it when it is read (metrics/costs.py).
USAGE = Cube(
    "usage",
    "what calls used, by the hour (UTC) in which they were dialed and the number of the dial",
    (*COMMON, "attempt", "country", "hour"),
    (
        "dials", "human_answered", "conversed", "goal",
        "first_dial", "first_human", "first_conversed", "first_goal",
        "carrier_minutes", "carrier_unmeasured", "characters", "characters_unmeasured",
        "speech_s", "speech_unmeasured",
    ),
    f"""
    SELECT {_OF_CALL}, {_ATTEMPT} AS attempt, country, date_trunc('hour', intended_at) AS hour,
           count(*) AS dials,
           count(*) FILTER (WHERE human_answered) AS human_answered,
           count(*) FILTER (WHERE conversed) AS conversed,
           count(*) FILTER (WHERE goal) AS goal,
           count(*) FILTER (WHERE first_dial) AS first_dial,
           count(*) FILTER (WHERE first_human) AS first_human,
           count(*) FILTER (WHERE first_conversed) AS first_conversed,
           count(*) FILTER (WHERE first_goal) AS first_goal,
           coalesce(sum(ceil(carrier_s / 60)), 0) AS carrier_minutes,
           count(*) FILTER (WHERE answered AND carrier_s IS NULL) AS carrier_unmeasured,
           coalesce(sum(synthesised_characters), 0) AS characters,
           count(*) FILTER (WHERE conversed AND synthesised_characters IS NULL)
               AS characters_unmeasured,
           coalesce(sum(caller_speech_s), 0) AS speech_s,
           count(*) FILTER (WHERE conversed AND caller_speech_s IS NULL) AS speech_unmeasured
    FROM attempts WHERE reached_carrier GROUP BY ALL
    """,
)  # fmt: skip

CALLER_STRATA = Cube(
    "caller_strata",
    "dials of each number that was shown, by the called person's hour",
    (*COMMON, "caller_id", "local_hour"),
    ("dials", "answered", "human_answered"),
    f"""
    SELECT {_OF_CALL}, caller_id, local_hour, count(*) AS dials,
           count(*) FILTER (WHERE answered) AS answered,
           count(*) FILTER (WHERE human_answered) AS human_answered
    FROM attempts WHERE reached_carrier AND caller_id IS NOT NULL GROUP BY ALL
    """,
)

TIMING_CUBES = (LEAD_PATHS, CONTACT_HOURS, USAGE, CALLER_STRATA)
