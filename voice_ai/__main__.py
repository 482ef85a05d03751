"""The one command line. Each command's package is loaded only when the command is given."""

import importlib
import json
import sys
from collections.abc import Sequence
from typing import NamedTuple

import typer

from voice_ai import __version__
from voice_ai.command_help import did_you_mean, example_of, show_help
from voice_ai.errors import UsageError, VoiceAIError
from voice_ai.processes import die_with_parent


class Entry(NamedTuple):
    """Where a command lives and what it is for. `target` is a function or a typer app."""

    module: str
    target: str
    purpose: str


COMMANDS: dict[str, Entry] = {
    "up": Entry("pipelines.commands_up", "up", "Start everything, with the sample campaign"),
    "demo": Entry("pipelines.commands_demo", "demo", "A whole campaign from a lead file, headless"),
    "generate": Entry("pipelines.commands_generate", "generate", "A made-up history, from a seed"),
    "import": Entry("pipelines.commands", "import_file", "Import a lead file into a list"),
    "leads": Entry("pipelines.commands_leads", "app", "Lists, imports, one lead, never call again"),
    "dnc": Entry("pipelines.commands_dnc", "app", "Do not call: numbers, files, outside lists"),
    "consent": Entry("voice_ai.commands_consent", "app", "Record consent, look, take it back"),
    "campaign": Entry("voice_ai.commands_campaign", "app", "Create, start, pause, drain, show …"),
    "script": Entry("voice_ai.commands_script", "app", "Check, draw, try and test call scripts"),
    "switch": Entry("voice_ai.commands_switch", "app", "Kill switches, read at every dial"),
    "policy": Entry("voice_ai.commands_policy", "app", "The rules of calling, and why they say no"),
    "calls": Entry("voice_ai.commands_calls", "app", "Live calls, ended calls, one call, audio"),
    "report": Entry("pipelines.commands_report", "report", "A report as HTML, of five kinds"),
    "reports": Entry("pipelines.commands_reports", "app", "The archive: list, build, send again"),
    "lake": Entry("pipelines.commands_lake", "app", "Finished calls as Parquet: sync, verify, SQL"),
    "experiment": Entry(
        "pipelines.commands_experiment", "app", "Comparing wordings: list, show, plan, stop"
    ),
    "export": Entry("pipelines.commands_lake", "export", "A table of the lake as CSV or Parquet"),
    "notebook": Entry("pipelines.commands_notebook", "notebook", "JupyterLab on the notebooks"),
    "models": Entry("ml.commands", "app", "Train, judge, register and promote models"),
    "flows": Entry("pipelines.commands_flows", "app", "Serve the flows, ask for one, look at them"),
    "carrier": Entry("voice_ai.commands_carrier", "app", "Account limits, numbers we call from"),
    "health": Entry("voice_ai.commands_health", "health", "What runs, and how it is"),
    "db": Entry("voice_ai.commands_db", "app", "The database: address, migrations"),
    "dialer": Entry("dialer.commands", "dialer", "Run a dialer worker"),
    "server": Entry("dialer.commands", "server", "Run the web and media server"),
    "simulator": Entry(
        "dialer.simulator.commands", "simulator", "Run the local carrier and speech vendor"
    ),
    "app": Entry("app.commands", "app", "Run the pages"),
    "completion": Entry("voice_ai.commands_completion", "completion", "Tab completion for a shell"),
    "docs": Entry("voice_ai.commands_docs", "app", "Write the generated pages of docs/"),
}


def main(argv: Sequence[str] | None = None) -> None:
    """Runs one command and ends the process: 0 done, 1 a reasoned no, 2 wrong usage."""
    words = list(sys.argv[1:] if argv is None else argv)
    die_with_parent()
    if not words or words[0] in {"-h", "--help", "help"}:
        show_help({name: entry.purpose for name, entry in COMMANDS.items()})
        sys.exit(0 if words else 2)
    if words[0] == "--version":
        print(f"voice-ai {__version__}")
        sys.exit(0)
    sys.exit(run(words[0], words[1:]))


def run(name: str, words: list[str]) -> int:
    try:
        if name not in COMMANDS:
            hint = did_you_mean(name, COMMANDS) or "`voice-ai --help` lists them"
            raise UsageError(f"there is no command {name!r}; {hint}")
        return _run(COMMANDS[name], name, words)
    except VoiceAIError as error:
        if "--json" in words:
            print(json.dumps({"error": error.message, "exit_code": error.exit_code}))
        print(f"voice-ai {name}: {error.message}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        return 130
    except Exception as error:
        # psycopg is not loaded for every command, so its errors are known by their home.
        if type(error).__module__.partition(".")[0] not in {"psycopg", "psycopg_pool"}:
            raise
        words_of = str(error).strip().splitlines() or [type(error).__name__]
        print(f"voice-ai {name}: the database did not go along: {words_of[0]}", file=sys.stderr)
        return 1


def _run(entry: Entry, name: str, words: list[str]) -> int:
    target = getattr(importlib.import_module(entry.module), entry.target)
    command = target
    if isinstance(target, typer.Typer):
        target.info.epilog = example_of(name)
    else:
        command = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
        told = "Example:" in (target.__doc__ or "")
        command.command(epilog=None if told else example_of(name))(target)
    try:
        command(args=words, prog_name=f"voice-ai {name}")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    return 0


if __name__ == "__main__":
    main()
