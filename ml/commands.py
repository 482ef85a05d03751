"""`voice-ai models …`: train, evaluate, MLflow's own pages; the rest is in `commands_lifecycle`."""

import contextlib
import os
import signal
import subprocess
from pathlib import Path
from typing import Annotated

import typer

from ml import commands_score, commands_watch
from ml.commands_lifecycle import AsJson, Name, add_lifecycle, answer, say, told_to_the_trail
from ml.commands_rollout import add_rollout
from ml.progress_bar import progress_bar
from voice_ai.errors import NotFound
from voice_ai.settings import Settings

app = typer.Typer(
    name="models",
    no_args_is_help=True,
    add_completion=False,
    help="Train, judge and deploy models.",
)

add_lifecycle(app)
app.command("score")(commands_score.score)
app.command("watch")(commands_watch.watch)
app.command("fallback")(commands_watch.fallback)
app.add_typer(commands_watch.labels_app)
add_rollout(app)

Label = Annotated[
    str | None, typer.Option(help="lead: the column with the outcome, unless it is label.")
]


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
            facts, told = train_lead(
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
        told_to_the_trail()
        answer(facts, told, as_json=as_json)
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
        *made["notes"],
        made["reason"],
    ]
    told_to_the_trail()
    answer(made, lines, as_json=as_json)


@app.command("ensure")
def ensure_models(as_json: AsJson = False) -> None:
    """Give every task a served champion; trains only what has none yet."""
    from ml.train import ensure_champions

    with progress_bar("models") as progress:
        made = ensure_champions(Settings.read(), progress)
    told_to_the_trail()
    lines = [f"{task}: version {model['version']} ({model['how']})" for task, model in made.items()]
    answer({"champions": made}, lines, as_json=as_json)


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

        facts, told = evaluate_lead(Settings.read(), data, label=label, version=version)
        answer(facts, told, as_json=as_json)
        return
    with progress_bar(f"evaluate {name}") as progress:
        judged = evaluate_version(Settings.read(), name, data, version, progress).as_json()
    lines = [
        f"{judged['task']} version {judged['version']} on {judged['n']} texts:"
        f" {_figures(judged['metrics'])}",
        *(
            f"  {label:<14} n {part['n']:>5}  recall {part['recall']:.2f}"
            for label, part in judged["slices"]["label"].items()
        ),
    ]
    if judged["unknown_labels"]:
        lines.append(f"labels the model does not know: {', '.join(judged['unknown_labels'])}")
    answer(judged, lines, as_json=as_json)


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
        say(f"the registry has pages of its own: {registry.address}")
        return
    command, environment = ui_command(registry, host=host, port=port)
    say(f"MLflow on http://{host}:{port}")
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
