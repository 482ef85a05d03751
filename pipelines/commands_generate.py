"""`voice-ai generate`: a made-up history of calls, for teaching and for benchmarks."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from voice_ai.errors import Refused, UsageError

if TYPE_CHECKING:
    from pipelines.generate.plan import Ask

Count = Annotated[int | None, typer.Option(help="Campaigns; left out: one per 400,000 calls.")]


def generate(
    calls: Annotated[int, typer.Option(help="Dials in all, from 1 to 20,000,000.")],
    seed: Annotated[int, typer.Option(help="The same seed gives the same rows.")] = 7,
    to: Annotated[str, typer.Option(help="home: the database; lake: an empty lake.")] = "home",
    campaigns: Count = None,
    months: Annotated[int, typer.Option(help="Months that it covers.")] = 6,
    until: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="The day after the last one; 2026-11-01."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The result as one JSON object.")] = False,
) -> None:
    """Make up a history of calls whose truth is known: best hours, lists of different quality, a
    number that goes bad, experiments with and without an effect. docs/generate.md lists it all.

    Its rows are rehearsals and do not go away by themselves: keep them in a home of their own, and
    delete that folder when you are done.

    Example: voice-ai generate --calls 20000 --seed 7
    """
    from pipelines.generate.plan import UNTIL, Ask

    if to not in ("home", "lake"):
        raise UsageError("--to is home or lake")
    ask = Ask(calls, seed, campaigns, months, until.date() if until else UNTIL)
    rows, place = _to_lake(ask) if to == "lake" else _to_home(ask)
    if as_json:
        print(json.dumps({"to": to, "place": place, "seed": seed, "rows": rows}))
        return
    print(f"Written to {place}:")
    for name, count in sorted(rows.items()):
        print(f"  {name:<18}{count:>14,}")
    if to == "home":
        print("Bring it into the lake: voice-ai lake sync")
    print(f"To take it away again, delete {place}. It is all rehearsal: no real call is near it.")


def _to_home(ask: "Ask") -> tuple[dict[str, int], str]:
    from pipelines.generate.to_home import write
    from voice_ai.context import open_context

    with open_context() as context:
        if not context.rehearsal:
            raise Refused(
                "this home may call real people (VOICE_AI_LIVE_CALLS=yes), and made-up calls do not"
                " belong beside theirs; name a home of its own in VOICE_AI_HOME, without that"
                " variable"
            )
        with _bar(ask.calls) as done:
            written = write(context.owner_url, context.keyring, ask, done=done)
        return written.rows, str(context.settings.home)


def _to_lake(ask: "Ask") -> tuple[dict[str, int], str]:
    from datetime import UTC

    from pipelines.generate.to_lake import write
    from pipelines.lake.store import open_store
    from voice_ai.settings import Settings

    settings = Settings.read()
    if settings.live_allowed:
        raise Refused("unset VOICE_AI_LIVE_CALLS: made-up calls do not belong beside real ones")
    store = open_store(settings.lake_url, settings.home)
    with _bar(ask.calls) as done:
        written = write(store, ask, made_at=datetime.now(UTC), done=done)
    return written.rows, store.url


@contextmanager
def _bar(calls: int) -> Iterator[Callable[[int], None]]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeElapsedColumn

    with Progress(
        "calls",
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
        disable=not sys.stderr.isatty(),
    ) as bar:
        task = bar.add_task("calls", total=calls)

        def done(count: int) -> None:
            bar.advance(task, count)

        yield done
