"""`voice-ai models …`: train, evaluate, register, promote, look, and MLflow's own pages."""

import contextlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from ml import commands_watch
from ml.progress_bar import progress_bar
from voice_ai.errors import NotFound
from voice_ai.settings import Settings

app = typer.Typer(
    name="models",
    no_args_is_help=True,
    add_completion=False,
    help="Train, judge and deploy models.",
)

app.command("watch")(commands_watch.watch)
app.command("fallback")(commands_watch.fallback)
app.add_typer(commands_watch.labels_app)

Name = Annotated[
    str, typer.Argument(help="The task: intent, emotion …; `voice-ai models status` lists them.")
]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")]
Label = Annotated[
    str | None, typer.Option(help="lead: the column with the outcome, unless it is label.")
]


def _say(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)


def _answer(value: dict[str, Any], lines: list[str], *, as_json: bool) -> None:
    print(json.dumps(value) if as_json else "\n".join(lines))


def _figures(metrics: dict[str, float]) -> str:
    names = ("macro_f1", "weighted_f1", "accuracy", "ece")
    return ", ".join(f"{name} {metrics[name]:.3f}" for name in names)


@app.command("train")
def train_model(
    name: Name,
    data: Annotated[
        Path | None, typer.Option(help="CSV, TSV or JSONL with columns text and label.")
    ] = None,
    seed: Annotated[int, typer.Option(help="The same seed and data give the same model.")] = 7,
    embeddings: Annotated[
        bool, typer.Option(help="Add sentence embeddings: better, slower (`make embeddings`).")
    ] = False,
    register: Annotated[bool, typer.Option(help="Make the run a version at once.")] = True,
    label: Label = None,
    keep: Annotated[
        list[str] | None, typer.Option(help="lead: a column that is known before the call.")
    ] = None,
    seller: Annotated[
        str | None, typer.Option(help="lead, without --data: whose dials to learn from.")
    ] = None,
    as_of: Annotated[
        str | None, typer.Option("--as-of", help="lead: learn only from rows up to this time.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Train, judge on held-out rows, register, and promote when the gate allows it."""
    from ml.train import train

    if name == "lead":
        from ml.table.commands import train_lead

        with progress_bar(name) as progress:
            answer, told = train_lead(
                Settings.read(),
                data=data,
                label=label,
                keep=keep or [],
                seller=seller,
                as_of=as_of,
                seed=seed,
                register=register,
                progress=progress,
            )
        _answer(answer, told, as_json=as_json)
        return
    with progress_bar(name) as progress:
        made = train(
            Settings.read(),
            name,
            data=data,
            seed=seed,
            register=register,
            options={"embeddings": embeddings},
            progress=progress,
        ).as_json()
    lines = [
        f"{made['task']} on {made['n']} held-out texts: {_figures(made['metrics'])}",
        made["reason"],
    ]
    _answer(made, lines, as_json=as_json)


@app.command("ensure")
def ensure_models(as_json: AsJson = False) -> None:
    """Give every task a served champion; trains only what has none yet."""
    from ml.train import ensure_champions

    with progress_bar("models") as progress:
        made = ensure_champions(Settings.read(), progress)
    lines = [f"{task}: version {model['version']} ({model['how']})" for task, model in made.items()]
    _answer({"champions": made}, lines, as_json=as_json)


@app.command("evaluate")
def evaluate_model(
    name: Name,
    data: Annotated[Path, typer.Option(help="CSV, TSV or JSONL with columns text and label.")],
    version: Annotated[
        str | None, typer.Option(help="A number or an alias; the newest when left out.")
    ] = None,
    label: Label = None,
    as_json: AsJson = False,
) -> None:
    """Judge a registered version on the rows of a file, label by label."""
    from ml.train import evaluate_version

    if name == "lead":
        from ml.table.commands import evaluate_lead

        answer, told = evaluate_lead(Settings.read(), data, label=label, version=version)
        _answer(answer, told, as_json=as_json)
        return
    judged = evaluate_version(Settings.read(), name, data, version).as_json()
    lines = [
        f"{name} version {judged['version']} on {judged['n']} texts: {_figures(judged['metrics'])}",
        *(
            f"  {label:<14} n {part['n']:>5}  recall {part['recall']:.2f}"
            for label, part in judged["slices"]["label"].items()
        ),
    ]
    if judged["unknown_labels"]:
        lines.append(f"labels the model does not know: {', '.join(judged['unknown_labels'])}")
    _answer(judged, lines, as_json=as_json)


@app.command("register")
def register_model(name: Name, as_json: AsJson = False) -> None:
    """Make the newest training run a version; a run that is one already keeps its number."""
    from ml.train import register_newest

    found = register_newest(Settings.read(), name)
    answer = {"task": name, "version": found.version, "gate": found.gate, "run_id": found.run_id}
    line = f"{name} version {found.version}, gate {found.gate}"
    _answer(answer, [line], as_json=as_json)


@app.command("promote")
def promote_model(name: Name, version: str, as_json: AsJson = False) -> None:
    """Make a version the champion; refused without a passed gate."""
    from ml.table.train import promote as promote_lead
    from ml.train import promote

    settings = Settings.read()
    found = promote_lead(settings, version) if name == "lead" else promote(settings, name, version)
    answer = {"task": name, "version": found.version, "aliases": list(found.aliases)}
    _answer(answer, [f"{name} version {found.version} is the champion"], as_json=as_json)


@app.command("status")
def show_status(as_json: AsJson = False) -> None:
    """What is served from this home, and what the registry knows."""
    from ml.train import status

    answer = status(Settings.read())
    lines = [f"registry: {answer['registry']}"]
    for name, standing in answer["models"].items():
        if standing["newest"] is None and standing["served"] is None:
            lines.append(f"{name}: none yet; run `voice-ai models train {name}`")
        else:
            lines.append(
                f"{name}: serving version {standing['served']}, champion {standing['champion']}, "
                f"newest {standing['newest']}"
            )
    _answer(answer, lines, as_json=as_json)


@app.command("ui")
def open_ui(
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="The port to listen on.")] = 5000,
) -> None:
    """MLflow's own pages over the registry, until Ctrl-C."""
    from ml.registry import Registry, ui_command

    registry = Registry.of(Settings.read())
    if not registry.exists:
        raise NotFound(
            "there is no model registry yet; run `voice-ai models train intent` to make one"
        )
    if registry.uri.startswith("http"):
        _say(f"the registry has pages of its own: {registry.address}")
        return
    command, environment = ui_command(registry, host=host, port=port)
    _say(f"MLflow on http://{host}:{port}")
    raise typer.Exit(_run_until_told(command, {**os.environ, **environment}))


def _run_until_told(command: list[str], environment: dict[str, str]) -> int:
    """Run a server that starts children; Ctrl-C or SIGTERM ends all of them, and is a 0."""

    def end(*_: object) -> None:
        raise KeyboardInterrupt

    server = subprocess.Popen(command, env=environment, start_new_session=True)
    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    try:
        return server.wait()
    except KeyboardInterrupt:
        return 0
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGTERM)
        server.wait()
