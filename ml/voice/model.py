"""A voice classifier in numpy: what `ml.voice.fit` chose, with scikit-learn's probabilities."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.decisions import Decision
from ml.voice.features import NAMES
from ml.voice.speaker import Population

Floats = NDArray[np.float64]
# A model's input in one list: see `SpeakerSoFar.seen_before`; empty: nothing was to be heard.
Input = Sequence[float]
INPUT_WIDTH = 3 * len(NAMES) + 1


class VoiceModel:
    """Standardises, maps through a kernel where the pipeline has one, and weighs.

    Without a voice in it an input gets what the model would say of an average turn.
    """

    def __init__(self, pipeline: Any, settings: Mapping[str, Any]) -> None:
        """Raises KeyError, ValueError, TypeError, AttributeError for a pipeline of another kind."""
        if list(settings["features"]) != list(NAMES):
            raise ValueError("the model was trained on other features of a voice; train it again")
        self._population = Population.from_settings(settings["population"])
        steps = pipeline.named_steps
        self._centre, self._scale = steps["scale"].mean_, steps["scale"].scale_
        self._kernel = _Kernel(steps["kernel"]) if "kernel" in steps else None
        model = steps["model"]
        self.labels = tuple(str(label) for label in model.classes_)
        self.decision = Decision()
        weights, bias = np.asarray(model.coef_), np.asarray(model.intercept_)
        if len(self.labels) == 2:
            weights, bias = np.vstack([np.zeros_like(weights), weights]), np.array([0.0, bias[0]])
        if self._kernel is not None:
            weights = weights @ self._kernel.mixing.T
        self._weights = np.ascontiguousarray(weights.T, np.float64)
        self._bias = np.asarray(bias, np.float64)

    def probabilities(self, voice: Input) -> Floats:
        """float64[labels]; they sum to one."""
        return np.asarray(self.batch([voice])[0], np.float64)

    def batch(self, voices: Sequence[Input]) -> Floats:
        """float64[n, labels]."""
        heard = [row for row, voice in enumerate(voices) if len(voice)]
        normal = np.zeros((len(voices), len(NAMES)))
        if heard:
            inputs = np.array([voices[row] for row in heard], np.float64)
            normal[heard] = self._population.normalised(inputs)
        values = (normal - self._centre) / self._scale
        if self._kernel is not None:
            values = self._kernel(values)
        logits = values @ self._weights + self._bias
        exponents = np.exp(logits - logits.max(axis=1, keepdims=True))
        return np.asarray(exponents / exponents.sum(axis=1, keepdims=True), np.float64)


class _Kernel:
    """Likeness to some of the clips it was trained on (Nystroem's approximation, RBF)."""

    def __init__(self, nystroem: Any) -> None:
        self._clips = np.asarray(nystroem.components_, np.float64)
        self._gamma = float(nystroem.gamma)
        self._squares = (self._clips**2).sum(axis=1)
        self.mixing = np.asarray(nystroem.normalization_, np.float64).T

    def __call__(self, values: Floats) -> Floats:
        """float64[n, clips], before they are mixed."""
        # Not by BLAS, which wakes threads for it (see `ml.voice.sound`).
        common = np.einsum("ij,kj->ik", values, self._clips)
        squares = (values**2).sum(axis=1)[:, None] - 2 * common + self._squares
        return np.asarray(np.exp(-self._gamma * np.maximum(squares, 0)), np.float64)
