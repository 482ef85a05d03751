"""`voice-ai script …`: check a script, draw it, talk to it, run its written conversations."""

import importlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Literal

import typer

from voice_ai.campaigns import check_campaign, script_slots
from voice_ai.command_database import AsJson, answer, database
from voice_ai.conversation.draw import dot, mermaid
from voice_ai.conversation.scenarios import Result, read_scenarios, run_scenarios
from voice_ai.conversation.script import Script, builtin_scripts, check_script, load_script
from voice_ai.conversation.trial import Exchange, Trial, begin_trial, hear
from voice_ai.errors import BadInput, NotFound
from voice_ai.store import campaign_versions as stored
from voice_ai.store import campaigns as store

# What a script is tried with when no campaign gives it values.
_SAMPLE_SLOTS = {"seller": "Example Company", "callback_number": "+18005550100"}
app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help="Call scripts: check, draw, talk to one, run its written conversations.",
)
What = Annotated[str, typer.Argument(help="A built-in script or a script file.")]


@app.command()
def check(
    files: Annotated[list[str], typer.Argument(help="Script files, or names of built-in ones.")],
    as_json: AsJson = False,
) -> None:
    """Say everything that is wrong, with file, line and field; ends with 1 when anything is.

    Example: voice-ai script check survey.yaml
    """
    told, wrong = [], 0
    for name in files:
        script, faults = check_script(_text(name), source=name)
        wrong += len(faults)
        told.append({"script": name, "faults": [fault.message for fault in faults]})
        if not as_json:
            for fault in faults:
                print(fault.message)
            if script is not None:
                print(f"{name}: sound; {_counted(script)}")
    if as_json:
        print(json.dumps({"scripts": told, "faults": wrong}))
    if wrong:
        raise typer.Exit(1)


def _counted(script: Script) -> str:
    goals = sum(node.goal for node in script.nodes.values())
    questions = sum(node.ask is not None for node in script.nodes.values())
    counted = f"{len(script.nodes)} nodes, {questions} questions, {goals} of them reach the goal"
    arms = len(script.experiment.arms) if script.experiment else 0
    languages = sorted({language for _, language in script.wordings if language is not None})
    said = f"; {arms} arms" if arms else ""
    return counted + said + (f"; also in {', '.join(languages)}" if languages else "")


@app.command()
def draw(
    what: What,
    form: Annotated[
        Literal["mermaid", "dot"], typer.Option("--form", help="For Mermaid or for Graphviz.")
    ] = "mermaid",
    out: Annotated[Path | None, typer.Option(help="A file instead of standard output.")] = None,
    as_json: AsJson = False,
) -> None:
    """The script as a graph; a campaign's page draws the same picture.

    Example: voice-ai script draw survey.yaml --form dot | dot -Tsvg > survey.svg
    """
    script = load_script(_text(what), source=what)
    picture = mermaid(script) if form == "mermaid" else dot(script)
    if out is None:
        answer({"script": what, "form": form, "picture": picture}, picture, as_json=as_json)
        return
    out.write_text(picture, encoding="utf-8")
    answer({"script": what, "file": str(out)}, f"{out} is written.", as_json=as_json)


@app.command("test")
def run_conversations(
    files: Annotated[list[Path], typer.Argument(help="Files with conversations.", exists=True)],
    as_json: AsJson = False,
) -> None:
    """Run written conversations: what is heard, what must be said, how it ends (docs/scripts.md).

    Nothing is dialed. Those that say how long something may take are held in virtual time by the
    session of a real call. Ends with 1 when one goes otherwise than it is written.

    Example: voice-ai script test survey.scenarios.yaml
    """
    results = [result for file in files for result in _results(file)]
    wrong = [result for result in results if result.faults]
    if as_json:
        told = [
            {"name": one.name, "faults": [fault.message for fault in one.faults]} for one in results
        ]
        print(json.dumps({"scenarios": told, "wrong": len(wrong)}))
    else:
        for result in results:
            print(f"{'WRONG' if result.faults else 'ok':6}{result.name}")
            for fault in result.faults:
                print(f"      {fault.message}")
        print(f"{len(results)} conversations, {len(wrong)} go otherwise than they are written.")
    if wrong:
        raise typer.Exit(1)


