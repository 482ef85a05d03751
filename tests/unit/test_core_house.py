"""The house rules that no linter knows: sizes, names, who may import what, nothing at import."""

import ast
import json
import re
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("app", "dialer", "ml", "pipelines", "voice_ai")
MAX_FILE_LINES = 450
MAX_FUNCTION_LINES = 50  # of the body; much of it is often one statement laid out
# Where a vendor's or a framework's library may be imported; anywhere else it may not.
HOMES = {
    "twilio": ("dialer/adapters/",),
    "elevenlabs": ("dialer/adapters/",),
    "mlflow": ("ml/registry.py",),
    "prefect": ("pipelines/flows/",),
    "streamlit": ("app/",),
}
VAGUE_NAMES = {"utils", "util", "helpers", "helper", "misc", "common", "manager", "base_utils"}


def python_files(*folders: str) -> list[Path]:
    found = [path for folder in folders for path in (ROOT / folder).rglob("*.py")]
    assert found
    return sorted(found)


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def imported(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.split(".")[0]


def is_migration(path: Path) -> bool:
    return "migrations/versions" in path.as_posix()


def test_a_file_has_one_subject_and_so_few_lines() -> None:
    long = {
        name_of(path): lines
        for path in python_files(*PACKAGES, "tests")
        if not is_migration(path)
        and (lines := len(path.read_text(encoding="utf-8").splitlines())) > MAX_FILE_LINES
    }
    assert not long


def body_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines of what the function does, without its signature and its docstring."""
    body = function.body[1:] if ast.get_docstring(function) else function.body
    return (function.end_lineno or 0) - body[0].lineno + 1 if body else 0


def test_a_function_can_be_read_at_a_glance() -> None:
    long = {
        f"{name_of(path)}:{node.name}": lines
        for path in python_files(*PACKAGES)
        if not is_migration(path)
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (lines := body_lines(node)) > MAX_FUNCTION_LINES
    }
    assert not long


def test_a_module_is_named_after_its_subject() -> None:
    vague = [name_of(p) for p in python_files(*PACKAGES, "tests") if p.stem in VAGUE_NAMES]
    assert not vague


def test_every_module_says_what_it_is() -> None:
    silent = [
        name_of(path)
        for path in python_files(*PACKAGES)
        if tree_of(path).body and ast.get_docstring(tree_of(path)) is None
    ]
    assert not silent


def test_vendors_and_frameworks_stay_where_they_live() -> None:
    strays = [
        f"{name_of(path)} imports {library}"
        for path in python_files(*PACKAGES)
        for library in sorted(set(imported(tree_of(path))) & set(HOMES))
        if not name_of(path).startswith(HOMES[library])
    ]
    assert not strays


def test_a_notebook_imports_no_dialer_and_no_vendor() -> None:
    strays = []
    for notebook in sorted((ROOT / "notebooks").rglob("*.ipynb")):
        for cell in json.loads(notebook.read_text(encoding="utf-8"))["cells"]:
            if cell["cell_type"] != "code":
                continue
            lines = [line for line in cell["source"] if not line.lstrip().startswith(("%", "!"))]
            strays += [
                f"{notebook.name} imports {library}"
                for library in imported(ast.parse("".join(lines)))
                if library in {"dialer", "twilio", "elevenlabs", "prefect", "streamlit"}
            ]
    assert not strays


def module_level(tree: ast.Module) -> Iterator[ast.AST]:
    """Every node that runs when the module is imported."""
    waiting: list[ast.AST] = list(tree.body)
    while waiting:
        node = waiting.pop()
        yield node
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if isinstance(node, ast.If) and "__main__" in ast.dump(node.test):
            continue
        waiting.extend(ast.iter_child_nodes(node))


def touches_the_world(node: ast.AST) -> bool:
    if isinstance(node, ast.Attribute) and node.attr == "environ":
        return True
    if not isinstance(node, ast.Call):
        return False
    called = node.func.attr if isinstance(node.func, ast.Attribute) else ast.unparse(node.func)
    return called in {"getenv", "connect", "open_pool", "create_engine", "Popen", "urlopen"}


def test_importing_reads_no_environment_and_opens_nothing() -> None:
    # A page of Streamlit and Alembic's entry are scripts: they are run, not imported.
    eager = [
        f"{name_of(path)}: {ast.unparse(node)}"
        for path in python_files(*PACKAGES)
        if not name_of(path).startswith(("app/views/", "app/main.py")) and path.name != "env.py"
        for node in module_level(tree_of(path))
        if touches_the_world(node)
    ]
    assert not eager


def catches_everything(handler: ast.ExceptHandler) -> bool:
    return handler.type is None or (
        isinstance(handler.type, ast.Name) and handler.type.id in {"Exception", "BaseException"}
    )


def test_whoever_catches_everything_says_so_or_passes_it_on() -> None:
    silent = [
        f"{name_of(path)}:{handler.lineno}"
        for path in python_files(*PACKAGES)
        for handler in ast.walk(tree_of(path))
        if isinstance(handler, ast.ExceptHandler)
        and catches_everything(handler)
        and not any(
            isinstance(node, ast.Raise)
            or (isinstance(node, ast.Name) and node.id == handler.name)
            or (isinstance(node, ast.Attribute) and node.attr == "exception")
            for part in handler.body
            for node in ast.walk(part)
        )
    ]
    assert not silent


@pytest.mark.parametrize("file", sorted(p.name for p in (files("voice_ai") / "sql").iterdir()))
def test_every_named_query_is_used(file: str) -> None:
    text = (files("voice_ai") / "sql" / file).read_text()
    names = re.findall(r"^-- name: (\w+)", text, re.MULTILINE)
    assert names
    assert len(set(names)) == len(names)
    code = "\n".join(path.read_text(encoding="utf-8") for path in python_files(*PACKAGES))
    unused = [name for name in names if not re.search(rf"\b{name}\b", code)]
    assert not unused


def repository_texts() -> Iterator[Path]:
    for folder in (*PACKAGES, "tests", "docs", "deploy", "notebooks", ".ci"):
        yield from (p for p in (ROOT / folder).rglob("*") if p.suffix in TEXTS and p.is_file())
    yield from (p for p in ROOT.iterdir() if p.is_file() and (p.suffix in TEXTS or not p.suffix))


TEXTS = {".py", ".md", ".sql", ".yaml", ".yml", ".toml", ".json", ".ipynb", ".lock", ".mako", ".sh"}


def test_no_file_knows_the_machine_it_was_written_on() -> None:
    # Built from parts, so that this file passes its own test.
    machine = re.compile(
        "|".join(["/" + "work/(main|shared)", "/" + "root/", "--(extra-)?index-" + "url"])
    )
    telling = [
        f"{name_of(path)}:{number}"
        for path in repository_texts()
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), start=1)
        if machine.search(line)
    ]
    assert not telling
