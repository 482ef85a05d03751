"""`voice-ai notebook`: JupyterLab on the notebooks, with the home's services kept alive."""

import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from voice_ai.errors import NotAvailable, NotFound

_SHIPPED = Path(__file__).resolve().parent.parent / "notebooks"
_FIRST = "01-first-look.ipynb"
_ANNOUNCEMENTS = "@jupyterlab/apputils-extension:announcements"


def notebook(
    name: Annotated[
        str | None,
        typer.Argument(help="Which one to open, e.g. models-intent; left out: the first look."),
    ] = None,
    port: Annotated[int, typer.Option(help="The port to listen on.")] = 8888,
    browser: Annotated[
        bool, typer.Option("--browser/--no-browser", help="Open it in the browser.")
    ] = True,
    show: Annotated[bool, typer.Option("--list", help="List the notebooks, open none.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="The address as JSON.")] = False,
) -> None:
    """Open JupyterLab on a copy of the notebooks, until Ctrl-C.

    The copy is in the home's `notebooks` folder and is yours: what is there is never overwritten.
    It listens on this machine only, asks for a token, and fetches nothing from elsewhere.
    """
    if show:
        known = {path.stem: title_of(path) for path in sorted(_shipped())}
        wide = max(map(len, known))
        lines = [f"{stem:<{wide}}  {title}" for stem, title in known.items()]
        print(json.dumps({"notebooks": known}) if as_json else "\n".join(lines))
        return
    from pipelines.stage import refuse_taken
    from voice_ai.context import open_context

    try:
        refuse_taken("notebook", port)
    except NotAvailable as error:
        raise NotAvailable(f"port {port} is taken; choose another with --port") from error
    with open_context() as context:
        home = context.settings.home.absolute()
        folder = copy_notebooks(home)
        file = notebook_of(folder, name)
        token = secrets.token_urlsafe(24)
        url = f"http://127.0.0.1:{port}/lab/tree/{file}?token={token}"
        print(json.dumps({"notebook": {"url": url, "folder": str(folder)}}) if as_json else url)
        sys.stdout.flush()
        raise typer.Exit(
            _run_until_told(
                command(port, folder, browser=browser),
                {**os.environ, **environment(home), "JUPYTER_TOKEN": token},
            )
        )


def copy_notebooks(home: Path) -> Path:
    """The home's notebooks folder, with the shipped ones that are not there yet.

    Raises NotAvailable without a checkout.
    """
    shipped_ones = _shipped()
    folder = home / "notebooks"
    folder.mkdir(parents=True, exist_ok=True)
    for shipped in shipped_ones:
        if not (folder / shipped.name).exists():
            shutil.copyfile(shipped, folder / shipped.name)
    return folder


def _shipped() -> list[Path]:
    if not _SHIPPED.is_dir():
        raise NotAvailable("the notebooks are part of the checkout; run this from one")
    return sorted(_SHIPPED.glob("*.ipynb"))


def notebook_of(folder: Path, name: str | None) -> str:
    """The file of that name, with or without its ending. Raises NotFound naming those there are."""
    if name is None:
        return _FIRST
    known = sorted(path.stem for path in folder.glob("*.ipynb"))
    stem = name.removesuffix(".ipynb")
    if stem not in known:
        raise NotFound(f"there is no notebook {name!r}; there are {', '.join(known)}")
    return f"{stem}.ipynb"


def title_of(path: Path) -> str:
    """A notebook's first heading."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    lines = [line for cell in cells for line in cell["source"] if line.startswith("# ")]
    return lines[0].removeprefix("# ").strip() if lines else ""


def command(port: int, folder: Path, *, browser: bool) -> list[str]:
    """JupyterLab without anything that asks another host: news, updates, extensions."""
    options = {
        "ServerApp.ip": "127.0.0.1",
        "ServerApp.port": str(port),
        "ServerApp.port_retries": "0",
        "ServerApp.root_dir": str(folder),
        "ServerApp.open_browser": str(browser),
        "LabApp.check_for_updates_class": "jupyterlab.NeverCheckForUpdate",
        "LabApp.news_url": "None",
        "LabApp.extension_manager": "readonly",
    }
    return [
        sys.executable,
        "-m",
        "jupyterlab",
        "--allow-root",
        *(f"--{name}={value}" for name, value in options.items()),
    ]


def environment(home: Path) -> dict[str, str]:
    """Where kernels find the home, and Jupyter its own settings: in the home, not the user's."""
    own = home / "jupyter"
    labconfig = own / "labconfig"
    labconfig.mkdir(parents=True, exist_ok=True)
    (labconfig / "page_config.json").write_text(
        json.dumps({"disabledExtensions": {_ANNOUNCEMENTS: True}}), encoding="utf-8"
    )
    return {
        "VOICE_AI_HOME": str(home),
        "JUPYTER_CONFIG_DIR": str(own),
        "JUPYTER_DATA_DIR": str(own / "data"),
        "JUPYTER_RUNTIME_DIR": str(own / "runtime"),
        "JUPYTERLAB_SETTINGS_DIR": str(own / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(own / "workspaces"),
    }


def _run_until_told(command: list[str], environment: dict[str, str]) -> int:
    """Ctrl-C and SIGTERM end the server and its kernels, and are a 0."""

    def end(*_: object) -> None:
        raise KeyboardInterrupt

    # In a session of its own: Jupyter would ask back at Ctrl-C.
    server = subprocess.Popen(
        command, env=environment, start_new_session=True, stdout=sys.stderr.fileno()
    )
    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    try:
        return server.wait()
    except KeyboardInterrupt:
        return 0
    finally:
        server.terminate()
        server.wait()
