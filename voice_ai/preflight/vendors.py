"""What the vendors say: caller ids, account and money at the carrier, voice and quota."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from voice_ai.preflight.check import Check, Failed, Light, check, not_told

# domain.md §3.1: balance and quota cover the forecast with a fifth to spare.
SPARE = 1.2
# domain.md §3.5, health below which a caller id cools, and the age of a test of its inbound call.
HEALTHY = 50.0
INBOUND_TEST_LASTS = timedelta(days=30)
# US outbound voice with its media stream and machine detection, in USD a minute: the usual list
# price, and about the least that anybody pays [assumed, until the table `prices` says it].
USUAL_PRICE_A_MINUTE = 0.02
LEAST_PRICE_A_MINUTE = 0.007
# Carrier minutes that one lead costs over all its attempts [assumed, until calls were measured].
MINUTES_PER_LEAD = 1.5
# domain.md §0.5 and §1.1 US-2S: two seconds is the law's limit for first audio, 1.5 s its alert.
SLOW_VOICE_S = 1.0
TOO_SLOW_VOICE_S = 2.0

_TWILIO = "Check TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN, and the carrier's status page."
_ELEVENLABS = "Check ELEVENLABS_API_KEY and ELEVENLABS_BASE_URL, and the vendor's status page."


@dataclass(frozen=True)
class CallerId:
    """`owned`: the carrier says that the account may show it; None: it was not asked."""

    label: str
    active: bool
    standing: str
    verified: bool
    inbound_ok_at: datetime | None
    health: float | None
    owned: bool | None


def judge_numbers(
    lines: Sequence[CallerId], owned: Failed | None, now: datetime, *, rehearsal: bool
) -> Iterator[Check]:
    yield _usable(lines)
    if owned is not None:
        light = _unasked(rehearsal=rehearsal)
        yield not_told("numbers.owned", "Owned at the carrier", owned, _TWILIO, light)
    else:
        yield _owned(lines)
    yield _inbound(lines, now, rehearsal=rehearsal)
    yield _health(lines)


def _unasked(*, rehearsal: bool) -> Light:
    """Another vendor-shaped server may stand in at a rehearsal, and know its calls only."""
    return Light.AMBER if rehearsal else Light.RED


def _named(lines: Sequence[CallerId]) -> str:
    return ", ".join(line.label for line in lines)


def _usable(lines: Sequence[CallerId]) -> Check:
    good = [line for line in lines if line.active and line.verified and _calls(line)]
    bad = [line for line in lines if line not in good]
    light = Light.GREEN if not bad else Light.AMBER
    seen = f"{len(good)} of {len(lines)} may be called from"
    if bad:
        seen += "; not: " + ", ".join(f"{line.label} ({_why_not(line)})" for line in bad)
    return check(
        "numbers.usable",
        "Usable caller ids",
        light if good else Light.RED,
        seen,
        "Bring a caller id back on its page, verify it, or add another to the campaign.",
    )


def _calls(line: CallerId) -> bool:
    return line.standing in {"active", "warming"}


def _why_not(line: CallerId) -> str:
    if not line.active:
        return "retired"
    return line.standing if not _calls(line) else "not verified"


def _owned(lines: Sequence[CallerId]) -> Check:
    strange = [line for line in lines if line.owned is False]
    return check(
        "numbers.owned",
        "Owned at the carrier",
        Light.RED if strange else Light.GREEN,
        f"not the account's: {_named(strange)}"
        if strange
        else f"the carrier knows all {len(lines)} as the account's",
        "Buy or verify the number at the carrier, or take it out of the campaign.",
    )


def _inbound(lines: Sequence[CallerId], now: datetime, *, rehearsal: bool) -> Check:
    """US-CLI: a caller id answers when it is called back, and takes opt-outs there."""
    untested = [
        line
        for line in lines
        if line.inbound_ok_at is None or now - line.inbound_ok_at > INBOUND_TEST_LASTS
    ]
    seen = f"a call to each was answered in the last {INBOUND_TEST_LASTS.days} days"
    if untested:
        seen = f"no call to {_named(untested)} was answered in {INBOUND_TEST_LASTS.days} days"
    mend = "Call the number from your own phone: it must answer and offer the opt-out."
    if rehearsal:
        mend = "The simulator's people do not call back; call each number before live calls."
    return check(
        "numbers.inbound",
        "Answers when called back",
        Light.AMBER if untested else Light.GREEN,
        seen,
        mend,
    )


def _health(lines: Sequence[CallerId]) -> Check:
    known = [line for line in lines if line.health is not None]
    ill = [line for line in known if line.health is not None and line.health < HEALTHY]
    seen = f"scored: {len(known)} of {len(lines)}"
    if known:
        scores = ", ".join(f"{line.label} {line.health:.0f}" for line in known)
        seen = f"{scores} (of 100; below {HEALTHY:.0f} a number should rest)"
    light = Light.GREEN
    if ill:
        light = Light.RED if len(ill) == len(lines) else Light.AMBER
    return check(
        "numbers.health",
        "Answer rates",
        light,
        seen,
        "Let the number rest on the page “Caller ids”, and call from others.",
    )


@dataclass(frozen=True)
class AccountFacts:
    """`kind` is Trial or Full, as the carrier says it."""

    kind: str
    status: str


@dataclass(frozen=True)
class BalanceFacts:
    amount: float
    currency: str


@dataclass(frozen=True)
class Forecast:
    """`price` is what a carrier minute costs; None: the table of prices does not say.

    `minutes_per_lead` was measured over `measured` leads, or is None.
    """

    leads: int
    price: float | None
    currency: str
    minutes_per_lead: float | None = None
    measured: int = 0

    @property
    def minutes(self) -> float:
        return self.leads * (self.minutes_per_lead or MINUTES_PER_LEAD)

    @property
    def cost(self) -> float:
        return self.minutes * (USUAL_PRICE_A_MINUTE if self.price is None else self.price)

    @property
    def least_cost(self) -> float:
        return self.minutes * (LEAST_PRICE_A_MINUTE if self.price is None else self.price)


@dataclass(frozen=True)
class Limits:
    """What the campaign asks for, and what its account may do; None: no limit is known."""

    wants_concurrent: int
    wants_per_second: float
    most_concurrent: int | None
    most_per_second: float | None


def judge_money(
    account: AccountFacts | Failed,
    balance: BalanceFacts | Failed,
    forecast: Forecast,
    limits: Limits,
) -> Iterator[Check]:
    if isinstance(account, Failed):
        yield not_told("money.account", "Carrier account", account, _TWILIO)
    else:
        yield _account(account)
    if isinstance(balance, Failed):
        yield not_told("money.balance", "Balance", balance, _TWILIO)
    else:
        yield _balance(balance, forecast)
    yield _limits(limits)


def _account(account: AccountFacts) -> Check:
    seen = f"{account.kind.lower()}, {account.status}"
    title = "Carrier account"
    if account.status != "active":
        mend = "The carrier has closed or suspended the account: settle it with them."
        return check("money.account", title, Light.RED, seen, mend)
    if account.kind.lower() == "trial":
        mend = "A trial account calls verified numbers only and says so first: upgrade it."
        return check("money.account", title, Light.RED, seen, mend)
    return check("money.account", title, Light.GREEN, seen)


def _balance(balance: BalanceFacts, forecast: Forecast) -> Check:
    needed, least = SPARE * forecast.cost, SPARE * forecast.least_cost
    how = "measured" if forecast.minutes_per_lead else "estimated"
    seen = (
        f"{balance.amount:,.2f} {balance.currency} against about {forecast.cost:,.2f} for "
        f"{forecast.leads:,} leads ({forecast.minutes:,.0f} minutes, {how}"
    )
    seen += ")" if forecast.price is not None else "; the price is estimated)"
    foreign = balance.currency != forecast.currency
    light, mend = Light.GREEN, ""
    if balance.amount <= 0 or (balance.amount < least and not foreign):
        light = Light.RED
        short = max(0.0, needed - balance.amount)
        mend = f"Top the account up by {short:,.2f} {balance.currency}, or call fewer leads."
    elif balance.amount < needed and not foreign:
        light = Light.AMBER
        mend = f"It may not last: top up by {needed - balance.amount:,.2f} {balance.currency}."
    elif forecast.price is None or foreign:
        light = Light.AMBER
        mend = (
            f"Say what a carrier minute costs in {balance.currency}: `voice-ai carrier price`; "
            "the forecast is an estimate until then."
        )
    return check("money.balance", "Balance", light, seen, mend)


def _limits(limits: Limits) -> Check:
    over = []
    if limits.most_concurrent is not None and limits.wants_concurrent > limits.most_concurrent:
        over.append(f"{limits.wants_concurrent} calls at once of {limits.most_concurrent}")
    if limits.most_per_second is not None and limits.wants_per_second > limits.most_per_second:
        over.append(f"{limits.wants_per_second:g} calls a second of {limits.most_per_second:g}")
    seen = "the campaign's pace is within the account's limits"
    if over:
        seen = "the campaign asks for more than the account may do: " + ", ".join(over)
    return check(
        "money.limits",
        "Limits of the account",
        Light.AMBER if over else Light.GREEN,
        seen,
        "It runs at the account's pace; lower the campaign's pace, or have the limit raised.",
    )


@dataclass(frozen=True)
class QuotaFacts:
    left: int


@dataclass(frozen=True)
class SampleFacts:
    """One synthesis: seconds to its first audio, and how much audio came."""

    first_s: float
    audio_bytes: int


@dataclass(frozen=True)
class VoiceFacts:
    """`known`: the vendor has a voice of that id; `characters` is what will be synthesised.

    `other`: the second voice and whether it is known; None when the campaign names none.
    """

    voice_id: str
    known: bool | Failed
    quota: QuotaFacts | Failed
    sample: SampleFacts | Failed
    characters: int
    other: tuple[str, bool | Failed] | None = None


def judge_voice(facts: VoiceFacts, *, rehearsal: bool) -> Iterator[Check]:
    yield _known(facts, _unasked(rehearsal=rehearsal))
    if facts.other is not None:
        yield _other_known(facts.other, _unasked(rehearsal=rehearsal))
    yield _quota(facts, _unasked(rehearsal=rehearsal))
    yield _sample(facts.sample)


def _known(facts: VoiceFacts, unasked: Light) -> Check:
    title = "Voice"
    if isinstance(facts.known, Failed):
        return not_told("voice.known", title, facts.known, _ELEVENLABS, unasked)
    return check(
        "voice.known",
        title,
        Light.GREEN if facts.known else Light.RED,
        f"{facts.voice_id} {'exists' if facts.known else 'is not known to the vendor'}",
        "Name a voice of your account in the campaign file (`voice: {voice_id: …}`).",
    )


def _other_known(other: tuple[str, bool | Failed], unasked: Light) -> Check:
    """It is not missed before the first voice fails, and then it is too late."""
    title, (voice_id, known) = "Other voice", other
    if isinstance(known, Failed):
        return not_told("voice.other", title, known, _ELEVENLABS, unasked)
    return check(
        "voice.other",
        title,
        Light.GREEN if known else Light.AMBER,
        f"{voice_id} {'exists' if known else 'is not known to the vendor'}",
        "Name a voice of your account (`voice: {other_voice_id: …}`), or leave it out.",
    )


def _quota(facts: VoiceFacts, unasked: Light) -> Check:
    title, quota = "Quota", facts.quota
    if isinstance(quota, Failed):
        return not_told("voice.quota", title, quota, _ELEVENLABS, unasked)
    enough = quota.left >= SPARE * facts.characters
    return check(
        "voice.quota",
        title,
        Light.GREEN if enough else Light.RED,
        f"{quota.left:,} characters left against about {facts.characters:,} to be spoken",
        "Raise the plan, wait for the next period, or call fewer leads.",
    )


def _sample(sample: SampleFacts | Failed) -> Check:
    title = "Sample sentence"
    if isinstance(sample, Failed):
        return not_told("voice.sample", title, sample, _ELEVENLABS)
    light = Light.GREEN
    if sample.first_s > SLOW_VOICE_S:
        light = Light.AMBER
    if sample.audio_bytes == 0 or sample.first_s > TOO_SLOW_VOICE_S:
        light = Light.RED
    return check(
        "voice.sample",
        title,
        light,
        f"first audio after {sample.first_s * 1000:,.0f} ms, {sample.audio_bytes:,} bytes in all",
        f"People wait: above {TOO_SLOW_VOICE_S:.0f} s the law counts it as silence. Try a faster "
        "speech model, or again when the vendor or this machine is less busy.",
    )
