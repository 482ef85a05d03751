"""A report as PDF, printed by a browser of this machine where there is one."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from voice_ai.errors import NotAvailable

_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
_PATIENCE_S = 90


def find_browser() -> str | None:
    """A Chromium or Chrome on PATH."""
    return next(filter(None, map(shutil.which, _BROWSERS)), None)


def write_pdf(html: Path, out: Path) -> Path:
    """Prints a report's file. Raises NotAvailable, saying how, where no browser is present."""
    browser = find_browser()
    if browser is None:
        raise NotAvailable(
            "no browser is there to make a PDF; install chromium (it must be on PATH), or open"
            f" {html} in any browser and print it"
        )
    with tempfile.TemporaryDirectory(prefix="voice-ai-pdf-") as profile:
        made = Path(profile) / "report.pdf"
        command = [
            browser,
            "--headless",
            "--disable-gpu",
            "--no-first-run",
            "--disable-background-networking",
            "--no-pdf-header-footer",
            f"--user-data-dir={profile}/profile",
            f"--print-to-pdf={made}",
            # Its sandbox does not work for root; the page is our own and runs no script.
            *(["--no-sandbox"] if os.geteuid() == 0 else []),
            html.resolve().as_uri(),
        ]
        try:
            subprocess.run(command, check=True, capture_output=True, timeout=_PATIENCE_S)
            shutil.copyfile(made, out)
        except (subprocess.SubprocessError, OSError) as error:
            raise NotAvailable(f"{browser} made no PDF of {html} ({error})") from error
    return out
