"""What a campaign's page and report count beside its rates (`rates`); tile, report and notebook
quote it. The other subjects define theirs beside their functions; `catalogue` lists them all.
"""

from datetime import date

from pipelines.metrics import rates
from pipelines.metrics.contract import THIN_BELOW, Change, Metric, Unit

__all__ = ["THIN_BELOW", "Metric", "Unit"]

FUNNEL = Metric(
    name="funnel",
    title="From list to goal",
    unit="lead",
    numerator="Leads that came at least this far in any attempt",
    denominator="leads of the step before; conversations are out of people, as the wrong one may "
    "converse too",
    version=2,
    changes=(Change(2, date(2026, 11, 27), "The right party is a step of its own"),),
    chart="funnel",
)
CALLS_BY_STATUS = Metric(
    name="calls_by_status",
    title="Calls by carrier status",
    unit="attempt",
    numerator="Attempts whose last word from the carrier is this status",
    denominator="attempts with a word from the carrier",
    excludes="attempts the carrier has not answered for",
)
DISPOSITIONS = Metric(
    name="dispositions",
    title="How calls ended",
    unit="attempt",
    numerator="Ended attempts with this outcome",
    denominator="ended attempts",
)
ANSWER_RATE_BY_HOUR = Metric(
    name="answer_rate_by_hour",
    title="Answered per dial, by local hour",
    unit="dial",
    numerator="Dials that anything picked up",
    denominator="dials in that hour of the called person's day",
    excludes="attempts that never reached the carrier",
    better="more",
)
EMOTIONS = Metric(
    name="emotions",
    title="Emotion of caller turns",
    unit="turn",
    numerator="Caller turns heard with this emotion",
    denominator="caller turns with an emotion",
    excludes="caller turns on which no model gave an answer",
)
EMOTIONS_ALONG_CALL = Metric(
    name="emotions_along_call",
    title="Emotion along the call",
    unit="turn",
    numerator="Caller turns with this emotion in this third of their call",
    denominator="caller turns with an emotion in this third",
    excludes="calls with fewer than three caller turns, so that the thirds hold the same calls",
    chart="area",
)
TURN_LATENCY = Metric(
    name="turn_latency",
    title="Time to answer the person",
    unit="response",
    numerator="Milliseconds from the end of the person's speech to the first audio sent back",
    denominator="measured responses (agent turns that answer a caller turn)",
    excludes="unmeasured responses, stated beside it; percentiles are nearest-rank",
    chart="histogram",
    interval="rank",
    better="fewer",
)
REFUSALS = Metric(
    name="refusals",
    title="Why leads are not called",
    unit="lead",
    numerator="Leads whose latest decision is a refusal with this reason",
    denominator="leads of the campaign",
    better="fewer",
)
BLOCKED = Metric(
    name="blocked_leads_per_loaded_lead",
    title="Held back by the rules",
    unit="lead",
    numerator="Leads never dialed whose latest decision is a refusal for just these reasons",
    denominator="leads loaded into the campaign",
    excludes="leads that were dialed before they were refused",
    better="fewer",
)
DROP_OFF = Metric(
    name="outcomes_per_lost_dial",
    title="How calls ended where leads fell out",
    unit="dial",
    numerator="Dials that ended this way at the step",
    denominator="dials that came to the step before and not to this one",
)
ACTIVITY = Metric(
    name="activity",
    title="Dials over time",
    unit="dial",
    numerator="Dials that ended in this interval, by outcome",
    denominator="dials",
    excludes="attempts that never reached the carrier",
)
METRICS = {
    metric.name: metric
    for metric in (
        FUNNEL,
        CALLS_BY_STATUS,
        DISPOSITIONS,
        ANSWER_RATE_BY_HOUR,
        EMOTIONS,
        EMOTIONS_ALONG_CALL,
        TURN_LATENCY,
        REFUSALS,
        BLOCKED,
        DROP_OFF,
        ACTIVITY,
        *rates.METRICS,
    )
}
