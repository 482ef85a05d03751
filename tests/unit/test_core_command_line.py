"""The command line: quick to help, one JSON object, 0 done, 1 a reasoned no, 2 wrong usage."""

import ast
import importlib.util
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from voice_ai.__main__ import COMMANDS, Entry, main, run
from voice_ai.command_help import EXAMPLES, TASKS, by_task, did_you_mean
from voice_ai.commands_completion import script_for, words
from voice_ai.errors import BadInput, UsageError, VoiceAIError

HEAVY = {
    "duckdb",
    "elevenlabs",
    "mlflow",
    "pandas",
    "polars",
    "prefect",
    "psycopg",
    "sklearn",
    "sqlalchemy",
    "streamlit",
    "twilio",
}


def modules_after(*words: str) -> set[str]:
    """The top-level packages that a fresh process has loaded when the command has answered."""
    program = (
        "import sys\nfrom voice_ai.__main__ import main\n"
        "try:\n    main(sys.argv[1:])\n"
        "finally:\n    print(*{name.split('.')[0] for name in sys.modules}, file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *words], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return set(done.stderr.splitlines()[-1].split())


def test_help_loads_no_heavy_library() -> None:
    assert not modules_after("--help") & HEAVY


def test_help_of_campaigns_loads_none_of_the_analytics() -> None:
    light = {"psycopg", "sqlalchemy"}
    assert not modules_after("campaign", "--help") & (HEAVY - light)


@pytest.mark.parametrize(("name", "entry"), COMMANDS.items(), ids=list(COMMANDS))
def test_every_command_is_where_the_list_says(name: str, entry: Entry) -> None:
    spec = importlib.util.find_spec(entry.module)
    assert spec is not None, f"{name}: there is no module {entry.module}"
    assert spec.origin is not None
    tree = ast.parse(Path(spec.origin).read_text(encoding="utf-8"))
    defined = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    defined |= {
        target.id
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    assert entry.target in defined


@pytest.mark.parametrize(
    ("words", "code"),
    [([], 2), (["--help"], 0), (["-h"], 0), (["help"], 0), (["--version"], 0), (["nope"], 2)],
)
def test_the_root_ends_with_the_right_code(
    words: list[str], code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == code
    said = capsys.readouterr()
    assert said.out or said.err


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    said = capsys.readouterr().out
    assert all(name in said for name in COMMANDS)


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["campaign", "--help"], 0),
        (["campaign"], 2),
        (["campaign", "nope"], 2),
        (["campaign", "create"], 2),
        (["campaign", "create", "--file"], 2),
        (["campaign", "show"], 2),
        (["campaign", "start", "one", "--nope"], 2),
        (["db", "--help"], 0),
        (["db"], 2),
        (["docs", "events", "--help"], 0),
    ],
)
def test_wrong_words_are_usage_errors(
    words: list[str], code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(words[0], words[1:]) == code
    said = capsys.readouterr()
    assert "Traceback" not in said.out + said.err


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["campaign", "create", "--file", "no-such-file.yaml"], 1),
        (["campaign", "emergency-stop"], 2),
        (["campaign", "emergency-stop", "one", "--all"], 2),
        (["nope"], 2),
    ],
)
def test_a_no_is_one_line_and_with_json_one_object(
    words: list[str], code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(words[0], words[1:]) == code
    said = capsys.readouterr()
    assert said.out == ""
    (line,) = said.err.splitlines()
    assert run(words[0], [*words[1:], "--json"]) == code
    said = capsys.readouterr()
    answer = json.loads(said.out)
    assert answer["exit_code"] == code
    assert line == f"voice-ai {words[0]}: {answer['error']}" == said.err.rstrip("\n")


@pytest.mark.parametrize("command", [["db", "url"], ["db", "upgrade"], ["campaign", "list"]])
@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("postgresql://u:hunter2@127.0.0.1:1/x", "the database does not answer"),
        ("postgresql://u:hunter2@/x?host=/no/such/folder", "the database does not answer"),
        ("hunter2", "DATABASE_URL"),
        ("postgresql://u:hunter2@127.0.0.1:1/x?colour=red", "the database does not answer"),
    ],
)
def test_a_database_out_of_reach_is_one_line_without_its_password(
    command: list[str],
    url: str,
    sentence: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("DATABASE_URL", url)
    assert run(command[0], [*command[1:], "--json"]) == 1
    said = capsys.readouterr()
    assert len(said.err.splitlines()) == 1
    answer = json.loads(said.out)
    assert sentence in answer["error"]
    assert "DATABASE_URL" in answer["error"]
    assert "hunter2" not in said.out + said.err


def test_a_home_that_cannot_be_made_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("VOICE_AI_HOME", str(tmp_path / "file" / "home"))
    assert run("db", ["url"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "VOICE_AI_HOME" in line


def test_the_event_page_is_written_where_asked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "new" / "events.md"
    assert run("docs", ["events", "--out", str(page)]) == 0
    assert page.read_text().startswith("# Events of a call")
    assert str(page) in capsys.readouterr().out.replace("\n", "")


def test_an_error_says_where_before_it_says_what() -> None:
    assert BadInput("wrong", file="a.csv", line=3, field="phone").message == (
        "a.csv:3, field phone: wrong"
    )
    assert BadInput("wrong", field="phone").message == "field phone: wrong"
    assert BadInput("wrong", line=3).message == "3: wrong"
    assert BadInput("wrong").message == "wrong"
    assert (VoiceAIError("x").exit_code, UsageError("x").exit_code) == (1, 2)


def test_every_command_has_its_task_and_its_example() -> None:
    assert {name for names in TASKS.values() for name in names} >= set(COMMANDS) == set(EXAMPLES)
    assert by_task(["up", "brand-new"])["Operate"] == ["brand-new"]


@pytest.mark.parametrize("name", COMMANDS)
def test_help_of_a_command_teaches_by_example(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(name, ["--help"]) == 0
    assert "Example: voice-ai" in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize(
    ("word", "sentence"),
    [("helth", "did you mean 'health'?"), ("Campain", "did you mean 'campaign'?"), ("xyzzy", None)],
)
def test_a_misspelt_command_is_guessed(word: str, sentence: str | None) -> None:
    assert did_you_mean(word, COMMANDS) == sentence


def completed(*typed: str) -> set[str]:
    """What bash offers after these words."""
    script = script_for("bash", words())
    line = " ".join(f"'{word}'" for word in ("voice-ai", *typed))
    program = (
        f"{script}\nCOMP_WORDS=({line}); COMP_CWORD={len(typed)}; _voice_ai"
        '\nprintf "%s\\n" "${COMPREPLY[@]}"'
    )
    done = subprocess.run(
        ["bash", "--norc", "-c", program], capture_output=True, text=True, timeout=60
    )
    assert done.stderr == ""
    return set(done.stdout.split())


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash")
def test_bash_completes_commands_subcommands_and_options() -> None:
    assert completed("cam") == {"campaign"}
    assert {"start", "pause", "emergency-stop"} <= completed("campaign", "")
    assert completed("campaign", "start", "--rea") == {"--reason"}
    assert completed("health", "--w") == {"--watch"}


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells_can_read_their_script(shell: str) -> None:
    script = script_for(shell, words())
    assert "emergency-stop" in script
    program = shutil.which(shell)
    if program is None:
        pytest.skip(f"{shell} is not installed")
    done = subprocess.run([program, "-n", "-c", script], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_completion_is_installed_where_the_shell_looks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert run("completion", ["bash", "--install", "--json"]) == 0
    path = Path(json.loads(capsys.readouterr().out)["file"])
    assert path.is_relative_to(tmp_path)
    assert "complete -o filenames -F _voice_ai voice-ai" in path.read_text()
    assert run("completion", ["tcsh"]) == 2
