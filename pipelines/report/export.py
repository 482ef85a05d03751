"""Who was called, when, on which consent and by which decision: one line a dial, as CSV."""

import csv
from pathlib import Path

from pipelines.lake.read import Lake
from pipelines.report.facts import Facts, Scope

# Pseudonyms only: the numbers stay in the database.
COLUMNS = (
    "attempt_id",
    "person_key",
    "lead_id",
    "campaign",
    "seller",
    "list",
    "consent_of_list",
    "intended_at_utc",
    "zone",
    "local_day",
    "local_hour",
    "caller_id",
    "attempt_no",
    "decided_at_utc",
    "policy_hash",
    "reasons",
    "answered",
    "human_answered",
    "disposition",
    "opted_out",
)
_QUERY = """
SELECT a.attempt_id, a.person_key, a.lead_id, a.campaign, a.seller, a.list,
       strftime(a.intended_at, '%Y-%m-%dT%H:%M:%SZ') AS intended_at_utc, a.zone, a.local_day,
       a.local_hour, a.caller_id, a.attempt_no,
       strftime(d.decided_at, '%Y-%m-%dT%H:%M:%SZ') AS decided_at_utc, d.policy_hash,
       array_to_string(d.reasons, ' ') AS reasons, a.answered, a.human_answered, a.disposition,
       a.opted_out
FROM attempts a
LEFT JOIN (SELECT attempt_id, max(decided_at) AS decided_at,
                  arg_max(policy_hash, decision_id) AS policy_hash,
                  arg_max(reasons, decision_id) AS reasons
           FROM decisions WHERE attempt_id IS NOT NULL GROUP BY 1) d
    ON d.attempt_id = a.attempt_id
WHERE a.reached_carrier AND a.rehearsal = $rehearsal
  AND coalesce(a.local_day, CAST(a.intended_at AS DATE)) BETWEEN $last - 29 AND $last
ORDER BY a.intended_at, a.attempt_id
"""


def write_calls(lake: Lake, facts: Facts, scope: Scope, out: Path) -> int:
    """Writes the dials of the thirty days up to the moment's (the called person's days, as in the
    report); how many. A month and a campaign at a
    time, so that memory stays small."""
    consent = {(row["seller"], row["list"]): row["consent_kind"] for row in facts["lists"]}
    values = {"rehearsal": scope.rehearsal, "last": scope.as_of.date()}
    written = 0
    with out.open("w", newline="", encoding="utf-8") as file:
        lines = csv.writer(file)
        lines.writerow(COLUMNS)
        for part in lake.partitions():
            for row in part.sql(_QUERY, values).iter_rows(named=True):
                row["consent_of_list"] = consent.get((row["seller"], row["list"]))
                lines.writerow([row[name] for name in COLUMNS])
                written += 1
    return written
