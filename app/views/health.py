"""Does everything run?"""

from typing import Any

import httpx
import pandas as pd
import streamlit as st

from app import components, session
from app.queries import system
from app.states import with_dots
from voice_ai.errors import VoiceAIError
from voice_ai.vitals import Disk, disk_of

BEAT = 2.0  # seconds between two readings
_SERVER_S = 1.0
_MB = 1_000_000


@st.cache_data(ttl=session.MOMENT, show_spinner=False)
def seen() -> system.Seen:
    """Raises NotAvailable."""
    with session.reading() as connection:
        return system.look(connection, session.context().clock.now())


@st.cache_data(ttl=session.MOMENT, show_spinner=False)
def server_says(url: str) -> dict[str, Any] | None:
    """The server's own answer, also when it is a bad one; None when there is none."""
    try:
        answer = httpx.get(f"{url}/api/health", timeout=_SERVER_S, trust_env=False).json()
    except (httpx.HTTPError, ValueError):
        return None
    return answer if isinstance(answer, dict) and "components" in answer else None


@st.cache_data(ttl=session.MOMENT, show_spinner=False)
def disk() -> Disk:
    return disk_of(session.context().settings.home)


def page() -> None:
    st.title("Does everything run?")
    _moving()


@st.fragment(run_every=BEAT)
def _moving() -> None:
    try:
        url = session.context().settings.public_url
        told = seen()
    except VoiceAIError as error:
        components.unreachable(error)
        return
    answer = server_says(url)
    _verdict(told, answer)
    _figures(told, disk())
    _processes(told.processes)
    _components(answer, url)


def _verdict(told: system.Seen, answer: dict[str, Any] | None) -> None:
    """One sentence before all figures."""
    stale = [process.kind for process in told.processes if process.state == "stale"]
    if answer is None:
        st.error("The server does not answer: no call can be held.", icon=":material/error:")
    elif answer["status"] != "ok":
        st.error("Calls cannot be held now; the components say why.", icon=":material/error:")
    elif stale:
        st.warning(
            f"Silent without having left: {', '.join(sorted(set(stale)))}.",
            icon=":material/warning:",
        )
    else:
        st.success("Calls can be held.", icon=":material/check_circle:")


def _figures(told: system.Seen, home: Disk) -> None:
    alive = sum(process.state == "alive" for process in told.processes)
    expected = sum(process.state != "stopped" for process in told.processes)
    work = told.work
    figures = (
        ("Processes alive", f"{alive:,}", f"of {expected:,} that have not left"),
        ("Database", f"{told.latency_ms:.1f} ms", "to answer this page, n = 1"),
        ("Disk free", f"{home.free_share:.0%}", f"{home.free_bytes / 1e9:,.1f} GB of the home's"),
        ("Live calls", f"{work.live:,}", "attempts that have not ended"),
        ("Errors, 1 h", f"{work.failed:,}", f"of {work.ended:,} attempts that ended"),
    )
    for column, (label, value, about) in zip(st.columns(5, gap="small"), figures, strict=True):
        with column.container(border=True, height="stretch"):
            st.metric(label, value)
            st.caption(about)


def _processes(found: list[system.Process]) -> None:
    with st.container(border=True):
        st.markdown("**Processes**", help="Each says every 2 s that it lives and how it is.")
        st.caption(f"n = {len(found):,} of the last day; one that is silent for 10 s is stale")
        if not found:
            components.empty("No process has registered; start `voice-ai up`.")
            return
        rows = pd.DataFrame([_row(process) for process in found]).astype({"Threads": "Int64"})
        busiest = max(100.0, rows["CPU"].max()) if rows["CPU"].notna().any() else 100.0
        largest = max(100.0, rows["Memory"].max()) if rows["Memory"].notna().any() else 100.0
        st.dataframe(
            with_dots(rows),
            hide_index=True,
            width="stretch",
            height=min(38 + 35 * len(rows), 430),
            column_config={
                "Threads": st.column_config.NumberColumn(format="%d"),
                "CPU": st.column_config.ProgressColumn(
                    "CPU, % of one core", format="%.0f %%", min_value=0, max_value=busiest
                ),
                "Memory": st.column_config.ProgressColumn(
                    "Memory", format="%.0f MB", min_value=0, max_value=largest
                ),
            },
        )


def _row(process: system.Process) -> dict[str, Any]:
    vitals = process.vitals if process.state == "alive" else {}
    memory = vitals.get("rss_bytes")
    return {
        "Process": process.kind,
        "State": process.state,
        "CPU": vitals.get("cpu_percent"),
        "Memory": None if memory is None else memory / _MB,
        "Threads": vitals.get("threads"),
        "Up for": span(process.up_s),
        "Last heartbeat": f"{span(process.silent_s)} ago",
        "Machine": process.host,
        "Process id": process.pid,
    }


def span(seconds: float) -> str:
    """A time in its largest unit: `3 d`, `2 h`, `5 min`, `40 s`."""
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit}"
    return f"{max(0.0, seconds):.0f} s"


def _components(answer: dict[str, Any] | None, url: str) -> None:
    with st.container(border=True):
        st.markdown("**Components**", help="What the server says of itself and what it uses.")
        if answer is None:
            components.empty(f"No server answers at {url}; start `voice-ai server`.")
            return
        mode = "a rehearsal" if answer.get("rehearsal") else "live calls"
        st.caption(f"The server at {url}, version {answer.get('version', '?')}, {mode}")
        rows = pd.DataFrame(
            [
                {
                    "Component": name.replace("_", " "),
                    "State": part.get("state", "ok" if part["ok"] else "down"),
                    "Reason": part["reason"],
                }
                for name, part in answer["components"].items()
            ]
        )
        st.dataframe(
            with_dots(rows),
            hide_index=True,
            width="stretch",
            height=38 + 35 * len(rows),
            column_config={"Reason": st.column_config.TextColumn(width="large")},
        )


page()