def _results(file: Path) -> list[Result]:
    scenarios = read_scenarios(read_file(file), source=str(file))
    name = scenarios.scenarios.script
    beside = file.parent / name
    text = read_file(beside) if beside.is_file() else _text(name)
    # By its name, like the commands of other houses: only the dialer can hold a call in time.
    run_timed = importlib.import_module("dialer.virtual.timed").run_timed
    return list(run_scenarios(scenarios, load_script(text, source=name), run_timed))


@app.command("try")
def try_script(
    what: Annotated[str, typer.Argument(help="A built-in script, a script file, or a campaign.")],
    say: Annotated[
        list[str] | None, typer.Option("--say", help="What the callee says; may be repeated.")
    ] = None,
    arm: Annotated[str | None, typer.Option(help="Of the script's experiment.")] = None,
    language: Annotated[
        str | None, typer.Option(help="One that the script is translated to.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Hold a conversation by typing: the same machine as in a call, nothing is dialed.

    Type words, /9 for a key, /silence, /machine or /hangup.

    Example: voice-ai script try satisfaction_survey
             voice-ai script try Spring --say yes --say "call me tomorrow"
    """
    trial = _trial_of(what, arm, language)
    if say or as_json:
        for words in say or []:
            if not trial.over:
                trial = hear(trial, words)
        _print_trial(what, trial, as_json=as_json)
        return
    _print_exchange(trial.exchanges[0])
    while not trial.over and (words_typed := _typed()) is not None:
        try:
            trial = hear(trial, words_typed)
        except BadInput as error:
            print(error.message)
            continue
        _print_exchange(trial.exchanges[-1])


def _typed() -> str | None:
    try:
        return input("you> ")
    except EOFError:
        return None


def _trial_of(what: str, arm: str | None, language: str | None) -> Trial:
    """Raises NotFound, BadInput."""
    if what in builtin_scripts() or Path(what).is_file():
        script = load_script(_text(what), source=what)
        return begin_trial(script, dict(_SAMPLE_SLOTS), arm=arm, language=language)
    with database() as (context, db):
        campaign_id = store.find_campaign(db, what)["id"]
        kept = stored.stored_version(db, context.keyring, campaign_id)
    config = check_campaign(kept.data, kept.script_text).config
    slots = {**_SAMPLE_SLOTS, **script_slots(config)}
    script = load_script(kept.script_text, source=kept.data["script"])
    return begin_trial(script, dict(slots), arm=arm, language=language)


def _print_trial(what: str, trial: Trial, *, as_json: bool) -> None:
    if as_json:
        exchanges = [asdict(exchange) for exchange in trial.exchanges]
        print(
            json.dumps(
                {
                    "script": what,
                    "exchanges": exchanges,
                    "over": trial.over,
                    "disposition": trial.state.disposition,
                    "arm": trial.state.arm,
                    "language": trial.state.language or trial.script.language,
                }
            )
        )
        return
    for exchange in trial.exchanges:
        _print_exchange(exchange)


def _print_exchange(exchange: Exchange) -> None:
    if exchange.heard is not None:
        print(f"  {exchange.heard or '(silence)'}   [{exchange.intent or 'not understood'}]")
    for line in exchange.said or ("(goes on as it was)",):
        print(f"agent: {line}")
    print(f"       at {exchange.node}" + "".join(f"; {effect}" for effect in exchange.effects))


def _text(what: str) -> str:
    """The text of a built-in script or of a file. Raises NotFound, BadInput."""
    built_in = builtin_scripts()
    if what in built_in:
        return built_in[what]
    if not Path(what).is_file():
        names = ", ".join(built_in)
        raise NotFound(f"there is no script {what!r}: give a file, or one of {names}")
    return read_file(Path(what))


def read_file(file: Path) -> str:
    """Raises BadInput for anything but UTF-8 text."""
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput("the file cannot be read; give a YAML file in UTF-8", file=file) from error
