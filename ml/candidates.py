"""The candidates of a home: `challenger.json` and `shadow.json` beside `champion.json`.

A *challenger* answers in a share of the calls, a *shadow* in none: it hears the same words and its
answer is only written down. Which calls a challenger answers is a hash of the call's id, the task
and the version, so that every server says the same, a call keeps its side from its first turn to
its last, and the next candidate gets other calls.
"""

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, Literal

from ml.artifact import safe_name
from ml.deploy import models_folder, replace_file
from voice_ai.errors import Refused

SlotName = Literal["champion", "challenger", "shadow"]
CHAMPION: Final = "champion"
CHALLENGER: Final = "challenger"
SHADOW: Final = "shadow"
CANDIDATES: tuple[SlotName, ...] = (CHALLENGER, SHADOW)
SLOTS: tuple[SlotName, ...] = (CHAMPION, *CANDIDATES)
# A hundred-thousandth: shares may be fractions of a percent.
_PARTS = 100_000


@dataclass(frozen=True)
class Candidate:
    """What a candidate's file says.

    `share` is in percent of the calls, 0 for a shadow. `campaigns` are the ids of the campaigns
    whose calls it may touch; None: all of them.
    """

    task: str
    version: str
    manifest_sha256: str
    share: float = 0.0
    campaigns: tuple[str, ...] | None = None

    def may_touch(self, campaign: str | None) -> bool:
        return self.campaigns is None or campaign in self.campaigns

    def takes(self, call_id: str) -> bool:
        """Whether it answers in that call."""
        told = f"{call_id}|{self.task}|{self.version}".encode()
        place = int.from_bytes(hashlib.sha256(told).digest()[:8]) % _PARTS
        return place < self.share * _PARTS / 100


def slot_file(home: Path, task: str, slot: SlotName) -> Path:
    return models_folder(home) / safe_name(task) / f"{slot}.json"


def read_candidate(path: Path) -> Candidate:
    """Raises Refused when the file is damaged, or names a folder or a share that cannot be."""
    try:
        fields = json.loads(path.read_bytes())
        campaigns = fields.get("campaigns")
        candidate = Candidate(
            task=str(fields["task"]),
            version=safe_name(str(fields["version"])),
            manifest_sha256=str(fields["manifest_sha256"]),
            share=float(fields.get("share", 0.0)),
            campaigns=None if campaigns is None else tuple(map(str, campaigns)),
        )
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise Refused(f"{path.name} cannot be read ({error}); start the rollout again") from None
    if candidate.task != path.parent.name:
        raise Refused(f"{path.name} of {path.parent.name} names the task {candidate.task!r}")
    if not 0 <= candidate.share <= 100:
        raise Refused(f"{path.name} gives it {candidate.share} percent of the calls; 0 to 100 can")
    return candidate


def write_candidate(home: Path, slot: SlotName, candidate: Candidate) -> None:
    """Servers of the home take it up at their next look."""
    path = slot_file(home, candidate.task, slot)
    path.parent.mkdir(parents=True, exist_ok=True)
    replace_file(path, json.dumps(asdict(candidate), indent=1).encode())


def empty_slot(home: Path, task: str, slot: SlotName) -> bool:
    """Servers of the home drop it at their next look; False when there was nothing."""
    try:
        slot_file(home, task, slot).unlink()
    except FileNotFoundError:
        return False
    return True
