"""What is true of a generated history: an analysis that works finds these again.

Chances are of one dial. Hours and weekdays are the called person's (1 Monday … 6 Saturday).
"""

from types import MappingProxyType

# A person picks up: the product of these, at most 0.9.
HUMAN = 0.22
HUMAN_BY_HOUR = MappingProxyType(
    {9: 0.70, 10: 0.85, 11: 0.95, 12: 0.80, 13: 0.80, 14: 0.90,
     15: 1.00, 16: 1.25, 17: 1.50, 18: 1.45, 19: 1.15}
)  # fmt: skip
BEST_HOURS = (17, 18)
HUMAN_BY_WEEKDAY = MappingProxyType({1: 0.90, 2: 1.10, 3: 1.10, 4: 1.05, 5: 0.90, 6: 0.85})
# By how many dials the lead had had: each further one has less of a chance.
HUMAN_BY_DIAL = (1.00, 0.85, 0.72, 0.61, 0.52, 0.44)
MAX_DIALS = len(HUMAN_BY_DIAL)

# Lists by their share of a campaign's leads, and what is different about them.
LISTS = ("Customers", "Web enquiries", "Bought addresses")
LIST_SHARE = (0.35, 0.40, 0.25)
LIST_HUMAN = (1.25, 1.00, 0.65)
LIST_GOAL = (1.30, 1.00, 0.60)
LIST_WRONG_NUMBER = (0.01, 0.02, 0.10)
LIST_OPT_OUT = (0.02, 0.03, 0.07)

ZONES = (
    "America/New_York", "America/Chicago", "America/Denver", "America/Los_Angeles",
    "America/Phoenix",
)  # fmt: skip
ZONE_SHARE = (0.45, 0.28, 0.08, 0.17, 0.02)

# Which share of the dials each hour gets: not the best hours, as people with lists do.
DIALS_BY_HOUR = MappingProxyType(
    {9: 1.0, 10: 1.4, 11: 1.4, 12: 1.0, 13: 1.1, 14: 1.3,
     15: 1.2, 16: 1.0, 17: 0.8, 18: 0.7, 19: 0.5}
)  # fmt: skip

# Nobody picked up: what happened instead.
NOT_HUMAN = MappingProxyType(
    {"machine": 0.400, "no_answer": 0.456, "busy": 0.060, "failed_transient": 0.040,
     "failed_permanent": 0.020, "canceled": 0.006, "dead_air": 0.012, "not_dialed": 0.006}
)  # fmt: skip

# A person picked up: hangs up early, or talks; of those who talk, by what came of it.
HANG_UP = 0.30
LATE_AUDIO = 0.035  # first audio later than two seconds
HANG_UP_WHEN_LATE = 0.65
ABANDONED = 0.004
GOAL = 0.34
CALLBACK = 0.08
NOT_INTERESTED = 0.22

# One caller id of the first campaign is labelled as spam from this share of its days on.
BAD_CALLER_ID = 1
BAD_SINCE = 0.45
BAD_HUMAN = 0.40

# Experiments: the first campaign of every four tries an opening that works, the second one a voice
# that changes nothing. Goals per conversation, in arm B over arm A.
ARMS = ("A", "B")
EXPERIMENTS = MappingProxyType({0: ("opening", 1.35), 1: ("voice", 1.00)})
EVERY = 4

# Emotions of a caller's turn at the start of a call, and at its end by what came of it; linear
# between.
EMOTIONS = ("joy", "surprise", "neutral", "sadness", "fear", "anger", "disgust")
EMOTION_AT_START = (0.08, 0.05, 0.76, 0.03, 0.02, 0.05, 0.01)
EMOTION_AT_END = MappingProxyType(
    {
        "goal": (0.36, 0.06, 0.52, 0.02, 0.01, 0.02, 0.01),
        "opt_out": (0.01, 0.03, 0.36, 0.05, 0.02, 0.45, 0.08),
        "other": (0.06, 0.05, 0.70, 0.06, 0.03, 0.08, 0.02),
    }
)
EMOTION_UNHEARD = 0.05

# Interruptions per agent turn, and in calls that end in an opt-out.
INTERRUPTED = 0.07
INTERRUPTED_OPT_OUT = 0.25

# Who hangs up early does so at this node: the first, second, third of the script.
HANG_UP_AT = (0.62, 0.28, 0.10)

# The median of the time to our answer, and how wide its logarithm is spread.
RESPONSE_MS = 680.0
RESPONSE_SPREAD = 0.35

# Verdicts on who answered, by who did: human, machine, unknown.
CARRIER_SAYS = MappingProxyType({"human": (0.95, 0.02, 0.03), "machine": (0.05, 0.90, 0.05)})
OWN_SAYS = MappingProxyType({"human": (0.975, 0.015, 0.01), "machine": (0.02, 0.965, 0.015)})

# Share of conversations that were judged, and of those that failed a gate.
QA_JUDGED = 0.10
QA_FAILED = 0.06

# Amounts in US dollars; the carrier's minute becomes dearer half way.
CARRIER_MINUTE = (0.0140, 0.0155)
STT_MINUTE = 0.0065
TTS_CHARACTER = 0.00003

# Leads that are never called, by the reason that stands; and refusals that pass.
NEVER = MappingProxyType({"DNC_INTERNAL": 0.02, "DNC_LISTED": 0.025, "NUMBER_TYPE": 0.01})
REFUSED_FIRST = 0.25  # before the first dial: HOURS_CLOSED
REFUSED_AGAIN = 0.20  # between dials: FREQ_GAP or RETRY_LATER


def human_chance(hour: int, weekday: int, lead_list: int, dials_before: int, *, bad: bool) -> float:
    """That a person picks up this dial; the last argument: on the labelled caller id."""
    chance = HUMAN * HUMAN_BY_HOUR[hour] * HUMAN_BY_WEEKDAY[weekday] * LIST_HUMAN[lead_list]
    return min(chance * HUMAN_BY_DIAL[dials_before] * (BAD_HUMAN if bad else 1.0), 0.9)


def lift_of(campaign: int) -> tuple[str, float] | None:
    """The experiment of the campaign of that place, and what arm B makes of goals per talk."""
    return EXPERIMENTS.get(campaign % EVERY)
