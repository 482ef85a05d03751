"""The simulator's voices (public ids of the vendor's premade ones) and ways of speaking."""

from dataclasses import dataclass
from typing import Final

from dialer.simulator.draws import Draws
from voice_ai.errors import BadInput


@dataclass(frozen=True)
class Style:
    """Factors on the voice's own pace, pitch, pitch movement and loudness."""

    rate: float
    pitch: float
    melody: float
    loudness: float


STYLES: Final[dict[str, Style]] = {
    "calm": Style(rate=1.0, pitch=1.0, melody=1.0, loudness=1.0),
    "pleased": Style(rate=1.08, pitch=1.18, melody=2.0, loudness=1.2),
    "annoyed": Style(rate=1.22, pitch=1.12, melody=1.4, loudness=1.6),
    "angry": Style(rate=1.3, pitch=1.25, melody=1.8, loudness=2.2),
    "sad": Style(rate=0.82, pitch=0.9, melody=0.5, loudness=0.65),
    "hurried": Style(rate=1.35, pitch=1.05, melody=1.0, loudness=1.1),
}


@dataclass(frozen=True)
class Voice:
    """`pitch` in Hz; `tract` scales the formants (above 1: a shorter vocal tract)."""

    id: str
    name: str
    gender: str
    pitch: float
    tract: float
    breath: float
    engine_variant: str


CATALOGUE: Final[tuple[Voice, ...]] = (
    Voice("21m00Tcm4TlvDq8ikWAM", "Rachel", "female", 196.0, 1.12, 0.05, "en-us+f3"),
    Voice("EXAVITQu4vr4xnSDxMaL", "Sarah", "female", 210.0, 1.16, 0.07, "en-us+f2"),
    Voice("Xb7hH8MSUJpSbSDYk0k2", "Alice", "female", 188.0, 1.08, 0.04, "en-us+f4"),
    Voice("JBFqnCBsd6RMkjVDRZzb", "George", "male", 112.0, 0.94, 0.03, "en-us+m1"),
    Voice("nPczCjzI2devNBz1zQrb", "Brian", "male", 98.0, 0.9, 0.04, "en-us+m3"),
    Voice("IKne3meq5aSn9XLyUdCD", "Charlie", "male", 124.0, 0.98, 0.05, "en-us+m7"),
)
_BY_ID: Final = {voice.id: voice for voice in CATALOGUE}


def catalogued(voice_id: str) -> Voice | None:
    return _BY_ID.get(voice_id)


def voice_named(name: str) -> Voice:
    """The catalogue's voice of that id, or one whose timbre follows from the name."""
    known = _BY_ID.get(name)
    if known is not None:
        return known
    draws = Draws.about("voice", name)
    female = draws.chance(0.5, "gender")
    pitch, tract = ((165, 230), (1.04, 1.2)) if female else ((88, 140), (0.86, 1.02))
    variant = 1 + int(4 * draws.unit("variant"))
    return Voice(
        id=name,
        name=name,
        gender="female" if female else "male",
        pitch=draws.between(*pitch, "pitch"),
        tract=draws.between(*tract, "tract"),
        breath=draws.between(0.02, 0.09, "breath"),
        engine_variant=f"en-us+{'f' if female else 'm'}{variant}",
    )


def style_named(name: str) -> Style:
    style = STYLES.get(name)
    if style is None:
        raise BadInput(f"no speaking style {name!r}; use one of {', '.join(STYLES)}")
    return style
