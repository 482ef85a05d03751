"""`voice-ai report CAMPAIGN --out FILE`."""

import json
from pathlib import Path
from typing import Annotated

import typer


def report(
    campaign: Annotated[str, typer.Argument(help="Name or id of the campaign.")],
    out: Annotated[Path, typer.Option("--out", help="HTML file to write.")],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Write the report of a campaign as one self-contained HTML file."""
    from pipelines.report.write import write_report
    from voice_ai.context import open_context

    with open_context() as context:
        made = write_report(context.role_url("flows"), campaign, out, context.clock.now())
    if as_json:
        print(json.dumps({"out": str(out), **made.model_dump(mode="json")}))
    else:
        print(f"{made.campaign}: {made.attempts:,} attempts, report in {out}")
