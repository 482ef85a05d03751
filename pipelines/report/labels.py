"""Codes in words, and figures in the way they are written on pages and in reports."""

from datetime import UTC, datetime

_WORDS = {
    # funnel
    "leads": "On the list",
    "eligible": "Eligible",
    "dialed": "Dialed",
    "answered": "Answered",
    "human": "Human answered",
    "right_party": "Right party",
    "conversed": "Conversed",
    "goal": "Goal reached",
    # dispositions
    "transferred": "Handed to a colleague",
    "conversed_no_goal": "Talked, no goal",
    "callback_requested": "Asked to be called back",
    "not_interested": "Not interested",
    "opt_out": "Do not call again",
    "wrong_number": "Wrong number",
    "human_hangup": "Hung up early",
    "abandoned": "Answered, no agent heard",
    "dead_air": "Answered, nobody spoke",
    "machine": "Answering machine",
    "no_answer": "No answer",
    "failed_transient": "Failed, may work later",
    "failed_permanent": "Number cannot be called",
    "canceled": "Cancelled",
    "not_dialed": "Never sent",
    # pace: what changed, and why
    "step_up": "One step up",
    "step_down": "One step down",
    "throttle": "Half the calls at once",
    "release": "Full pace of its step again",
    "hold": "Nothing dialed for a while",
    "pause": "Paused",
    "cool": "A caller ID rests",
    "burn": "A caller ID is burned",
    "recover": "A caller ID is back",
    "STEP_HELD": "The step went well",
    "ABANDON_RATE": "Too many abandoned calls",
    "FAILURE_RATE": "Too many failures",
    "OPT_OUT_RATE": "Too many opt-outs",
    "FIRST_AUDIO_LATE": "First audio too late",
    "FAILURE_SPIKE": "Most dials failed",
    "BUDGET_SPENT": "Budget spent",
    "DAILY_SPEND": "Daily spend reached",
    "ANSWER_RATE_DROP": "Its answer rate fell",
    "RESTED": "It has rested",
    # carrier statuses
    "in-progress": "In progress",
    "no-answer": "No answer",
    # states of an attempt
    "intended": "About to dial",
    "unknown": "Awaiting the carrier",
    "placed": "Accepted",
    "in_progress": "In conversation",
    # outcomes of a dial
    "opted_out": "Opted out",
    "unanswered": "Not answered",
    # reasons of the ledger
    "DNC_INTERNAL": "On the do-not-call list",
    "HOURS_CLOSED": "Outside calling hours",
    "HOLIDAY": "Holiday",
    "SUSPENDED": "Emergency order in force",
    "TZ_UNKNOWN": "Time zone unknown",
    "PLACE_UNKNOWN": "State unknown",
    "FREQ_24H": "Called enough in 24 hours",
    "FREQ_GAP": "Called too recently",
    "FREQ_STATE": "Called enough for the state's rule",
    "RETRY_LATER": "Waiting for its retry time",
    "COOL_DOWN": "Resting after another campaign",
    "ATTEMPTS_EXHAUSTED": "No attempts left",
    "CONSENT_MISSING": "No consent",
    "CONSENT_KIND": "Consent of another kind is needed",
    "DNC_LISTED": "On an outside do-not-call list",
    "SNAPSHOT_STALE": "Outside list missing or too old",
    "AUTOMATED_BANNED": "Automated calls banned there",
    "NUMBER_TYPE": "Number of a kind that is not called",
    "COUNTRY_NOT_ALLOWED": "Country not allowed",
    "CALLER_ID_MISSING": "No caller id to call from",
    "CAMPAIGN_NOT_RUNNING": "Campaign not running",
    "SWITCHED_OFF": "Stopped by a kill switch",
    # thirds of a call
    "start": "First third",
    "middle": "Second third",
    "end": "Last third",
}
_OUTCOMES = {
    "goal": "Goal reached",
    "conversed": "Conversed, no goal",
    "human": "Human, no conversation",
}


def words(code: str) -> str:
    """The code in words; an unknown code is made readable."""
    return _WORDS.get(code) or code.replace("_", " ").replace("-", " ").capitalize()


def outcome_words(code: str) -> str:
    return _OUTCOMES.get(code) or words(code)


def count(value: int | None) -> str:
    return "–" if value is None else f"{value:,}"


def percent(value: float | None) -> str:
    return "–" if value is None else f"{value:.1%}"


def interval(low: float | None, high: float | None) -> str:
    if low is None or high is None:
        return "–"
    return f"{low * 100:.1f}–{high * 100:.1f} %"


def milliseconds(value: float | None) -> str:
    return "–" if value is None else f"{value:,.0f} ms"


def hour_words(hour: int | None) -> str:
    """An hour of the called person's day; None: no zone is known."""
    return "no zone" if hour is None else f"{hour:02d}"


def moment(at: datetime | None) -> str:
    return "–" if at is None else f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
