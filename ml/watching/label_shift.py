"""How the mix of true labels has moved, told from predictions alone.

Black box shift estimation: Lipton, Wang and Smola, "Detecting and Correcting for Label Shift with
Black Box Predictors", ICML 2018. With C[i, j] = P(predicted i, true j) on held-out rows and q[i]
the share predicted i now, the weights w = C⁻¹ q say how much likelier each true label has become;
the new mix is w times the old. It holds while what people say for a label stays the same.
"""

import numpy as np

from ml.watching.psi import Floats, Ints

# A classifier nearer to guessing than this cannot tell one mix from another.
_LEAST_SINGULAR = 0.02


def true_mix(confusion: Ints, predicted: Floats) -> Floats | None:
    """The estimated shares of the true labels; None where the held-out rows cannot tell.

    `confusion` counts held-out rows with the true label in the row and the predicted one in the
    column; `predicted` are shares [labels], or [times, labels] of resampled counts. Labels without
    a held-out row stay at 0.
    """
    counts = np.asarray(confusion, dtype=np.float64)
    known = counts.sum(axis=1) > 0
    if known.sum() < 2:
        return None
    kept = counts[np.ix_(known, known)]
    if kept.sum() == 0:
        return None
    conditional = (kept / counts[known].sum(axis=1, keepdims=True)).T  # P(predicted i | true j)
    if np.linalg.svd(conditional, compute_uv=False).min() < _LEAST_SINGULAR:
        return None
    # C⁻¹ q times the old mix is the inverse of P(predicted | true) times q.
    mix = np.linalg.solve(conditional, predicted[..., known].T).T
    mix = np.clip(mix, 0.0, None)
    total = mix.sum(axis=-1, keepdims=True)
    if np.any(total == 0):
        return None
    found = np.zeros(predicted.shape)
    found[..., known] = mix / total
    return np.asarray(found, dtype=np.float64)


def distance(one: Floats, other: Floats) -> Floats:
    """Total variation: the share of turns that would have to change their label."""
    return np.asarray(np.abs(one - other).sum(axis=-1) / 2, dtype=np.float64)
