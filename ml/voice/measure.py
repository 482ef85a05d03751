"""How good a voice model is for people it never heard: `python -m ml.voice.measure FILE`.

Speakers are left out in turn, and everything (which model, its strength, its temperature, what is
usual for people) is chosen anew from the others. The order of a speaker's clips decides what is
known before each, and in many corpora it tells the label; so it is drawn at random, several times.
"""

import argparse
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.progress_bar import progress_bar
from ml.voice.features import NAMES
from ml.voice.fit import Clips, choose, fitted, heard_clips
from ml.voice.kind import load
from ml.voice.model import VoiceModel
from ml.voice.speaker import SpeakerSoFar

_MOST_PARTS = 16
_SEED = 7


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m ml.voice.measure", description=__doc__)
    parser.add_argument("data", type=Path, help="columns path, label, speaker")
    parser.add_argument("--orders", type=int, default=5, help="random orders of a speaker's clips")
    told = parser.parse_args()
    with progress_bar("measuring") as progress:
        clips = heard_clips(load(told.data), _SEED, lambda share, what: progress(0.1 * share, what))
        results = []
        for order in range(told.orders + 1):
            progress(0.1 + 0.9 * order / (told.orders + 1), f"order {order or 'of the file'}")
            results.append(by_speaker(clips if not order else reordered(clips, order)))
    drawn = results[1:]
    print(
        json.dumps(
            {
                "n": len(clips.labels),
                "speakers": len(set(clips.speakers)),
                "file_order": results[0],
                "random_orders": drawn,
                "uar_mean": float(np.mean([one["uar"] for one in drawn])),
                "uar_sd": float(np.std([one["uar"] for one in drawn])),
            },
            indent=1,
        )
    )


def by_speaker(clips: Clips) -> dict[str, Any]:
    """Figures over all clips, each judged by a model that never heard its speaker."""
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    speakers = sorted({str(speaker) for speaker in clips.speakers})
    classes = np.unique(clips.labels)
    scores = np.zeros((len(clips.labels), len(classes)))
    with threadpool_limits(limits=1):
        for part in np.array_split(np.array(speakers), min(_MOST_PARTS, len(speakers))):
            left_out = np.isin([str(speaker) for speaker in clips.speakers], part)
            learnt = clips.of(np.flatnonzero(~left_out))
            choice = choose(learnt, _SEED, lambda share, what: None)
            pipeline, settings, _ = fitted(learnt, choice, _SEED)
            model = VoiceModel(pipeline, settings)
            known = np.searchsorted(classes, model.labels)
            answers = model.batch(clips.inputs[left_out].tolist())
            scores[np.ix_(np.flatnonzero(left_out), known)] = answers
    return _figures(scores, np.searchsorted(classes, clips.labels), clips, classes.tolist())


def reordered(clips: Clips, seed: int) -> Clips:
    """The same clips as if each speaker had said them in another order."""
    order = np.random.default_rng(seed).permutation(len(clips.labels))
    inputs = np.empty_like(clips.inputs)
    so_far: dict[str, SpeakerSoFar] = {}
    for row in order:
        known = so_far.setdefault(clips.speakers[row] or f"row {row}", SpeakerSoFar(len(NAMES)))
        inputs[row] = known.seen_before(clips.inputs[row, : len(NAMES)])
    return replace(clips, inputs=inputs)


def _figures(
    scores: NDArray[np.float64], truth: NDArray[np.intp], clips: Clips, classes: Sequence[str]
) -> dict[str, Any]:
    hits = scores.argmax(axis=1) == truth
    turns = clips.inputs[:, len(NAMES)]
    likelihood = np.maximum(scores[np.arange(len(truth)), truth], 1e-12)
    return {
        "uar": float(np.mean([hits[truth == label].mean() for label in range(len(classes))])),
        "recalls": {name: float(hits[truth == at].mean()) for at, name in enumerate(classes)},
        "first_clip": float(hits[turns == 0].mean()),
        "later_clips": float(hits[turns > 0].mean()) if (turns > 0).any() else None,
        "log_loss": float(-np.log(likelihood).mean()),
    }


if __name__ == "__main__":
    main()
