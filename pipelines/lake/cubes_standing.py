"""Which leads the rules hold back, as the ledger's last word on each has it.

What stands is a sum over decisions: each adds where its lead now stands and takes back where the
one before had put it. So the sum up to a day is what stood at the end of that day.
"""

from pipelines.lake.cubes import Cube

# Several reasons at once are one bar of their own: a lead counts once.
_KEY = "array_to_string(list_sort(list_distinct({reasons})), '+')"
_NEVER_DIALED = "NOT coalesce(dialed_before, false)"

STANDING = Cube(
    name="standing",
    about="leads whose latest decision is a refusal, by its reasons",
    dims=("campaign_id", "rehearsal", "day", "list", "reasons"),
    measures=("leads", "never_dialed"),
    # Between a refusal and a dial there is always a decision that allows it, so `dialed_before` of
    # a decision holds for the refusal before it too.
    sql=f"""
SELECT campaign_id, rehearsal, CAST(decided_at AS DATE) AS day, list,
       {_KEY.format(reasons="reasons")} AS reasons, count(*) AS leads,
       count(*) FILTER (WHERE {_NEVER_DIALED}) AS never_dialed
FROM decisions WHERE NOT allow GROUP BY ALL
UNION ALL
SELECT campaign_id, rehearsal, CAST(decided_at AS DATE), list,
       {_KEY.format(reasons="reasons_before")}, -count(*),
       -count(*) FILTER (WHERE {_NEVER_DIALED})
FROM decisions WHERE NOT allow_before GROUP BY ALL
""",
)
