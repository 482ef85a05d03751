"""`voice-ai demo`: a whole campaign from a lead file, headless."""

import json
from pathlib import Path
from typing import Annotated

import typer


def demo(
    leads: Annotated[Path, typer.Option(help="The lead file: CSV, TSV, XLSX or Parquet.")],
    calls: Annotated[int, typer.Option(min=1, help="Calls that the simulator must accept.")] = 50,
    seed: Annotated[int, typer.Option(help="The same seed gives the same campaign.")] = 7,
    report: Annotated[Path | None, typer.Option(help="Where the HTML report goes.")] = None,
    faults: Annotated[str, typer.Option(help="Faults of the carrier: none, mild, rough.")] = "none",
    as_json: Annotated[bool, typer.Option("--json", help="The result as one JSON object.")] = False,
) -> None:
    """Import a file, call its leads in the simulator, hear and answer them, write the report.

    Example: voice-ai demo --leads leads.csv --calls 50 --report demo.html
    """
    from pipelines.demo import run_demo

    result = run_demo(leads, calls=calls, seed=seed, report=report, faults=faults)
    if as_json:
        print(json.dumps(result.as_json()))
        return
    print(result.in_words())
