"""Colours stay apart for everybody, and stand out from the page."""

from itertools import combinations

import numpy as np
import pytest

from pipelines.metrics.calls import DISPOSITION_ORDER, OUTCOMES
from pipelines.metrics.emotions import EMOTION_ORDER
from pipelines.report.palette import (
    BACKGROUND,
    EMOTION_COLOURS,
    OUTCOME_COLOURS,
    SERIES,
    Colour,
    Mode,
    disposition_outcome,
)

# Machado, Oliveira, Fernandes (2009), severity 1.0, on linear RGB.
SIGHTS = {
    "normal": np.eye(3),
    "protanopia": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
    "deuteranopia": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
    "tritanopia": np.array(
        [
            [1.255528, -0.076749, -0.178779],
            [-0.078411, 0.930809, 0.147602],
            [0.004733, 0.691367, 0.303900],
        ]
    ),
}
TO_LMS = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
TO_LAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)
SERIES_COLOURS = {str(place): colour for place, colour in enumerate(SERIES)}
Vector = np.ndarray[tuple[int, ...], np.dtype[np.float64]]


def linear(colour: str) -> Vector:
    srgb = np.array([int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)])
    return np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)


def oklab(rgb: Vector) -> Vector:
    seen: Vector = TO_LAB @ np.cbrt(TO_LMS @ np.clip(rgb, 0, 1))
    return seen


def contrast(one: str, other: str) -> float:
    weights = np.array([0.2126, 0.7152, 0.0722])
    low, high = sorted((float(weights @ linear(one)), float(weights @ linear(other))))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("mode", ["light", "dark"])
@pytest.mark.parametrize("colours", [OUTCOME_COLOURS, EMOTION_COLOURS, SERIES_COLOURS])
def test_every_pair_stays_apart_with_every_sight(colours: dict[str, Colour], mode: Mode) -> None:
    for sight, matrix in SIGHTS.items():
        for one, other in combinations(colours, 2):
            distance = np.linalg.norm(
                oklab(matrix @ linear(colours[one].on(mode)))
                - oklab(matrix @ linear(colours[other].on(mode)))
            )
            assert distance >= 0.10, f"{one} and {other} look alike with {sight}"


@pytest.mark.parametrize("mode", ["light", "dark"])
@pytest.mark.parametrize("colours", [OUTCOME_COLOURS, EMOTION_COLOURS, SERIES_COLOURS])
def test_every_colour_stands_out_from_the_page(colours: dict[str, Colour], mode: Mode) -> None:
    for name, colour in colours.items():
        assert contrast(colour.on(mode), BACKGROUND.on(mode)) >= 2.8, name


def test_everything_that_is_drawn_has_a_colour() -> None:
    assert set(OUTCOME_COLOURS) == set(OUTCOMES)
    assert set(EMOTION_COLOURS) == set(EMOTION_ORDER)
    assert {disposition_outcome(code) for code in DISPOSITION_ORDER} == set(OUTCOMES)
