"""The conversation itself: what was heard goes in, what to do comes out, and nothing else happens.

`begin` opens a call and `step` answers everything that can be heard in it. An empty answer means
"go on as you were". Every call ends in `HangUp`, at the latest after the script's `max_turns`.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Literal, assert_never

from voice_ai.conversation.graph import ENDPOINT_S, Node, Script
from voice_ai.conversation.handing_over import summary, with_intent
from voice_ai.conversation.keywords import declines_recording, find_when
from voice_ai.conversation.leading import (
    captured,
    is_bare_question,
    is_not_yet_an_answer,
    target_of,
    way_on,
)
from voice_ai.conversation.notice import notice_of, with_objection
from voice_ai.conversation.prompts import render, resolve_slots
from voice_ai.conversation.switching import other_language, slots_in
from voice_ai.conversation.thinking import judge, think, thinks_on
from voice_ai.conversation.tongues import tongue_of
from voice_ai.conversation.turns import (
    Action,
    Answered,
    Ask,
    Callback,
    Digits,
    Disposition,
    DispositionCode,
    HangUp,
    HangUpReason,
    Heard,
    HungUp,
    MachineDetected,
    OptOut,
    Say,
    SetSlot,
    Silence,
    Speech,
    State,
    TimeUp,
    Transfer,
    TransferFailed,
    Transferred,
)
from voice_ai.conversation.understanding import (
    Meaning,
    opt_out_evidence,
    understand,
    understand_digits,
)
from voice_ai.conversation.ways import HEARD_BEFORE_FEELINGS, way_of_feeling

Answer = tuple[State, tuple[Action, ...]]

# The built-in question "when may we call again?"; no script node can have this name.
CALLBACK_NODE = "~callback"


def begin(
    script: Script,
    slots: Mapping[str, str | None],
    *,
    arm: str | None = None,
    language: str | None = None,
) -> Answer:
    """The opening and the first question; raises BadInput for a required slot without a value.

    `arm` None is the experiment's first one, `language` None the file's own.
    """
    if arm is None and script.experiment is not None:
        arm = next(iter(script.experiment.arms))
    script = script.worded(arm, language)
    slots_said = resolve_slots(script, slots)
    state = State(node=script.start, slots=slots_said, arm=arm, language=language)
    return _enter(script, state, script.start)


def step(script: Script, state: State, heard: Heard) -> Answer:
    """Total: every state has an answer to everything that can be heard."""
    state = with_objection(state, heard)
    script = script.worded(state.arm, state.language)
    evidence = opt_out_evidence(heard)
    if evidence is not None and not state.opted_out:
        return _opt_out(script, state, evidence)
    if isinstance(heard, Transferred | TransferFailed):
        return _after_transfer(script, state, taken=isinstance(heard, Transferred))
    if state.ended is not None:
        return state, ()
    if isinstance(heard, Answered):
        return _answered(script, state, heard)
    if state.thinking is None:
        return _respond(script, state, heard)
    if isinstance(heard, Silence | Speech | Digits) and thinks_on(script, heard):
        return state, ()
    after, actions = _respond(script, replace(state, thinking=None), heard)
    return (after, actions) if actions else (replace(after, thinking=state.thinking), ())


def _respond(
    script: Script,
    state: State,
    heard: Speech | Silence | Digits | MachineDetected | HungUp | TimeUp,
) -> Answer:
    state = replace(state, turns=state.turns + 1)
    match heard:
        case HungUp():
            return _end(state, state.disposition or "human_hangup", "human_hangup")
        case MachineDetected():
            return _machine(script, state, heard)
        case TimeUp():
            return _close(script, state, "out_of_time", "time_up")
        case Silence() | Digits() | Speech() if state.turns > script.max_turns:
            return _close(script, state, "out_of_time", "max_turns")
        case Silence():
            return _silence(script, state)
        case Digits():
            meaning = understand_digits(heard.digits, _node(script, state.node))
            return _answer(script, replace(state, spoken_to=True, silences=0), meaning)
        case Speech():
            return _speech(script, state, heard)
    assert_never(heard)


def _opt_out(script: Script, state: State, evidence: Literal["speech", "digit"]) -> Answer:
    state = replace(state, question=None, thinking=None)
    ended = replace(state, opted_out=True, ended="opt_out", disposition="opt_out")
    return ended, (
        OptOut(evidence),
        _line(script, state, "opted_out", interruptible=False),
        Disposition("opt_out"),
        HangUp("opt_out"),
    )


def _after_transfer(script: Script, state: State, *, taken: bool) -> Answer:
    if state.ended != "transfer":
        return state, ()
    node = _node(script, state.node)
    if taken:
        reached = state.disposition == "goal" or (node.transfer is not None and node.goal)
        return _end(state, "goal" if reached else "transferred", "transferred")
    state, sorry = replace(state, ended=None, retries=0), _line(script, state, "transfer_failed")
    if node.transfer is None or node.otherwise is None:  # taken over in the middle of a question
        return _ask_again(script, state, sorry)
    after, actions = _enter(script, state, node.otherwise)
    return after, (sorry, *actions)


def _machine(script: Script, state: State, heard: MachineDetected) -> Answer:
    is_machine = heard.kind == "fax" or heard.kind.startswith("machine")
    # Verdicts come late and err; somebody who has answered a question is a person.
    if not is_machine or state.answers > 0:
        return _within_turns(script, state)
    return _end(state, "machine", "machine")


def _silence(script: Script, state: State) -> Answer:
    if state.silences >= script.silence_retries:
        return _close(script, state, "silence_end", "silence")
    state = replace(state, silences=state.silences + 1)
    return _ask_again(script, state, _line(script, state, "not_heard"))


def _speech(script: Script, state: State, heard: Speech) -> Answer:
    if not heard.text.strip():
        return _within_turns(script, state)
    tongue = tongue_of(script.language)
    if state.answers == 0 and tongue.is_machine(heard.text):
        return _end(state, "machine", "machine")
    if (language := other_language(script, state, heard.text)) is not False:
        return _in_language(script, state, language)
    first, state = not state.spoken_to, replace(state, spoken_to=True, silences=0)
    if declines_recording(heard.text):
        return _ask_again(script, state, _line(script, state, "unrecorded"))
    node = _node(script, state.node)
    meaning = understand(heard, node, script.region, script.language)
    picking_up = first and meaning.intent == "yes" and is_bare_question(heard.text)
    if picking_up or is_not_yet_an_answer(node, state, heard, meaning):
        # "Hello?" at pick-up crosses the opening: the question is already on its way.
        on_its_way = heard.over_agent or (first and heard.heard_of_agent is None)
        return (state, ()) if on_its_way else _ask_again(script, state)
    after, actions = _felt(script, state, meaning, heard) or _answer(
        script, state, meaning, heard.text
    )
    comforted, comfort = _comfort(script, after, heard)
    return comforted, (*comfort, *actions)


def _in_language(script: Script, state: State, language: str | None) -> Answer:
    """Who calls, that it is a machine and how to stop it, in their words; then the question."""
    other = script.worded(state.arm, language)
    slots = slots_in(script, other, state.slots)
    state = replace(state, language=language, slots=slots, spoken_to=True, silences=0, retries=0)
    return _ask_again(other, state, *_opening(other, state, other.start))


def _answer(script: Script, state: State, meaning: Meaning, text: str = "") -> Answer:
    node, state = _node(script, state.node), with_intent(state, meaning.intent)
    if meaning.intent == "ask_robot":
        return _ask_again(script, state, _line(script, state, "robot"))
    if state.node == CALLBACK_NODE:
        return _answer_to_callback(script, state, meaning)
    answered, noted = captured(state, node, meaning)
    target = target_of(node, meaning, answered.slots)
    if target is not None and node.answer is not None and node.expects == "open" and meaning.value:
        after, find = think(script, answered, node.answer, text, then=target)
        return after, (*noted, find)
    if target is not None:
        return _go_on(script, answered, target, noted)
    match meaning.intent:
        case "repeat":
            return _enter(script, state, state.node)
        case "wrong_person":
            return _close(script, state, "wrong_person", "wrong_person", "wrong_number")
        case "callback":
            return _offer_callback(
                script, state, find_when(tongue_of(script.language).render(text))
            )
        case "busy_now":
            return _offer_callback(script, state, None)
        case "question":
            return _question(script, state, text)
        case _:
            return _fallback(script, state, node)


def _go_on(script: Script, state: State, target: str, noted: tuple[SetSlot, ...]) -> Answer:
    state = replace(state, answers=state.answers + 1, retries=0, silences=0)
    after, actions = _enter(script, state, target)
    return after, (*noted, *actions)


def _felt(script: Script, state: State, meaning: Meaning, heard: Speech) -> Answer | None:
    """A strong feeling leads away, once; what was answered in it is kept."""
    if state.node == CALLBACK_NODE or meaning.intent in HEARD_BEFORE_FEELINGS:
        return None
    node = _node(script, state.node)
    followed = state.feelings_followed
    target = way_of_feeling(script.on_emotion, node.on_emotion, heard, followed)
    if target is None or target == state.node or heard.emotion is None:
        return None
    state = replace(state, feelings_followed=followed | {heard.emotion})
    understood = target_of(node, meaning, state.slots) is not None
    answered, noted = captured(state, node, meaning) if understood else (state, ())
    return _go_on(script, answered, target, noted)


def _offer_callback(script: Script, state: State, when: str | None) -> Answer:
    # Set before the offer is made, so that it also holds when they hang up on it.
    code: DispositionCode = "goal" if state.disposition == "goal" else "callback_requested"
    state = replace(
        state, node=CALLBACK_NODE, answers=state.answers + 1, retries=0, disposition=code
    )
    return _ask_again(script, state) if when is None else _note_callback(script, state, when)


def _answer_to_callback(script: Script, state: State, meaning: Meaning) -> Answer:
    if meaning.value is not None:
        return _note_callback(script, state, meaning.value)
    match meaning.intent:
        case "no":
            kept: DispositionCode = "goal" if state.disposition == "goal" else "not_interested"
            return _close(script, state, "declined", "declined", kept)
        case "wrong_person":
            return _close(script, state, "wrong_person", "wrong_person", "wrong_number")
        case "repeat" | "question":
            return _ask_again(script, state)
        case _:
            return _note_callback(script, state, None)


def _note_callback(script: Script, state: State, when: str | None) -> Answer:
    after, actions = _close(script, state, "callback_noted", "callback")
    return after, (Callback(when), *actions)


def _question(script: Script, state: State, text: str) -> Answer:
    start = script.nodes.get(script.start)
    if tongue_of(script.language).asks_who(text) and start is not None and start.identify:
        place = f"{script.start}.identify"
        return _ask_again(script, state, _say(script, state, place, start.identify))
    free = _node(script, state.node).answer or script.answer
    if free is not None:
        after, find = think(script, state, free, text, then=None)
        return after, (find,)
    return _ask_again(script, state, _line(script, state, "cannot_answer"))


def _answered(script: Script, state: State, heard: Answered) -> Answer:
    """The model's words where they may be spoken, else the script's own; then on."""
    if state.thinking is None or state.thinking.id != heard.id:
        return state, ()
    said = judge(script, state, state.thinking, heard)
    then, state = state.thinking.then, replace(state, thinking=None)
    if then is None:
        return _ask_again(script, state, *said)
    after, actions = _go_on(script, state, then, ())
    return after, (*said, *actions)


def _fallback(script: Script, state: State, node: Node) -> Answer:
    wordings = node.retry
    if state.retries < (1 if wordings is None else len(wordings)):
        tried, state = state.retries, replace(state, retries=state.retries + 1)
        if wordings is None:
            return _ask_again(script, state, _line(script, state, "not_understood"))
        place = f"{state.node}.retry.{tried}"
        return _asked(state, _ask(script, state, node, place, wordings[tried]))
    if node.otherwise is not None:
        return _enter(script, replace(state, retries=0), node.otherwise)
    return _close(script, state, "goodbye", "not_understood")


def _ask_again(script: Script, state: State, *first: Action) -> Answer:
    node = _node(script, state.node)
    if node.ask is None:
        return _close(script, state, "goodbye", "not_understood")
    place = "lines.offer_callback" if state.node == CALLBACK_NODE else f"{state.node}.ask"
    return _asked(state, *first, _ask(script, state, node, place, node.ask))


def _asked(state: State, *actions: Action) -> Answer:
    last = actions[-1]
    return replace(state, question=last.text if isinstance(last, Ask) else None), actions


def _enter(script: Script, state: State, name: str) -> Answer:
    """Speak a node and the ones after it, up to the next question or the end of the call."""
    actions: list[Action] = []
    for _ in range(len(script.nodes)):
        node = _node(script, name)
        if node.transfer is not None:
            # What it counts as is known when somebody has taken it.
            waiting = replace(state, node=name, ended="transfer", question=None)
            said = _spoken(script, waiting, node)
            return waiting, (*actions, *said, Transfer(node.transfer, summary(script, waiting)))
        code: DispositionCode | None = "goal" if node.goal else node.disposition
        state = replace(state, node=name, disposition=code or state.disposition)
        if node.end:
            after, ending = _end(state, state.disposition or "conversed_no_goal", "script_end")
            return after, (*actions, ending[0], *_spoken(script, state, node), ending[1])
        actions.extend(_spoken(script, state, node))
        if node.ask is not None:
            return _asked(state, *actions, _ask(script, state, node, f"{name}.ask", node.ask))
        way = way_on(node, state.slots)
        if way is None:
            break
        name = way
    after, closing = _close(script, state, "goodbye", "script_end")
    return after, (*actions, *closing)


def _spoken(script: Script, state: State, node: Node) -> tuple[Say, ...]:
    name = state.node
    said = (
        _say(
            script,
            state,
            f"{name}.say.{index}",
            text,
            # A goodbye is not worth cutting.
            interruptible=node.interruptible and not node.end and node.transfer is None,
        )
        for index, text in enumerate(node.say)
    )
    return (*_opening(script, state, name), *said)


def _opening(script: Script, state: State, name: str) -> tuple[Say, ...]:
    """Who calls, that it is a machine, and that it is recorded: heard to its end."""
    notice = notice_of(script)
    said = (
        (part, _say(script, state, f"{name}.{part}", text, interruptible=part == "opt_out"))
        for part, text in _node(script, name).opening
    )
    return tuple(replace(say, notice=part == notice) for part, say in said)


def _say(
    script: Script, state: State, place: str, template: str, *, interruptible: bool = True
) -> Say:
    text, key = render(script, place, template, state.slots)
    return Say(text, key, interruptible)


def _line(script: Script, state: State, name: str, *, interruptible: bool = True) -> Say:
    template = str(getattr(script.lines, name))
    return _say(script, state, f"lines.{name}", template, interruptible=interruptible)


def _ask(script: Script, state: State, node: Node, place: str, template: str) -> Ask:
    text, key = render(script, place, template, state.slots)
    return Ask(
        text,
        key,
        node.interruptible,
        node.expects,
        silence_s=node.silence_s or script.silence_s,
        endpoint_s=node.endpoint_s or ENDPOINT_S[node.expects],
    )


def _close(
    script: Script,
    state: State,
    line: str,
    reason: HangUpReason,
    code: DispositionCode | None = None,
) -> Answer:
    """End the call with one of the script's last lines."""
    unheard: DispositionCode = "conversed_no_goal" if state.spoken_to else "dead_air"
    after, (disposition, hang_up) = _end(state, code or state.disposition or unheard, reason)
    return after, (disposition, _line(script, state, line, interruptible=False), hang_up)


def _end(
    state: State, code: DispositionCode, reason: HangUpReason
) -> tuple[State, tuple[Disposition, HangUp]]:
    # The disposition goes first: it holds even when the person hangs up over the goodbye.
    ended = replace(state, ended=reason, disposition=code, question=None)
    return ended, (Disposition(code), HangUp(reason))


def _within_turns(script: Script, state: State) -> Answer:
    if state.turns > script.max_turns:
        return _close(script, state, "out_of_time", "max_turns")
    return state, ()


def _comfort(script: Script, state: State, heard: Speech) -> tuple[State, tuple[Say, ...]]:
    """One kind sentence for a strong emotion while the call goes on, once per emotion."""
    for emotion, template in script.empathy.items():
        if emotion == heard.emotion and emotion not in state.comforted and state.ended is None:
            said = _say(script, state, f"empathy.{emotion}", template)
            return replace(state, comforted=state.comforted | {emotion}), (said,)
    return state, ()


def _node(script: Script, name: str) -> Node:
    if name == CALLBACK_NODE:
        return Node(ask=script.lines.offer_callback, expects="when")
    return script.nodes.get(name) or Node()
