"""Who or what picked up: our own verdict, the carrier's, and what the call then showed.

A person who talked is the only truth there is: machines do not prove themselves, and a call that
was hung up on as a machine never had the chance to show otherwise. So shares among proved persons
are measured; whatever needs to know of machines goes by the call's final word, which is made from
the verdicts, and says so.
"""

from typing import Literal

import polars as pl

from pipelines.metrics.contract import Metric
from pipelines.metrics.intervals import with_rates
from voice_ai.qa.agreement import Agreement, agreement_of

Judge = Literal["own", "carrier"]
# SQL for DuckDB and polars: what the call showed.
SHOWN = (
    "CASE WHEN conversed OR goal OR opted_out OR right_party THEN 'person'"
    " WHEN machine THEN 'machine' ELSE NULL END"
)
_COLUMN = {"own": "own_says", "carrier": "carrier_says"}


def verdict_counts(attempts: pl.DataFrame) -> pl.DataFrame:
    """carrier_says, own_says (null: no verdict), shown (person: proved by talk; machine: the final
    word; null: unclear), calls: of answered attempts of the lake."""
    return (
        attempts.filter("answered")
        .group_by(
            carrier_says="answer_class",
            own_says="own_answer_class",
            shown=pl.sql_expr(SHOWN),
        )
        .agg(calls=pl.len().cast(pl.Int64))
    )


def confusion(counts: pl.DataFrame, judge: Judge) -> pl.DataFrame:
    """said (none: no verdict), shown (unclear: nothing to go by), calls."""
    return (
        counts.group_by(
            said=pl.col(_COLUMN[judge]).fill_null("none"),
            shown=pl.col("shown").fill_null("unclear"),
        )
        .agg(pl.col("calls").sum())
        .sort("said", "shown")
    )


def qualities(counts: pl.DataFrame) -> pl.DataFrame:
    """judge, what, truth, k, n, rate, low, high, thin; `truth` false: measured against the final
    word, which is made from the verdicts.

    person_recall: said human, of calls in which a person talked; false_machine: said machine or
    fax, of these; machine_precision and machine_recall: against the final word.
    """
    machine = pl.col("said").is_in(["machine", "fax"])
    human, person = pl.col("said") == "human", pl.col("shown") == "person"
    final = pl.col("shown") == "machine"
    clear = pl.col("shown") != "unclear"
    asked = (
        ("person_recall", True, human & person, person),
        ("false_machine", True, machine & person, person),
        ("machine_precision", False, machine & final, machine & clear),
        ("machine_recall", False, machine & final, final),
    )
    judges: tuple[Judge, ...] = ("own", "carrier")
    tables = {judge: confusion(counts, judge) for judge in judges}
    rows = [
        (judge, what, truth, *(int(table.filter(c)["calls"].sum()) for c in (k, n)))
        for judge, table in tables.items()
        for what, truth, k, n in asked
    ]
    kinds = {"judge": pl.String, "what": pl.String, "truth": pl.Boolean, "k": pl.Int64}
    return with_rates(pl.DataFrame(rows, kinds | {"n": pl.Int64}, orient="row"), "k")


def both(counts: pl.DataFrame) -> Agreement:
    """How far the two verdicts agree beyond chance, where both were given."""
    given = counts.drop_nulls(["own_says", "carrier_says"])
    sums = given.group_by("own_says", "carrier_says").agg(pl.col("calls").sum())
    return agreement_of({(own, carrier): calls for own, carrier, calls in sums.iter_rows()})


FALSE_MACHINE = Metric(
    name="false_machines_per_person",
    title="Persons taken for machines",
    unit="call",
    numerator="Calls with the verdict machine or fax",
    denominator="answered calls in which a person then talked",
    excludes="calls in which nobody talked: persons who were hung up on as machines are among "
    "these, so the true share is at least this",
    better="fewer",
    chart="table",
)
PERSON_RECALL = Metric(
    name="person_verdicts_per_person",
    title="Persons heard as persons",
    unit="call",
    numerator="Calls with the verdict human",
    denominator="answered calls in which a person then talked",
    better="more",
    chart="table",
)
MACHINE_PRECISION = Metric(
    name="machines_per_machine_verdict",
    title="Machine verdicts that stood",
    unit="call",
    numerator="Calls whose final word is machine",
    denominator="calls with the verdict machine or fax whose end is clear",
    excludes="calls in which nothing shows who picked up. The final word is made from the "
    "verdicts: this is agreement, not truth",
    chart="table",
)
MACHINE_RECALL = Metric(
    name="machine_verdicts_per_machine",
    title="Machines heard as machines",
    unit="call",
    numerator="Calls with the verdict machine or fax",
    denominator="calls whose final word is machine (made from the verdicts: not truth)",
    chart="table",
)
TIME_TO_VERDICT = Metric(
    name="time_to_verdict",
    title="Time to the verdict",
    unit="call",
    numerator="Milliseconds from the answer to the verdict on who answered, in steps of 50",
    denominator="answered calls with such a verdict",
    interval="rank",
    better="fewer",
    chart="table",
)
METRICS = (FALSE_MACHINE, PERSON_RECALL, MACHINE_PRECISION, MACHINE_RECALL, TIME_TO_VERDICT)
OF_WHAT = {
    "person_recall": PERSON_RECALL,
    "false_machine": FALSE_MACHINE,
    "machine_precision": MACHINE_PRECISION,
    "machine_recall": MACHINE_RECALL,
}
