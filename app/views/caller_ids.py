"""Are our numbers still trusted?"""

from collections.abc import Sequence
from datetime import datetime

import pandas as pd
import streamlit as st

from app import caller_id_changes, campaign_reading, components, session
from app.campaign_reading import HOUSE_ZONE
from app.queries import caller_ids as queries
from app.queries.caller_ids import LINE_DAYS, Line
from app.states import with_dots
from pipelines.report.labels import interval, percent
from voice_ai.caller_id_health import COMPARED, LEAST_DIALS, WELL
from voice_ai.errors import VoiceAIError
from voice_ai.store import caller_ids as store

BEAT = 5.0  # seconds between two readings
_VERDICTS = {"ok": "well", "watch": "watch", "cool": "should rest"}


@st.cache_data(ttl=BEAT / 2, show_spinner=False)
def _read() -> tuple[list[Line], datetime]:
    """Raises NotAvailable."""
    context = session.context()
    now = context.clock.now()
    with session.reading() as connection:
        found = queries.lines(
            connection,
            rehearsal=context.rehearsal,
            now=now,
            today=campaign_reading.day_begin(now),
        )
    return found, now


def page() -> None:
    st.title("Are our numbers still trusted?")
    _moving()
    try:
        lines, _ = _read()
    except VoiceAIError:
        return  # said above already
    if lines:
        _change(lines)
    caller_id_changes.show()


@st.fragment(run_every=BEAT)
def _moving() -> None:
    try:
        lines, now = _read()
    except VoiceAIError as error:
        components.unreachable(error)
        return
    if lines:
        _figures(lines)
        _table(lines, now)
    else:
        st.info(
            "No caller id is known yet: the first campaign brings its own.",
            icon=":material/dialpad:",
        )


def _figures(lines: Sequence[Line]) -> None:
    used = [line for line in lines if line.active and line.standing in ("active", "warming")]
    told = [line for line in lines if line.health.score is not None]
    ill = [line for line in told if line.health.verdict == "cool"]
    resting = [line for line in lines if line.active and line.standing in ("cooling", "burned")]
    figures = (
        ("In use", len(used), f"of {len(lines):,} caller ids"),
        ("Should rest", len(ill), f"of {len(told):,} with {LEAST_DIALS} dials or more"),
        ("Resting", len(resting), "cooling or burned, not retired"),
        ("Retired", sum(not line.active for line in lines), "by a person"),
        ("Dials today", sum(line.today for line in lines), "since midnight in New York"),
    )
    for column, (label, value, about) in zip(st.columns(5, gap="small"), figures, strict=True):
        with column.container(border=True, height="stretch"):
            st.metric(label, f"{value:,}")
            st.caption(about)


def _table(lines: Sequence[Line], now: datetime) -> None:
    with st.container(border=True):
        st.markdown(
            "**Caller ids**",
            help="Score of the last fifty dials: answers against the pool 33, length of talk 28, "
            "conversations 22, trend 17. The pool is the seller's other numbers. The dialer rests "
            "a number by itself when it is answered below 0.7 of its pool with 95 % certainty.",
        )
        st.caption(
            f"n = {len(lines):,} · score from {LEAST_DIALS} dials on; {WELL:.0f} and more is well"
            f" · rates of the last {COMPARED} dials"
        )
        st.dataframe(
            with_dots(pd.DataFrame([_row(line, now) for line in lines]), "Standing"),
            hide_index=True,
            width="stretch",
            height=min(38 + 35 * len(lines), 600),
            alt="Caller ids with standing, score and answer rate",
            column_config={
                "Score": st.column_config.ProgressColumn(
                    "Score", format="%.0f", min_value=0, max_value=100, width=110
                ),
                "Days": st.column_config.LineChartColumn(
                    f"Answered, {LINE_DAYS} d", y_min=0.0, y_max=1.0, width=110
                ),
                "Today": st.column_config.TextColumn("Dials today"),
                "n": st.column_config.NumberColumn("n", width=50),
            },
        )


def _row(line: Line, now: datetime) -> dict[str, object]:
    rate, pool = line.answered, line.pool
    ceiling = f" of {line.daily_ceiling:,}" if line.daily_ceiling is not None else ""
    since = "–" if line.standing_since is None else f"{(now - line.standing_since).days} d"
    tested = line.inbound_ok_at
    return {
        "Caller id": line.label,
        "Standing": line.in_words,
        "Score": line.health.score,
        "Verdict": _VERDICTS[line.health.verdict] if line.health.score is not None else "too few",
        "Days": [share for share in line.days if share is not None],
        "Answered per dial": f"{percent(rate.value)} ({interval(rate.low, rate.high)})"
        if rate.n
        else "–",
        "n": rate.n,
        "Pool": f"{percent(pool.value)} of {pool.n:,}" if pool.n else "–",
        "Today": f"{line.today:,}{ceiling}",
        "For": since,
        "Called back, answered": f"{tested.astimezone(HOUSE_ZONE):%d %b %H:%M}" if tested else "–",
        "Seller": line.seller,
    }


def _change(lines: Sequence[Line]) -> None:
    """One number is chosen, then retired or brought back; outside the moving part, so that a
    question stays open."""
    with st.container(border=True, horizontal=True, vertical_alignment="bottom"):
        names = {f"{line.label} · {line.seller} · {line.in_words}": line for line in lines}
        chosen = st.selectbox("Caller id to change", list(names), width=380)
        line = names.get(chosen) or lines[0]
        in_use = line.active and line.standing in ("active", "warming")
        if st.button(
            "Retire it",
            icon=":material/phone_disabled:",
            disabled=not line.active,
            help="No campaign calls from it any more; live calls go on.",
        ):
            _confirm_retirement(line)
        if st.button(
            "Bring it back",
            icon=":material/settings_backup_restore:",
            disabled=in_use,
            help="It may be called from again, and warms up first: fewer dials a day.",
        ):
            _changed(line, retire=False)


@st.dialog("Retire a caller id")
def _confirm_retirement(line: Line) -> None:
    st.markdown(
        f"No campaign calls from **{line.label}** of {line.seller} any more. It still takes calls "
        "and opt-outs of people who call it back."
    )
    if st.button("Yes, retire it", type="primary", icon=":material/phone_disabled:"):
        _changed(line, retire=True)


def _changed(line: Line, *, retire: bool) -> None:
    change = store.retire if retire else store.bring_back
    try:
        with session.asking() as db:
            change(db, line.number_id, by=session.user(), now=session.context().clock.now())
    except VoiceAIError as error:
        st.error(error.message)
        return
    _read.clear()
    st.rerun()


page()
