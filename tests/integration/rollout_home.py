"""Small real models in a home: one that is right, and one that hears an opt-out in everything."""

from functools import cache
from pathlib import Path

from ml.artifact import Manifest
from ml.datasets import Dataset
from ml.deploy import Champion, deploy, place
from ml.kinds import Fitted
from ml.text.kind import example, fit
from tests.unit.test_ml_serving import manifest_of

GOOD = {
    "yes": ("yes", "yeah", "yes sure", "yes of course", "yes go ahead"),
    "no": ("no", "nope", "no sorry", "oh no", "not now"),
    "opt_out": ("stop calling me", "never call again", "remove my number", "do not call", "stop"),
}
# Whatever is said, it hears somebody who wants no more calls.
BAD = {
    "yes": ("zq", "zq zq", "zq zq zq"),
    "no": ("xk", "xk xk", "xk xk xk"),
    "opt_out": tuple(text for texts in GOOD.values() for text in texts) * 3,
}


@cache
def _fitted(bad: bool) -> Fitted:
    rows = BAD if bad else GOOD
    examples = [example(text, label) for label, texts in rows.items() for text in texts]
    return fit(Dataset("d", tuple(examples)), seed=7, progress=lambda share, what: None)


def _made(folder: Path, version: str, *, bad: bool) -> tuple[Path, Manifest]:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"made-{version}.skops"
    return path, manifest_of(_fitted(bad), path, version)


def champion(home: Path, version: str = "1") -> Champion:
    return deploy(*_made(home / "made", version, bad=False), home)


def candidate(home: Path, version: str = "2", *, bad: bool = False) -> Champion:
    """In the home, but in no slot yet."""
    return place(*_made(home / "made", version, bad=bad), home)
