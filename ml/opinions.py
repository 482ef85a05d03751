"""What a candidate said of a turn, held against the champion's word on it."""

from dataclasses import dataclass
from typing import Protocol

from ml.candidates import SlotName


class Word(Protocol):
    """One model's word on one utterance; keywords give no score."""

    @property
    def label(self) -> str: ...

    @property
    def score(self) -> float | None: ...

    @property
    def model_name(self) -> str: ...

    @property
    def version(self) -> str: ...


@dataclass(frozen=True)
class Opinion:
    """`champion_label` is None where no champion had anything to say.

    `acted_on`: the call went by the candidate's word, not by the champion's.
    """

    slot: SlotName
    model_name: str
    version: str
    label: str
    score: float | None
    champion_version: str | None
    champion_label: str | None
    champion_score: float | None
    acted_on: bool

    @classmethod
    def of(cls, slot: SlotName, word: Word, champion: Word | None, *, acted_on: bool) -> "Opinion":
        return cls(
            slot=slot,
            model_name=word.model_name,
            version=word.version,
            label=word.label,
            score=word.score,
            champion_version=champion.version if champion else None,
            champion_label=champion.label if champion else None,
            champion_score=champion.score if champion else None,
            acted_on=acted_on,
        )

    @property
    def agrees(self) -> bool:
        return self.label == self.champion_label
