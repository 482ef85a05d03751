"""`voice-ai script`: what it prints, and how it ends."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from voice_ai.commands_script import app
from voice_ai.conversation.script import builtin_scripts

SCENARIOS = Path(__file__).parents[1] / "scenarios"
RUNNER = CliRunner()


@pytest.fixture
def survey(tmp_path: Path) -> Path:
    file = tmp_path / "survey.yaml"
    file.write_text(builtin_scripts()["satisfaction_survey"], encoding="utf-8")
    return file


def test_a_sound_script_is_called_sound(survey: Path) -> None:
    told = RUNNER.invoke(app, ["check", str(survey), "appointment_reminder"])
    assert told.exit_code == 0
    assert told.output.count("sound; 6 nodes") == 2


def test_every_fault_is_told_with_file_and_line(survey: Path) -> None:
    text = survey.read_text(encoding="utf-8")
    survey.write_text(text.replace("yes: rate,", "yes: rates,").replace("next: thanks", "next: x"))
    told = RUNNER.invoke(app, ["check", str(survey)])
    assert told.exit_code == 1
    assert f"{survey}:29, field nodes.opening.on.yes: " in told.output
    assert told.output.count("there is no node `x`") == 3
    told = RUNNER.invoke(app, ["check", str(survey), "--json"])
    assert json.loads(told.output)["faults"] == 4


def test_a_script_that_is_not_there_is_told() -> None:
    told = RUNNER.invoke(app, ["check", "nowhere"])
    assert "there is no script 'nowhere'" in str(told.exception)


def test_a_script_is_drawn_to_a_file(survey: Path) -> None:
    picture = survey.with_suffix(".mmd")
    told = RUNNER.invoke(app, ["draw", str(survey), "--out", str(picture)])
    assert told.exit_code == 0
    assert picture.read_text(encoding="utf-8").startswith("flowchart TD")
    assert "digraph" in RUNNER.invoke(app, ["draw", str(survey), "--form", "dot"]).output


def test_a_conversation_is_held_by_typing(survey: Path) -> None:
    told = RUNNER.invoke(app, ["try", str(survey)], input="yes\n/nonsense\nfive\n/hangup\n")
    assert told.exit_code == 0
    assert "there is no '/nonsense'" in told.output
    assert "rating is set to “5”" in told.output


def test_written_conversations_are_run(survey: Path) -> None:
    told = RUNNER.invoke(app, ["test", str(SCENARIOS / "booking.yaml")])
    assert told.exit_code == 0
    assert "12 conversations, 0 go otherwise" in told.output
    wrong = survey.with_suffix(".scenarios.yaml")
    wrong.write_text(
        "script: survey.yaml\nslots: {seller: A, callback_number: '+18005550100'}\n"
        "scenarios:\n  - name: one\n    steps:\n      - {heard: 'yes', at: thanks}\n"
    )
    told = RUNNER.invoke(app, ["test", str(wrong)])
    assert told.exit_code == 1
    assert f"{wrong}:6, field scenarios.0.steps.0.at" in told.output
    told = RUNNER.invoke(app, ["test", str(wrong), "--json"])
    assert json.loads(told.output)["wrong"] == 1


def test_a_conversation_is_held_in_an_arm_and_a_language() -> None:
    file = str(SCENARIOS / "bilingual.script.yaml")
    told = RUNNER.invoke(app, ["try", file, "--arm", "b", "--language", "es", "--say", "sí"])
    assert told.exit_code == 0
    assert "¿Puedo reservarle una mesa?" in told.output
    assert "¿Para cuántas personas?" in told.output
    told = RUNNER.invoke(app, ["try", file, "--arm", "b", "--json"])
    assert json.loads(told.output)["arm"] == "b"
    told = RUNNER.invoke(app, ["try", file, "--language", "fr"])
    assert "the script is not translated to 'fr'" in str(told.exception)


def test_written_conversations_are_held_in_time_too() -> None:
    told = RUNNER.invoke(app, ["test", str(SCENARIOS / "timing.yaml"), "--json"])
    assert told.exit_code == 0
    assert json.loads(told.output)["wrong"] == 0
    assert len(json.loads(told.output)["scenarios"]) == 10
