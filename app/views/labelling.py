"""What do you hear in these turns?"""

from collections.abc import Callable, Sequence
from datetime import date

import streamlit as st

from app import components, session
from ml.tasks import HEARD, TASKS
from pipelines.report.labels import words
from voice_ai.errors import VoiceAIError
from voice_ai.labelling.standing import agreed
from voice_ai.qa.agreement import TRUSTED
from voice_ai.store import flow_requests, labels
from voice_ai.store.labels import Labelled, Sample

# C and R are Streamlit's own; 0, S and U are the buttons below.
_KEYS = "123456789ABDEFGHIJKLMNOPQTVWXYZ"
_SAID = "labelling said"
_SKIPPED = "labelling skipped"
_LABEL, _SETTLE = "Label", "Settle disagreements"


def page() -> None:
    st.title("What do you hear in these turns?")
    first, second, third, fourth = st.columns([2, 2, 2, 3], vertical_alignment="bottom")
    task = first.selectbox("Task", list(HEARD), key="task", bind="query-params")
    who = second.text_input(
        "Who labels",
        session.user(),
        key="labeller",
        bind="query-params",
        max_chars=labels.MOST_NAME,
        help="Two people label the same turns without seeing each other's labels.",
    )
    try:
        with session.asking() as db:
            known = labels.weeks(db, task, rehearsal=session.context().rehearsal)
    except VoiceAIError as error:
        components.unreachable(error)
        return
    _told()
    if not known:
        _nothing_drawn(task)
        return
    weeks = {f"{row['week']:%F}": row["week"] for row in known}
    week = third.selectbox("Week from", list(weeks), key="week", bind="query-params")
    what = fourth.segmented_control(
        "What to do", [_LABEL, _SETTLE], default=_LABEL, key="what", required=True
    )
    if not who.strip():
        st.info("Say who labels: two people's labels are compared.", icon=":material/person:")
        return
    _work(task, weeks[week], who, settle=what == _SETTLE)


def _work(task: str, week: date, who: str, *, settle: bool) -> None:
    sample = Sample(task, week, session.context().rehearsal)
    skipped = tuple(st.session_state.get(_SKIPPED, ()))
    try:
        with session.asking() as db:
            turns = labels.turns_of(db, sample)
            coming = labels.next_turn(db, sample, who, skipped)
    except VoiceAIError as error:
        components.unreachable(error)
        return
    name = labels.named(who)
    _progress(turns, name)
    if settle:
        _settle(sample, turns, name)
    elif coming is None:
        _done(turns)
        _undo(sample, who)
    else:
        _turn(coming.agent, coming.text)
        _buttons(task, coming.id, who, decides=False)
        _undo(sample, who, skip=coming.id)


def _progress(turns: Sequence[Labelled], name: str) -> None:
    mine = sum(any(s.labeller == name and not s.decides for s in turn.said) for turn in turns)
    states = [turn.standing.state for turn in turns]
    settled = states.count("agreed") + states.count("unclear")
    share = mine / len(turns) if turns else 0.0
    st.progress(share, text=f"{mine:,} of {len(turns):,} labelled by you")
    found = agreed(turn.said for turn in turns)
    kappa = (
        ""
        if found.kappa is None
        else f" · κ {found.kappa:.2f} (n = {found.n:,}; trust from {TRUSTED})"
    )
    st.caption(
        f"{settled:,} settled · {states.count('disputed'):,} disputed ·"
        f" {states.count('waiting'):,} wait for a label{kappa}"
    )


def _turn(agent: str | None, text: str) -> None:
    with st.container(border=True):
        if agent:
            st.caption(f"Agent: {components.plain(agent)}")
        st.markdown(f"### “{components.plain(text)}”")


