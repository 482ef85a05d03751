"""Sums over turns: how long our answers took, what happened at each node of the script, what was
felt. The functions over rows in `pipelines.metrics` say the same, row by row.
"""

from pipelines.lake.cubes import Cube
from pipelines.lake.cubes_calls import OUTCOME
from pipelines.lake.cubes_dials import COMMON, COMMON_SQL
from pipelines.metrics.trajectory import DECILES

# Whole milliseconds are `epoch_us(…) // 1000`, as polars has them: DuckDB's `epoch_ms` rounds.

WAIT_STEP_MS = 10
LAST_WAIT_MS = 30_000
_DIMS = ", ".join(COMMON)

WAITS = Cube(
    name="waits",
    about="milliseconds from the person's last word to our first audio, in steps of ten; null: "
    "unmeasured",
    dims=(*COMMON, "local_hour", "step"),
    measures=("responses",),
    # What `pipelines.metrics.latency.responses` says.
    sql=f"""
WITH a AS (SELECT attempt_id, {COMMON_SQL}, local_hour FROM attempts),
t AS (
    SELECT attempt_id, speaker, response_ms, date_trunc('milliseconds', started_at) AS began,
           lag(speaker) OVER call AS before,
           lag(date_trunc('milliseconds', started_at)) OVER call AS before_began
    FROM turns WINDOW call AS (PARTITION BY attempt_id ORDER BY turn_index))
SELECT {_DIMS}, local_hour,
       CASE WHEN response_ms IS NOT NULL THEN greatest(0, least({LAST_WAIT_MS},
           CAST(floor(response_ms / {WAIT_STEP_MS}) AS INTEGER) * {WAIT_STEP_MS})) END AS step,
       count(*) AS responses
FROM t JOIN a USING (attempt_id)
WHERE speaker = 'agent'
  AND (before = 'caller' AND began > before_began OR response_ms IS NOT NULL)
GROUP BY ALL
""",
)
NODES = Cube(
    name="nodes",
    about="what happened at each node of the script, in calls that a person answered",
    dims=(*COMMON, "node"),
    measures=(
        "reached",
        "goals",
        "opted_out",
        "ended",
        "hung_up",
        "agent_turns",
        "cut",
        "cut_by_noise",
        "cut_at_end",
        "dwell_ms",
        "place_sum",
    ),
    sql=f"""
WITH a AS (
    SELECT attempt_id, {COMMON_SQL}, goal, opted_out, last_node, end_reason
    FROM attempts WHERE human_answered),
t AS (
    SELECT attempt_id, turn_index, node, speaker = 'agent' AS agent,
           speaker = 'agent' AND coalesce(interrupted, false) AS cut,
           lead(speaker) OVER call AS after,
           coalesce(greatest(0, epoch_us(coalesce(lead(started_at) OVER call, ended_at)) // 1000
               - epoch_us(started_at) // 1000), 0) AS lasted
    FROM turns WINDOW call AS (PARTITION BY attempt_id ORDER BY turn_index)),
n AS (
    SELECT attempt_id, node, count(*) FILTER (WHERE agent) AS agent_turns,
           count(*) FILTER (WHERE cut) AS cut,
           count(*) FILTER (WHERE cut AND after = 'agent') AS cut_by_noise,
           count(*) FILTER (WHERE cut AND after IS NULL) AS cut_at_end,
           sum(lasted) AS dwell_ms, min(turn_index) AS first
    FROM t WHERE node IS NOT NULL GROUP BY attempt_id, node),
p AS (SELECT *, row_number() OVER (PARTITION BY attempt_id ORDER BY first) AS place FROM n)
SELECT {_DIMS}, node, count(*) AS reached, count(*) FILTER (WHERE goal) AS goals,
       count(*) FILTER (WHERE opted_out) AS opted_out,
       count(*) FILTER (WHERE node = last_node) AS ended,
       count(*) FILTER (WHERE node = last_node AND end_reason = 'human_hangup' AND NOT goal)
           AS hung_up,
       sum(agent_turns) AS agent_turns, sum(cut) AS cut, sum(cut_by_noise) AS cut_by_noise,
       sum(cut_at_end) AS cut_at_end, sum(dwell_ms) AS dwell_ms, sum(place) AS place_sum
FROM p JOIN a USING (attempt_id) GROUP BY ALL
""",
)
WAYS = Cube(
    name="node_ways",
    about="calls that went from one node of the script to another",
    dims=(*COMMON, "from_node", "to_node"),
    measures=("calls",),
    sql=f"""
WITH a AS (SELECT attempt_id, {COMMON_SQL} FROM attempts WHERE human_answered),
t AS (
    SELECT attempt_id, node AS to_node,
           lag(node) OVER (PARTITION BY attempt_id ORDER BY turn_index) AS from_node
    FROM turns WHERE node IS NOT NULL),
w AS (SELECT DISTINCT attempt_id, from_node, to_node FROM t WHERE from_node <> to_node)
SELECT {_DIMS}, from_node, to_node, count(*) AS calls FROM w JOIN a USING (attempt_id) GROUP BY ALL
""",
)
FEELINGS = Cube(
    name="feelings",
    about="emotions of caller turns along the call, by what came of it; null: none was heard",
    dims=(*COMMON, "outcome", "decile", "emotion", "emotion_model", "emotion_version"),
    measures=("turns",),
    sql=f"""
WITH a AS (
    SELECT attempt_id, {COMMON_SQL}, {OUTCOME} AS outcome FROM attempts WHERE human_answered),
t AS (
    SELECT attempt_id, speaker, emotion, emotion_model, emotion_version,
           epoch_us(started_at) // 1000 AS began,
           epoch_us(coalesce(ended_at, started_at)) // 1000 AS done
    FROM turns),
c AS (
    SELECT *, min(began) OVER call AS first, max(done) OVER call AS last
    FROM t WINDOW call AS (PARTITION BY attempt_id))
SELECT {_DIMS}, outcome,
       CASE WHEN last > first THEN CAST(greatest(0, least({DECILES - 1},
           ({DECILES} * (began + done - 2 * first)) // (2 * (last - first)))) AS INTEGER)
       END AS decile,
       emotion, emotion_model, emotion_version, count(*) AS turns
FROM c JOIN a USING (attempt_id) WHERE speaker = 'caller' GROUP BY ALL
""",
)
PAIRS = Cube(
    name="feeling_pairs",
    about="emotions of caller turns that follow each other in a call",
    dims=(*COMMON, "from_emotion", "to_emotion"),
    measures=("pairs",),
    sql=f"""
WITH a AS (SELECT attempt_id, {COMMON_SQL} FROM attempts WHERE human_answered),
t AS (
    SELECT attempt_id, emotion AS to_emotion,
           lag(emotion) OVER (PARTITION BY attempt_id ORDER BY turn_index) AS from_emotion
    FROM turns WHERE speaker = 'caller')
SELECT {_DIMS}, from_emotion, to_emotion, count(*) AS pairs FROM t JOIN a USING (attempt_id)
WHERE from_emotion IS NOT NULL AND to_emotion IS NOT NULL GROUP BY ALL
""",
)
CALLS_BY_FEELING = Cube(
    name="feeling_calls",
    about="conversations by the emotion heard last, and by the one heard most often",
    dims=(*COMMON, "chosen_by", "emotion"),
    measures=("calls", "goals", "opted_out"),
    sql=f"""
WITH a AS (
    SELECT attempt_id, {COMMON_SQL}, goal, opted_out FROM attempts WHERE conversed),
e AS (
    SELECT attempt_id, emotion, count(*) AS times, max(turn_index) AS latest FROM turns
    WHERE speaker = 'caller' AND emotion IS NOT NULL GROUP BY attempt_id, emotion),
r AS (
    SELECT attempt_id, emotion,
           row_number() OVER (PARTITION BY attempt_id ORDER BY latest DESC) AS by_last,
           row_number() OVER (PARTITION BY attempt_id ORDER BY times DESC, latest DESC) AS by_most
    FROM e),
b AS (
    SELECT attempt_id, emotion, 'last' AS chosen_by FROM r WHERE by_last = 1
    UNION ALL SELECT attempt_id, emotion, 'most' FROM r WHERE by_most = 1)
SELECT {_DIMS}, chosen_by, emotion, count(*) AS calls, count(*) FILTER (WHERE goal) AS goals,
       count(*) FILTER (WHERE opted_out) AS opted_out
FROM b JOIN a USING (attempt_id) GROUP BY ALL
""",
)
TURN_CUBES = (WAITS, NODES, WAYS, FEELINGS, PAIRS, CALLS_BY_FEELING)
