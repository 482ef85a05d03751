"""A candidate's places in the home and in the registry. What calls obey are the home's files.

They are written first and the registry's aliases follow; while it is down they are owed
(`ml.lifecycle`), and nothing waits for them.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ml.artifact import MODEL_FILE
from ml.candidates import (
    CHALLENGER,
    SHADOW,
    Candidate,
    SlotName,
    empty_slot,
    read_candidate,
    slot_file,
    write_candidate,
)
from ml.deploy import Champion, champion_file, place, read_champion
from ml.tasks import find_task
from voice_ai.errors import Refused
from voice_ai.settings import Settings

if TYPE_CHECKING:
    from ml.lifecycle import Lifecycle


@dataclass(frozen=True)
class Moves:
    """The steps that a candidate of one home can take; `actor` is who takes them."""

    settings: Settings
    actor: str

    @property
    def home(self) -> Path:
        return self.settings.home

    def served(self, task: str) -> str | None:
        """The champion's version; None where nothing is served, or what is cannot be read."""
        try:
            return read_champion(champion_file(self.home, task)).version
        except Refused:
            return None

    def fetch(self, task: str, version: str) -> Champion:
        """Bring a version into the home, self-tested. Raises Refused without a passed gate."""
        lifecycle = self._lifecycle()
        found = lifecycle.registry.find(find_task(task), version)
        if found.version == self.served(task):
            raise Refused(f"{task} version {found.version} is the champion already")
        if not lifecycle.passed(found):
            raise Refused(
                f"{task} version {found.version} has not passed its gate, so it cannot be tried in"
                f" calls; `voice-ai models gate {task} {found.version}` judges it"
            )
        with lifecycle.fetched(found) as (folder, manifest):
            return place(folder / MODEL_FILE, manifest, self.home)

    def listen(self, pinned: Champion) -> None:
        """From now on it hears what the champion hears."""
        candidate = Candidate(pinned.task, pinned.version, pinned.manifest_sha256)
        write_candidate(self.home, SHADOW, candidate)
        empty_slot(self.home, pinned.task, CHALLENGER)
        self._tell(pinned.task, {SHADOW: pinned.version, CHALLENGER: None})

    def answer(
        self, pinned: Champion, share: float, campaigns: tuple[str, ...] | None = None
    ) -> None:
        """From now on it answers in a share of the calls, in percent."""
        candidate = Candidate(pinned.task, pinned.version, pinned.manifest_sha256, share, campaigns)
        write_candidate(self.home, CHALLENGER, candidate)
        empty_slot(self.home, pinned.task, SHADOW)
        self._tell(pinned.task, {CHALLENGER: pinned.version, SHADOW: None})

    def crown(self, task: str, version: str, *, why: str) -> None:
        """It serves every call. Raises Refused when it may not."""
        self._lifecycle().promote(task, version, why=why)
        self.take_back(task)

    def take_back(self, task: str) -> None:
        """Servers drop it at their next look: calls go on with the champion."""
        empty_slot(self.home, task, CHALLENGER)
        empty_slot(self.home, task, SHADOW)
        self._tell(task, {CHALLENGER: None, SHADOW: None})

    def placed(self, task: str, stage: str) -> Candidate | None:
        """What the home says of the candidate at that stage; None: it was taken away."""
        try:
            return read_candidate(slot_file(self.home, task, _SLOTS[stage]))
        except Refused:
            return None

    def mend(self, candidate: Candidate, share: float) -> None:
        """Give it the share that the books say, after a step that was cut in the middle."""
        if candidate.share != share:
            write_candidate(self.home, CHALLENGER, replace(candidate, share=share))

    def _tell(self, task: str, aliases: dict[str, str | None]) -> None:
        lifecycle = self._lifecycle()
        if lifecycle.registry.exists:
            lifecycle.owe(find_task(task), aliases)

    def _lifecycle(self) -> "Lifecycle":
        from ml.lifecycle import Lifecycle  # with scikit-learn: only for a step

        return Lifecycle.of(self.settings, self.actor)


_SLOTS: dict[str, SlotName] = {"shadow": SHADOW, "canary": CHALLENGER}
