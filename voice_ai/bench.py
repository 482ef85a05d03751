"""`make bench`: every speed claim beside its limit or a peer, measured in the same run.

Prints a table and writes `.voice-ai/bench.json`: a list of `{row, ours, other, unit, ratio, target,
holds}`, with a `note` where there is more to say. Absolute figures differ from machine
to machine; only the ratios are claims.
"""

import argparse
import importlib
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Column, Table

Row = Mapping[str, Any]
# Packages measure themselves; they are named here, not imported, so that layers stay layers.
_MODULES = (
    "pipelines.bench_imports",
    "pipelines.bench_lake",
    "dialer.bench_events",
    "dialer.bench_decide",
    "dialer.bench_cycle",
    "dialer.bench_long_list",
    "dialer.bench_vad",
    "dialer.bench_answering",
    "dialer.bench_media",
    "dialer.bench_media_turns",
    "ml.bench_models",
    "ml.bench_voice",
)


def measured(only: str | None, say: Callable[[str], None]) -> Iterator[Row]:
    """The rows whose name contains `only`, as they come."""
    for name in _MODULES:
        module = importlib.import_module(name)
        if only is None or any(only in row for row in module.ROW_NAMES):
            say(f"measuring {name} …")
            yield from (row for row in module.rows() if only is None or only in row["row"])


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--row", help="only the rows whose name contains this")
    parser.add_argument("--out", type=Path, default=Path(".voice-ai/bench.json"))
    told = parser.parse_args()
    console = Console()
    rows = list(measured(told.row, Console(stderr=True).print))
    table = Table(Column("row", no_wrap=True), "ours", "other", "unit", "ratio", "target", "holds")
    for row in rows:
        table.add_row(
            row["row"],
            _figure(row["ours"]),
            _figure(row["other"]),
            row["unit"],
            "-" if row["ratio"] is None else f"{row['ratio']:.2f}",
            f"{row['target']:.2f}",
            "yes" if row["holds"] else "NO",
        )
    console.print(table)
    for row in rows:
        if "detail" in row:
            console.print(f"\n{row['row']}\n{row['detail']}\n", highlight=False)
        if "note" in row:
            console.print(f"{row['row']}: {row['note']}")
    told.out.parent.mkdir(parents=True, exist_ok=True)
    told.out.write_text(json.dumps(rows, indent=1), encoding="utf-8")
    console.print(f"{told.out} is written.")


def _figure(value: float | None) -> str:
    if value is None:
        return "not measured"
    return f"{value:,.0f}" if value >= 100 else f"{value:,.3g}"


if __name__ == "__main__":
    main()
