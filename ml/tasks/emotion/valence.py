"""How pleasant a turn sounds, from the probabilities of its emotions."""

import math
from collections.abc import Mapping
from types import MappingProxyType

# Anchors of our own choosing: the sign and the order follow the pleasure axis of Russell's
# circumplex (J. A. Russell, 1980, J. Pers. Soc. Psychol. 39, 1161-1178); the sizes are a judgement.
# Surprise in these calls is as often good as bad.
VALENCE: Mapping[str, float] = MappingProxyType(
    {
        "joy": 0.9,
        "surprise": 0.1,
        "neutral": 0.0,
        "fear": -0.6,
        "anger": -0.7,
        "disgust": -0.7,
        "sadness": -0.8,
    }
)


def valence(scores: Mapping[str, float], anchors: Mapping[str, float] = VALENCE) -> float | None:
    """The expected valence in [-1, 1]: the mean of the anchors, weighed by `scores`.

    `scores` are probabilities (or any weights of at least 0) by label. Labels without an anchor
    are left out; None where nothing is left, as no mood is not a middling one.
    """
    known = {label: score for label, score in scores.items() if label in anchors}
    total = math.fsum(known.values())
    if total <= 0:
        return None
    return math.fsum(score * anchors[label] for label, score in known.items()) / total