def _buttons(task: str, turn: int, who: str, *, decides: bool) -> None:
    with st.container(horizontal=True):
        for place, label in enumerate(TASKS[task].labels):
            st.button(
                words(label),
                key=f"label {label}",
                shortcut=_KEYS[place] if place < len(_KEYS) else None,
                on_click=_say,
                args=(task, turn, label, who),
                kwargs={"decides": decides},
            )
        st.button(
            "Cannot tell",
            key="label nothing",
            shortcut="0",
            type="tertiary",
            on_click=_say,
            args=(task, turn, None, who),
            kwargs={"decides": decides},
        )


def _undo(sample: Sample, who: str, *, skip: int | None = None) -> None:
    with st.container(horizontal=True):
        st.button(
            "Undo", icon=":material/undo:", shortcut="U", on_click=_take_back, args=(sample, who)
        )
        if skip is not None:
            st.button(
                "Skip",
                icon=":material/skip_next:",
                shortcut="S",
                on_click=_skip,
                args=(skip,),
                help="Shown again at the end.",
            )


def _settle(sample: Sample, turns: Sequence[Labelled], name: str) -> None:
    """One that two others disagree on; whoever labelled it does not decide."""
    disputed = [turn for turn in turns if turn.standing.state == "disputed"]
    open_ones = [turn for turn in disputed if all(s.labeller != name for s in turn.said)]
    if not disputed:
        st.success("Nobody disagrees: there is nothing to settle.", icon=":material/check_circle:")
    elif not open_ones:
        st.info(
            f"{len(disputed):,} turns are disputed, and you labelled all of them; a third person"
            " decides.",
            icon=":material/group:",
        )
    if open_ones:
        turn = open_ones[0]
        _turn(turn.agent, turn.text)
        said = " or ".join(words(one.label) if one.label else "cannot tell" for one in turn.said)
        st.markdown(f"Two people heard **{said}**. {len(open_ones):,} to settle.")
        _buttons(sample.task, turn.id, name, decides=True)
    _undo(sample, name)


def _done(turns: Sequence[Labelled]) -> None:
    waiting = sum(turn.standing.state == "waiting" for turn in turns)
    rest = f" {waiting:,} turns wait for a second person's label." if waiting else ""
    st.success(f"Nothing is left for you in this week.{rest}", icon=":material/check_circle:")


def _nothing_drawn(task: str) -> None:
    st.info(
        f"No turn of {words(task).lower()} was drawn yet. The flows draw 200 turns of every"
        " finished week; a model must have answered in calls of it.",
        icon=":material/label:",
    )
    st.button("Draw this week's turns now", icon=":material/casino:", on_click=_draw, args=(task,))


def _say(task: str, turn: int, label: str | None, who: str, *, decides: bool) -> None:
    def write() -> str | None:
        with session.asking() as db:
            labels.label(
                db,
                turn,
                label,
                by=who,
                now=session.context().clock.now(),
                labels=TASKS[task].labels,
                decides=decides,
            )
        return None

    _try(write)


def _take_back(sample: Sample, who: str) -> None:
    def write() -> str | None:
        with session.asking() as db:
            found = labels.take_back(db, sample, by=who, now=session.context().clock.now())
        return None if found else "There is nothing of yours to take back."

    _try(write)


def _skip(turn: int) -> None:
    before = [one for one in st.session_state.get(_SKIPPED, ()) if one != turn]
    st.session_state[_SKIPPED] = (*before, turn)


def _draw(task: str) -> None:
    def write() -> str | None:
        with session.asking() as db:
            now = session.context().clock.now()
            flow_requests.ask(db, "watch-models", {"draw": task}, by=session.user(), now=now)
        return "Asked; the flows process draws them, and the page Flows shows how it stands."

    _try(write)


def _try(write: Callable[[], str | None]) -> None:
    """What it answers, or why it did not go, is shown once the page is drawn."""
    try:
        said = write()
    except VoiceAIError as error:
        said = error.message
    if said is not None:
        st.session_state[_SAID] = said


def _told() -> None:
    if said := st.session_state.pop(_SAID, None):
        st.info(said, icon=":material/info:")


page()
