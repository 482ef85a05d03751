"""`voice-ai report CAMPAIGN --out FILE`."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from voice_ai.errors import UsageError

if TYPE_CHECKING:  # polars and duckdb load only when a report is made
    from pipelines.report.make import Ask, Made
    from pipelines.report_kinds import Kind
    from voice_ai.context import Context


def report(
    campaign: Annotated[
        str | None, typer.Argument(help="Name or id of the campaign (campaign, interim).")
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", help="HTML file to write.")] = None,
    kind: Annotated[
        str, typer.Option(help="campaign, interim, daily, model or compliance.")
    ] = "campaign",
    as_of: Annotated[
        str | None,
        typer.Option("--as-of", metavar="MOMENT", help="From the lake as it was then."),
    ] = None,
    commit: Annotated[int | None, typer.Option(help="From this commit of the lake.")] = None,
    pdf: Annotated[
        bool, typer.Option("--pdf", help="A PDF beside it; needs chromium or chrome on PATH.")
    ] = False,
    calls: Annotated[
        Path | None,
        typer.Option("--calls", help="compliance: CSV file of who was called why, a line a dial."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Write a report as one self-contained HTML file.

    It is built from a commit of the lake: a new one, with every call that has ended, or that of
    --as-of or --commit. The same commit gives the same bytes.

    Examples:

      voice-ai report "Spring survey" --out spring.html

      voice-ai report --kind compliance --as-of 2026-11-30T00:00:00-05:00 --out november.html
      --calls november.csv
    """
    if out is None:
        raise UsageError("name the file to write, as in --out report.html")
    from voice_ai.context import open_context

    chosen = kind_of(kind)
    if calls is not None and chosen != "compliance":
        raise UsageError("--calls goes with --kind compliance")
    with open_context() as context:
        answer, said = _built(context, ask_of(chosen, campaign, as_of, commit), out, calls)
    if pdf:
        from pipelines.report.pdf import write_pdf

        answer["pdf"] = str(write_pdf(out, out.with_suffix(".pdf")))
    print(json.dumps({"out": str(out), **answer}) if as_json else said)


def kind_of(word: str) -> "Kind":
    """Raises UsageError naming the kinds."""
    from pipelines.report_kinds import KINDS

    for kind in KINDS:
        if kind == word:
            return kind
    raise UsageError(f"there is no kind of report {word!r}; there are {', '.join(KINDS)}")


def ask_of(kind: "Kind", campaign: str | None, as_of: str | None, commit: int | None) -> "Ask":
    """Raises BadInput for a moment without an offset."""
    from pipelines.report.make import Ask, moment_of_words

    return Ask(kind, campaign, commit, None if as_of is None else moment_of_words(as_of))


def _built(
    context: "Context", ask: "Ask", out: Path, calls: Path | None
) -> tuple[dict[str, Any], str]:
    from pipelines.lake.store import open_store
    from pipelines.report.export import write_calls
    from pipelines.report.make import lake_of, make
    from pipelines.report.write import write_text

    store = open_store(context.settings.lake_url, context.settings.home)
    source = lake_of(context.role_url("flows"), store, ask, now=context.clock.now())
    made = make(context.role_url("flows"), source, ask, rehearsal=context.rehearsal)
    write_text(made.html, out)
    answer = described(made)
    said = f"{made.title}, from commit {made.scope.commit} of the lake, in {out}"
    if calls is not None:
        answer["calls"] = str(calls)
        answer["dials"] = write_calls(source.lake, made.facts, made.scope, calls)
        said += f"; {answer['dials']:,} dials in {calls}"
    return answer, said


def described(made: "Made") -> dict[str, Any]:
    """A report as the command answers with it: what it says, and which commit it is from."""
    return {**made.data, "kind": made.kind, "title": made.title, "commit": made.scope.commit}
