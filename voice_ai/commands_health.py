"""`voice-ai health`: what runs, and how it is, with a server or without."""

import json
import time
from collections.abc import Mapping
from contextlib import ExitStack
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from voice_ai.errors import UsageError, VoiceAIError
from voice_ai.settings import Settings

if TYPE_CHECKING:
    from voice_ai.context import Context
    from voice_ai.db.connect import Db

_TIMEOUT_S = 5.0
_WATCH_S = 2.0
_COLOURS = {"ok": "green", "alive": "green", "warn": "yellow", "down": "red", "stale": "red"}


def health(
    watch: Annotated[bool, typer.Option("--watch", help="Look again every 2 s.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Every process, the server's own answer, disk and queues; exit 1 when calls cannot be held.

    Example: voice-ai health --watch
    """
    if watch and as_json:
        raise UsageError("--watch is for people; call --json as often as you like")
    with ExitStack() as stack:
        place = _Place(stack)
        if watch:
            _watch(place)
        answer = place.look()
        if as_json:
            print(json.dumps(answer, default=str))
        else:
            Console().print(_shown(answer))
    if answer["status"] != "ok":
        raise typer.Exit(1)


class _Place:
    """The home that is looked at; its database stays open between two looks."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self._settings = Settings.read()
        self._open: tuple[Context, Db] | None = None

    def look(self) -> dict[str, Any]:
        """The server's own answer with what this command sees for itself."""
        from voice_ai.vitals import disk_of

        url = self._settings.public_url
        server = _ask_server(url)
        disk = disk_of(self._settings.home)
        answer: dict[str, Any] = {"status": "unavailable", "components": {}} | (server or {})
        answer["server"] = {"url": url, "answers": server is not None}
        answer["disk"] = {
            "state": disk.state,
            "reason": disk.sentence(),
            "free_bytes": disk.free_bytes,
        }
        return answer | self._database()

    def _database(self) -> dict[str, Any]:
        from psycopg import OperationalError

        nothing: dict[str, Any] = {"processes": [], "queue": None}
        try:
            if self._open is None:
                self._open = self._connect()
            if self._open is None:
                reason = "the embedded database is not running; start `voice-ai up`"
                return {"database": {"ok": False, "reason": reason}, **nothing}
            return _read(*self._open)
        except VoiceAIError as error:
            return {"database": {"ok": False, "reason": error.message}, **nothing}
        except OperationalError as error:
            self._open = None
            reason = f"the database does not answer ({str(error).splitlines()[0]})"
            return {"database": {"ok": False, "reason": reason}, **nothing}

    def _connect(self) -> "tuple[Context, Db] | None":
        """None when that would start an embedded database that nobody uses."""
        from voice_ai.context import database_runs, open_context
        from voice_ai.db import connect

        if not database_runs(self._settings):
            return None
        context = self._stack.enter_context(open_context())
        db = connect(context.role_url("app"), name="voice-ai health", autocommit=True)
        return context, self._stack.enter_context(db)


def _ask_server(url: str) -> dict[str, Any] | None:
    import httpx

    try:
        body = httpx.get(f"{url}/api/health", timeout=_TIMEOUT_S, trust_env=False).json()
    except (httpx.HTTPError, ValueError):
        return None
    return body if isinstance(body, dict) and "components" in body else None


def _read(context: "Context", db: "Db") -> dict[str, Any]:
    from voice_ai.db import queries
    from voice_ai.store.workers import processes

    started = time.perf_counter()
    now = context.clock.now()
    told = db.execute(queries("health").standing, {"now": now}).fetchone()
    latency = round((time.perf_counter() - started) * 1000, 1)
    assert told is not None
    queue: dict[str, Any] = {}
    for name, oldest in (("commands", "command"), ("flow_requests", "flow_request")):
        since = told[f"oldest_{oldest}"]
        queue[name] = told[name]
        queue[f"oldest_{oldest}_s"] = None if since is None else (now - since).total_seconds()
    return {
        "database": {
            "ok": True,
            "reason": "answers",
            "latency_ms": latency,
            "bytes": told["bytes"],
        },
        "processes": processes(db),
        "queue": queue,
    }


def _watch(place: _Place) -> None:
    """Until Ctrl-C."""
    from rich.live import Live

    with Live(_shown(place.look()), auto_refresh=False) as live:
        while True:
            time.sleep(_WATCH_S)
            live.update(_shown(place.look()), refresh=True)


def _shown(answer: Mapping[str, Any]) -> RenderableType:
    return Group(*_verdict(answer), _process_table(answer["processes"]), _component_table(answer))


def _verdict(answer: Mapping[str, Any]) -> list[Text]:
    server, database = answer["server"], answer["database"]
    if not server["answers"]:
        said = f"No server answers at {server['url']}: no call can be held."
        hint = "Start `voice-ai up` or `voice-ai server`, or set VOICE_AI_PUBLIC_URL."
        lines = [Text(said, "bold red"), Text(hint)]
    elif answer["status"] != "ok":
        lines = [Text("Calls cannot be held now; the components say why.", "bold red")]
    else:
        kind = "rehearsal" if answer["rehearsal"] else "live calls"
        lines = [Text(f"Calls can be held ({kind}, version {answer['version']}).", "bold green")]
    if not database["ok"]:
        lines.append(Text(f"Database: {database['reason']}", "red"))
    return lines


def _process_table(rows: list[dict[str, Any]]) -> RenderableType:
    if not rows:
        return Text("No process has registered during the last day.", "dim")
    table = Table("Process", "State", "Machine", title="Processes", title_justify="left")
    for name in ("Pid", "Up", "CPU", "Memory", "Heartbeat"):
        table.add_column(name, justify="right")
    for row in rows:
        vitals = (row["vitals"] or {}) if row["state"] == "alive" else {}
        memory, cpu = vitals.get("rss_bytes"), vitals.get("cpu_percent")
        table.add_row(
            row["kind"],
            _dot(row["state"]),
            row["host"],
            str(row["pid"]),
            span(row["up_s"]),
            "–" if cpu is None else f"{cpu:.0f} %",
            "–" if memory is None else f"{memory / 1e6:,.0f} MB",
            f"{span(row['silent_s'])} ago",
        )
    return table


def _component_table(answer: Mapping[str, Any]) -> RenderableType:
    table = Table("Component", "State", "Reason", title="Components", title_justify="left")
    for name, part in answer["components"].items():
        state = part.get("state") or ("ok" if part["ok"] else "down")
        table.add_row(name.replace("_", " "), _dot(state), part["reason"])
    if not answer["components"]:
        disk, queue = answer["disk"], answer["queue"]
        table.add_row("disk", _dot(disk["state"]), disk["reason"])
        if queue is not None:
            waiting = f"{queue['commands']} commands, {queue['flow_requests']} flow requests open"
            table.add_row("queue", _dot("ok"), waiting)
    return table


def _dot(state: str) -> Text:
    return Text(f"● {state}", _COLOURS.get(state, "dim"))


def span(seconds: float) -> str:
    """A time in its largest unit: `3 d`, `2 h`, `5 min`, `40 s`."""
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit}"
    return f"{max(0.0, seconds):.0f} s"
