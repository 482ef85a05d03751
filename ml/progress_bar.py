"""Progress on standard error: a bar for a person who looks, a line a step for a file."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from ml.kinds import Progress


@contextmanager
def progress_bar(title: str) -> Iterator[Progress]:
    """Shows how far the work inside is, and what is being done."""
    if not sys.stderr.isatty():
        yield _lines(title)
        return
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bar

    columns = (
        TextColumn("{task.fields[title]}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeElapsedColumn(),
        TextColumn("{task.description}"),
    )
    with Bar(*columns, console=Console(stderr=True)) as bar:
        job = bar.add_task("", total=1.0, title=title)
        yield lambda share, what: bar.update(job, completed=share, description=what)


def _lines(title: str) -> Progress:
    said: list[str] = []

    def tell(share: float, what: str) -> None:
        if not said or said[-1] != what:
            said.append(what)
            print(f"{title}: {share:4.0%} {what}", file=sys.stderr, flush=True)

    return tell
