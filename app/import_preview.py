"""What an uploaded file is, what its columns are taken for, and a trial judgement of every row."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from app import session
from pipelines.imports import ImportReport, import_leads, read_leads
from pipelines.imports.mapping import Guess, guess_columns
from voice_ai.errors import UsageError

_MOST_KEPT = 24


@dataclass(frozen=True)
class Preview:
    """`guesses` is empty, and `problem` a sentence, while no column is known to be the phone."""

    description: str
    headers: tuple[str, ...]
    warnings: tuple[str, ...]
    guesses: tuple[Guess, ...]
    problem: str | None

    @property
    def unmapped(self) -> list[str]:
        taken = {guess.column for guess in self.guesses}
        return [header for header in self.headers if header not in taken]


@st.cache_data(max_entries=_MOST_KEPT, show_spinner="Reading the file …")
def preview(path: Path, told: Mapping[str, str]) -> Preview:
    """Raises BadInput when the file cannot be a lead list."""
    file = read_leads(path)
    sample = file.sample()
    guesses: list[Guess] = []
    problem = None
    try:
        guesses = guess_columns(file.headers, sample, told)
    except UsageError:
        problem = (
            "No column looks like a phone number. Choose the one that holds it beside “phone”;"
            " if there is none, this file cannot be called."
        )
    return Preview(file.description, file.headers, tuple(file.warnings), tuple(guesses), problem)


@dataclass(frozen=True)
class Trial:
    """What is tried: the same again is answered from memory until something was imported."""

    path: Path
    mapping: tuple[tuple[str, str], ...]
    list_name: str
    seller: str


@st.cache_resource(show_spinner=False)
def _trials() -> dict[Trial, ImportReport]:
    return {}


def forget_trials() -> None:
    """After an import: what is on a list already has changed."""
    _trials().clear()


def tried(trial: Trial, tell: Callable[[int, float | None], None]) -> ImportReport:
    """What importing would do; nothing is written. Raises BadInput, UsageError, NotAvailable."""
    known = _trials()
    if trial not in known:
        context = session.context()
        report = import_leads(
            context.role_url("app"),
            context.keyring,
            trial.path,
            list_name=trial.list_name,
            seller=trial.seller,
            rehearsal=context.rehearsal,
            mapping=dict(trial.mapping),
            now=context.clock.now(),
            dry_run=True,
            progress=tell,
        )
        while len(known) >= _MOST_KEPT:
            known.pop(next(iter(known)))
        known[trial] = report
    return known[trial]
