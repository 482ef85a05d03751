"""`voice-ai health`: what runs, and how it is."""

import json
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from voice_ai.errors import NotAvailable
from voice_ai.settings import Settings

_TIMEOUT_S = 5.0


def health(
    as_json: Annotated[bool, typer.Option("--json", help="The server's own answer.")] = False,
) -> None:
    """Ask the server how it and its components are; exit 1 when calls cannot be held."""
    import httpx

    url = f"{Settings.read().public_url}/api/health"
    try:
        answer = httpx.get(url, timeout=_TIMEOUT_S, trust_env=False)
        body: dict[str, Any] = answer.json()
    except (httpx.HTTPError, ValueError) as error:
        raise NotAvailable(
            f"no server answers at {url}; start `voice-ai up` or `voice-ai server`,"
            " or set VOICE_AI_PUBLIC_URL"
        ) from error
    if as_json:
        print(json.dumps(body))
    else:
        _show(body)
    if answer.status_code != httpx.codes.OK:
        raise NotAvailable("calls cannot be held now; the components say why")


def _show(body: dict[str, Any]) -> None:
    kind = "rehearsal" if body["rehearsal"] else "live calls"
    table = Table("Component", "State", "Reason", title=f"{body['status']} ({kind})")
    for name, component in body["components"].items():
        table.add_row(name, "ok" if component["ok"] else "not ok", component["reason"])
    Console().print(table)
