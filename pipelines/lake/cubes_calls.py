"""Sums over calls: who spoke how much, how long, who picked up, how it was judged, who was
abandoned. What is added up is named in `pipelines.metrics`, by the functions over rows.
"""

from pipelines.lake.cubes import Cube
from pipelines.lake.cubes_dials import COMMON, COMMON_SQL
from pipelines.metrics.abandonment import LATE, NEVER, UNMEASURED
from pipelines.metrics.answering import SHOWN
from pipelines.metrics.conversations import QUANTITIES, RATIOS

# As `pipelines.metrics.calls.outcome` has it.
OUTCOME = (
    "CASE WHEN goal THEN 'goal' WHEN opted_out THEN 'opted_out' WHEN conversed THEN 'conversed'"
    " WHEN human_answered THEN 'human' WHEN answered THEN 'machine' ELSE 'unanswered' END"
)
_PARTS = " UNION ALL ".join(
    f"SELECT *, '{name}' AS ratio, CAST({ratio.part} AS DOUBLE) AS p,"
    f" CAST({ratio.whole} AS DOUBLE) AS w FROM attempts WHERE conversed"
    for name, ratio in RATIOS.items()
)
RATIO_SUMS = Cube(
    name="ratios",
    about="parts of conversations (speech, silence, interruptions): sums and products over calls",
    dims=(*COMMON, "outcome", "ratio"),
    measures=("calls", "part_sum", "whole_sum", "part2_sum", "both_sum", "whole2_sum"),
    sql=f"""
SELECT {COMMON_SQL}, {OUTCOME} AS outcome, ratio, count(*) AS calls, sum(p) AS part_sum,
       sum(w) AS whole_sum, sum(p * p) AS part2_sum, sum(p * w) AS both_sum,
       sum(w * w) AS whole2_sum
FROM ({_PARTS}) WHERE p IS NOT NULL AND w > 0 GROUP BY ALL
""",
)
CALL_STEPS = Cube(
    name="call_steps",
    about="how long calls and parts of them were, in steps; null: unmeasured",
    dims=(*COMMON, "outcome", "quantity", "step"),
    measures=("calls",),
    sql=" UNION ALL ".join(
        f"SELECT {COMMON_SQL}, {OUTCOME} AS outcome, '{name}' AS quantity,"
        f" CASE WHEN ({of.value}) IS NOT NULL THEN greatest(0, least({of.last},"
        f" CAST(floor(({of.value}) / {of.width}) AS INTEGER) * {of.width})) END AS step,"
        f" count(*) AS calls FROM attempts WHERE {of.where} GROUP BY ALL"
        for name, of in QUANTITIES.items()
    ),
)
VERDICTS = Cube(
    name="verdicts",
    about="who picked up, by the carrier, by us, and by what the call showed",
    dims=(*COMMON, "carrier_says", "own_says", "shown"),
    measures=("calls",),
    sql=f"""
SELECT {COMMON_SQL}, answer_class AS carrier_says, own_answer_class AS own_says, {SHOWN} AS shown,
       count(*) AS calls
FROM attempts WHERE answered GROUP BY ALL
""",
)
QUALITY = Cube(
    name="quality",
    about="calls that were judged by the scorecard",
    dims=COMMON,
    measures=("judged", "failed", "scored", "total_sum", "total2_sum"),
    sql=f"""
SELECT {COMMON_SQL}, count(*) FILTER (WHERE qa_passed IS NOT NULL) AS judged,
       count(*) FILTER (WHERE NOT qa_passed) AS failed,
       count(*) FILTER (WHERE qa_total IS NOT NULL) AS scored,
       coalesce(sum(qa_total), 0) AS total_sum, coalesce(sum(qa_total * qa_total), 0) AS total2_sum
FROM attempts WHERE qa_passed IS NOT NULL OR qa_total IS NOT NULL GROUP BY ALL
""",
)
ABANDONMENT = Cube(
    name="abandonment",
    about="calls that a person answered, and those that heard nothing of ours in time",
    dims=COMMON,
    measures=("human", "abandoned", "never", "unmeasured", "machines"),
    sql=f"""
SELECT {COMMON_SQL}, count(*) FILTER (WHERE human_answered) AS human,
       count(*) FILTER (WHERE human_answered AND ({NEVER} OR {LATE})) AS abandoned,
       count(*) FILTER (WHERE human_answered AND {NEVER}) AS never,
       count(*) FILTER (WHERE human_answered AND {UNMEASURED}) AS unmeasured,
       count(*) FILTER (WHERE machine) AS machines
FROM attempts WHERE human_answered OR machine GROUP BY ALL
""",
)
CALL_CUBES = (RATIO_SUMS, CALL_STEPS, VERDICTS, QUALITY, ABANDONMENT)
