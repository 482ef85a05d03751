"""Writes a report to its file, whole or not at all."""

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

from pipelines.report.build import CampaignReport
from pipelines.report.html import render_html
from voice_ai.errors import BadInput


def write_html(report: CampaignReport, out: Path, also: Sequence[str] = ()) -> Path:
    """Raises BadInput."""
    return write_text(render_html(report, also), out)


def write_text(html: str, out: Path) -> Path:
    """Writes the whole file or nothing; answers its absolute path. Raises BadInput."""
    out = out.expanduser().absolute()
    if out.is_dir():
        raise BadInput("the report's file is a folder; name a file in it", file=out)
    try:
        with tempfile.NamedTemporaryFile(
            "w", dir=out.parent, prefix=f".{out.name}.", encoding="utf-8", delete=False
        ) as draft:
            draft.write(html)
        umask = os.umask(0)
        os.umask(umask)
        Path(draft.name).chmod(0o666 & ~umask)
        return Path(draft.name).replace(out)
    except OSError as error:
        raise BadInput(
            f"the report cannot be written there ({error.strerror}); choose another place",
            file=out,
        ) from error
