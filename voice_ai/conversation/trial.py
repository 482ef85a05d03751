"""A script tried by typing: the same machine as in a call, nothing is dialed, nothing is kept."""

import re
from dataclasses import dataclass, replace

from voice_ai.conversation.graph import Script
from voice_ai.conversation.step import begin, step
from voice_ai.conversation.tongues import tongue_of
from voice_ai.conversation.turns import (
    Action,
    Answered,
    Ask,
    Callback,
    Digits,
    Disposition,
    FindAnswer,
    HangUp,
    Heard,
    HungUp,
    Judged,
    MachineDetected,
    OptOut,
    Say,
    SetSlot,
    Silence,
    Speech,
    State,
    Transfer,
    TransferFailed,
    Transferred,
)
from voice_ai.conversation.understanding import opt_out_evidence, understand, understand_digits
from voice_ai.errors import BadInput

# What a person can do beside speaking, by the word that stands for it.
GESTURES = {
    "/silence": "says nothing",
    "/hangup": "hangs up",
    "/machine": "is a machine",
    "/taken": "a colleague takes the call that is handed over",
    "/nobody": "no colleague takes it",
}
_KEYS = re.compile(r"^/([0-9*#]+)$")


@dataclass(frozen=True)
class Exchange:
    """What the callee did, how it was understood, and what the agent made of it.

    `heard` and `intent` are None for the opening; `intent` None also when nothing was understood.
    """

    heard: str | None
    intent: str | None
    node: str
    said: tuple[str, ...]
    effects: tuple[str, ...]


@dataclass(frozen=True)
class Trial:
    """A value: what was said so far and where the conversation stands."""

    script: Script
    state: State
    exchanges: tuple[Exchange, ...]

    @property
    def over(self) -> bool:
        return self.state.ended is not None and self.state.ended != "transfer"


def begin_trial(
    script: Script,
    slots: dict[str, str | None],
    *,
    arm: str | None = None,
    language: str | None = None,
) -> Trial:
    """Opens the call. A lead's own slots without a value are filled with their names.

    Raises BadInput for a campaign slot without a value, an arm or a language that is not there.
    """
    arms = script.experiment.arms if script.experiment else {}
    if arm is not None and arm not in arms:
        raise BadInput(f"there is no arm {arm!r}; the script has: {', '.join(arms) or 'none'}")
    spoken = script.language_for(language)
    if language is not None and spoken is None and language[:2] != script.language[:2]:
        raise BadInput(f"the script is not translated to {language!r}")
    lead = {
        name: name.replace("_", " ")
        for name, slot in script.slots.items()
        if slot.scope == "lead" and slot.default is None
    }
    state, actions = begin(script, {**lead, **slots}, arm=arm, language=spoken)
    return Trial(script, state, (_exchange(None, None, state, actions),))


def hear(trial: Trial, typed: str) -> Trial:
    """The trial after the callee said, pressed or did this. Raises BadInput when it is over."""
    if trial.over:
        raise BadInput("the call is over; begin again")
    return take(trial, heard_of(trial.script, typed), typed.strip())


# Nobody answers free-form questions in a trial, unless the trial says what a model writes.
_OFF = Answered(0, None, "off")


def take(trial: Trial, heard: Heard, told_as: str, written: Answered | None = _OFF) -> Trial:
    """The trial after it was heard; `told_as` is how that is shown.

    `written` is what comes of a question that a model may answer; None: nothing yet.
    """
    intent = _understood(trial, heard)
    state, actions = step(trial.script, trial.state, heard)
    if state.thinking is not None and written is not None:
        answered = replace(written, id=state.thinking.id)
        state, more = step(trial.script, state, answered)
        actions = (*actions, *more)
    told = _exchange(told_as, intent, state, actions)
    return replace(trial, state=state, exchanges=(*trial.exchanges, told))


def heard_of(script: Script, typed: str) -> Heard:
    """Words are speech, `/9` is a key, nothing or `/silence` is silence; see `GESTURES`."""
    text = typed.strip()
    keys = _KEYS.match(text)
    match text.casefold():
        case "" | "/silence":
            return Silence(script.silence_s)
        case "/hangup":
            return HungUp()
        case "/machine":
            return MachineDetected("machine_start")
        case "/taken":
            return Transferred()
        case "/nobody":
            return TransferFailed("no_answer")
    if text.startswith("/") and keys is None:
        raise BadInput(f"there is no {text!r}; there are: {', '.join(GESTURES)}, and /9 for a key")
    return Digits(keys.group(1)) if keys is not None else Speech(text)


def _understood(trial: Trial, heard: Heard) -> str | None:
    if opt_out_evidence(heard) is not None:
        return "opt_out"
    script = trial.script.worded(trial.state.arm, trial.state.language)
    node = script.nodes.get(trial.state.node)
    match heard:
        case Speech():
            # The built-in question about a callback is no node of the script.
            if node is None:
                return tongue_of(script.language).guess_intent(heard.text)
            return understand(heard, node, script.region, script.language).intent
        case Digits():
            return understand_digits(heard.digits, node).intent if node else None
    return None


def _exchange(
    heard: str | None, intent: str | None, state: State, actions: tuple[Action, ...]
) -> Exchange:
    said = tuple(action.text for action in actions if isinstance(action, Say | Ask))
    effects = tuple(text for action in actions if (text := _effect(action)))
    return Exchange(heard, intent, state.node, said, effects)


def _effect(action: Action) -> str | None:
    """What an action other than speaking would do in a call."""
    match action:
        case OptOut():
            return "the number is suppressed for the whole seller"
        case SetSlot():
            return f"{action.name} is set to “{action.value}”"
        case Callback():
            return f"a callback is noted: {action.when_text or 'no time named'}"
        case FindAnswer():
            return f"a model is asked: “{action.question}”"
        case Judged():
            return f"the model's answer: {action.why.replace('_', ' ')}"
        case Disposition():
            return f"the call counts as {action.code.replace('_', ' ')}"
        case HangUp():
            return f"the agent hangs up ({action.reason.replace('_', ' ')})"
        case Transfer():
            told = f", who is told: “{action.summary}”" if action.kind == "warm" else ""
            return f"the call goes to a colleague ({action.kind}){told}"
    return None
