"""The help of the command line: commands by task, an example for each, a guess at a misspelling."""

import difflib
from collections.abc import Iterable, Mapping

from rich.console import Console
from rich.table import Table

TASKS: Mapping[str, tuple[str, ...]] = {
    "Run": ("up", "demo", "generate", "app", "server", "dialer", "simulator"),
    "Campaigns": ("campaign", "script", "policy", "report", "reports", "switch"),
    "Leads": ("import", "leads", "dnc", "consent"),
    "Calls": ("calls",),
    "Analysis": ("lake", "experiment", "export", "notebook"),
    "Models": ("models",),
    "Operate": ("health", "carrier", "flows", "db", "completion", "docs"),
}
_OTHERS = "Operate"

EXAMPLES: Mapping[str, str] = {
    "up": "voice-ai up --no-demo",
    "demo": "voice-ai demo --leads leads.csv --calls 50 --report report.html",
    "generate": "voice-ai generate --calls 20000 --seed 7",
    "app": "voice-ai app --port 8501",
    "server": "voice-ai server --port 3000",
    "dialer": "voice-ai dialer --metrics-port 9102",
    "simulator": "voice-ai simulator --seed 7 --faults mild",
    "campaign": 'voice-ai campaign start "Spring survey" --reason "approved by Ana"',
    "script": "voice-ai script check survey.yaml",
    "policy": "voice-ai policy explain --state FL --at 2026-11-24T19:00:00-05:00",
    "report": 'voice-ai report "Spring survey" --out spring.html',
    "reports": "voice-ai reports build compliance --send",
    "import": "voice-ai import leads.csv --list spring --dry-run",
    "leads": "voice-ai leads rejects 5f0c… --out refused.csv",
    "dnc": 'voice-ai dnc check "+1 212 555 0100"',
    "consent": "voice-ai consent revoke +12125550100 --all",
    "switch": 'voice-ai switch set global --reason "complaints about the script"',
    "calls": "voice-ai calls list --campaign 'Spring survey' --outcome goal",
    "models": "voice-ai models status",
    "lake": 'voice-ai lake sql "SELECT disposition, count(*) FROM attempts GROUP BY ALL"',
    "experiment": "voice-ai experiment plan --baseline .12 --effect .03",
    "export": "voice-ai export attempts --out attempts.parquet",
    "notebook": "voice-ai notebook",
    "health": "voice-ai health --watch",
    "carrier": "voice-ai carrier limits --max-concurrent 20 --cps 1",
    "flows": "voice-ai flows ask build-report 'campaign=Spring survey' --wait",
    "db": "voice-ai db upgrade",
    "completion": "voice-ai completion bash --install",
    "docs": "voice-ai docs events --out docs/events.md",
}


def example_of(name: str) -> str:
    return f"Example: {EXAMPLES.get(name, f'voice-ai {name} --help')}"


def by_task(names: Iterable[str]) -> dict[str, list[str]]:
    """The names in their tasks; one that no task names is there for operating."""
    known = list(names)
    grouped = {task: [name for name in members if name in known] for task, members in TASKS.items()}
    placed = {name for members in grouped.values() for name in members}
    grouped[_OTHERS] += [name for name in known if name not in placed]
    return grouped


def did_you_mean(word: str, names: Iterable[str]) -> str | None:
    """A sentence with the nearest names; None when none is near."""
    near = difflib.get_close_matches(word.lower(), list(names), n=2, cutoff=0.6)
    return f"did you mean {' or '.join(map(repr, near))}?" if near else None


def show_help(purposes: Mapping[str, str]) -> None:
    console = Console()
    console.print("[bold]voice-ai[/] — outbound AI phone campaigns you can trust the numbers of")
    width = max(map(len, purposes))
    for task, names in by_task(purposes).items():
        console.print(f"\n[bold]{task}[/]")
        table = Table(show_header=False, box=None, padding=(0, 2))
        table.add_column(min_width=width)
        for name in names:
            table.add_row(f"[cyan]{name}[/]", purposes[name])
        console.print(table)
    console.print(
        "\n[bold]Examples[/]"
        "\n  voice-ai up                                        everything, as a rehearsal"
        "\n  voice-ai demo --leads leads.csv --calls 50         a campaign without pages"
        '\n  voice-ai campaign pause "Spring survey"            no more calls, live ones go on'
        "\n  voice-ai health                                    what runs, and how it is"
        "\n  voice-ai completion bash --install                 complete words with Tab"
        "\n\nEvery command explains itself with --help and answers one JSON object with --json.",
        highlight=False,
        soft_wrap=True,
    )
