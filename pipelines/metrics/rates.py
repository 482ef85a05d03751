"""Rates of dials and of leads: quotients of two sums over dials, whose names carry the denominator.

`k` and `n` name measures of the dial cubes (`pipelines.lake.cubes_dials`), so that
`pipelines.metrics.ask` answers each of them for any split.
"""

from pipelines.metrics.contract import Metric

ANSWERED_PER_DIAL = Metric(
    name="answered_per_dial",
    title="Answered per dial",
    unit="dial",
    numerator="Dials that anything picked up, machines too",
    denominator="dials",
    excludes="attempts that never reached the carrier",
    k="answered",
    n="dials",
    better="more",
    chart="line",
    source="connection rate of dialers: connects ÷ dials",
)
HUMANS_PER_DIAL = Metric(
    name="humans_per_dial",
    title="Human answered per dial",
    unit="dial",
    numerator="Dials that a person picked up",
    denominator="dials",
    excludes="attempts that never reached the carrier",
    k="human_answered",
    n="dials",
    better="more",
    chart="line",
)
RIGHT_PARTY_PER_HUMAN = Metric(
    name="right_party_per_human",
    title="Right party per human",
    unit="dial",
    numerator="Dials in which the person spoke and did not turn out to be the wrong one",
    denominator="dials that a person picked up",
    k="right_party",
    n="human_answered",
    better="more",
    source="RPC rate of collections: right-party contacts ÷ contacts",
)
CONVERSED_PER_HUMAN = Metric(
    name="conversed_per_human",
    title="Conversed per human",
    unit="dial",
    numerator="Dials with a conversation: two turns of the person or more, and 20 seconds or more",
    denominator="dials that a person picked up",
    k="conversed",
    n="human_answered",
    better="more",
    chart="line",
)
GOALS_PER_CONVERSATION = Metric(
    name="goals_per_conversation",
    title="Goals per conversation",
    unit="dial",
    numerator="Dials that reached the goal",
    denominator="dials with a conversation",
    k="goal",
    n="conversed",
    better="more",
    chart="line",
)
GOALS_PER_HUMAN = Metric(
    name="goals_per_human",
    title="Goals per human",
    unit="dial",
    numerator="Dials that reached the goal",
    denominator="dials that a person picked up",
    k="goal",
    n="human_answered",
    better="more",
    chart="line",
)
GOAL_LEADS_PER_DIALED_LEAD = Metric(
    name="goal_leads_per_dialed_lead",
    title="Goals per lead dialed",
    unit="lead",
    numerator="Leads that reached the goal in any dial",
    denominator="leads dialed at least once",
    excludes="leads never dialed; split only by what all dials of a lead share",
    k="first_goal",
    n="first_dial",
    better="more",
)
CONTACTED_LEADS_PER_LOADED_LEAD = Metric(
    name="contacted_leads_per_loaded_lead",
    title="Contacted per lead loaded",
    unit="lead",
    numerator="Leads of whom a person picked up in any dial",
    denominator="leads loaded into the campaign",
    better="more",
    source="contact rate of dialers: contacts ÷ leads, unlike the connection rate",
)
OPT_OUTS_PER_HUMAN = Metric(
    name="opt_outs_per_human",
    title="Opt-outs per human",
    unit="dial",
    numerator="Dials in which the person asked not to be called again",
    denominator="dials that a person picked up",
    k="opted_out",
    n="human_answered",
    better="fewer",
    chart="line",
)

METRICS = (
    ANSWERED_PER_DIAL,
    HUMANS_PER_DIAL,
    RIGHT_PARTY_PER_HUMAN,
    CONVERSED_PER_HUMAN,
    GOALS_PER_CONVERSATION,
    GOALS_PER_HUMAN,
    GOAL_LEADS_PER_DIALED_LEAD,
    CONTACTED_LEADS_PER_LOADED_LEAD,
    OPT_OUTS_PER_HUMAN,
)
