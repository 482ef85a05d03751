"""Fit one text classifier: word and character TF-IDF, logistic regression, one temperature."""

import hashlib
from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.datasets import Dataset
from ml.linear_text import (
    CHAR_BLOCK,
    CHAR_NGRAMS,
    TOKEN_PATTERN,
    WORD_BLOCK,
    WORD_NGRAMS,
    Floats,
    clean,
)
from voice_ai.errors import BadInput

SEED = 7
_FOLDS = 3
_STRENGTHS = (6.0, 18.0)  # inverse regularisation, tried by cross-validation
# The strength is chosen on a part of a big data set; the final fit uses all of it.
_CV_ROWS = 4000
# Above this, a term must occur twice: a big data set has plenty, and half its terms are noise.
_BIG = 5000
_TEMPERATURES = np.geomspace(0.1, 4.0, 149)


@dataclass(frozen=True)
class Fitted:
    """`pipeline` takes cleaned texts; `cv_macro_f1` is the mean over folds of the training part."""

    pipeline: Any
    labels: tuple[str, ...]
    strength: float
    temperature: float
    cv_macro_f1: float
    seed: int
    dataset: Dataset

    @property
    def parameters_sha256(self) -> str:
        """What the model computes, whatever bytes it is stored in."""
        return parameters_sha256(self.pipeline)

    @property
    def params(self) -> dict[str, str | int | float]:
        """What it was made with, for the registry and the model card."""
        return {
            "algorithm": "tf-idf + multinomial logistic regression",
            "word_ngrams": str(WORD_NGRAMS),
            "char_wb_ngrams": str(CHAR_NGRAMS),
            "c": self.strength,
            "temperature": round(self.temperature, 4),
            "seed": self.seed,
            "n_train": len(self.dataset.examples),
        }


def fit(data: Dataset, *, seed: int = SEED) -> Fitted:
    """Train on every row of `data`. Raises BadInput when it cannot teach a distinction."""
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    _check(data)
    texts = [clean(e.text) for e in data.examples]
    y = np.array([e.label for e in data.examples])
    # The matrices are small: one thread is several times faster, and repeats exactly.
    with threadpool_limits(limits=1):
        strength, temperature, cv_macro_f1 = _choose(texts, y, seed)
        pipeline = _pipeline(strength, seed, y).fit(texts, y)
    model = pipeline.named_steps["model"]
    model.coef_ /= temperature
    model.intercept_ /= temperature
    labels = tuple(str(label) for label in model.classes_)
    return Fitted(pipeline, labels, strength, temperature, cv_macro_f1, seed, data)


def parameters_sha256(pipeline: Any) -> str:
    """Hash of vocabularies, idf, weights and labels in a fixed order."""
    digest = hashlib.sha256()
    for name, vectoriser in pipeline.named_steps["features"].transformer_list:
        terms = sorted(vectoriser.vocabulary_.items())
        digest.update(f"{name}:{[(term, int(row)) for term, row in terms]}".encode())
        digest.update(np.ascontiguousarray(vectoriser.idf_, dtype="<f8").tobytes())
    model = pipeline.named_steps["model"]
    digest.update(repr([str(label) for label in model.classes_]).encode())
    for values in (model.coef_, model.intercept_):
        digest.update(np.ascontiguousarray(values, dtype="<f8").tobytes())
    return digest.hexdigest()


def _check(data: Dataset) -> None:
    counts = Counter(e.label for e in data.examples)
    if len(counts) < 2:
        raise BadInput(f"{data.name} has {len(counts)} label to learn; give at least two")
    label, fewest = min(counts.items(), key=lambda item: (item[1], item[0]))
    if fewest < _FOLDS:
        raise BadInput(
            f"{data.name} has only {fewest} texts to learn the label {label!r} from; "
            f"give each label at least {_FOLDS}"
        )


def _features(rows: int) -> Any:
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.pipeline import FeatureUnion

    fewest = 2 if rows > _BIG else 1
    words = TfidfVectorizer(
        lowercase=False,
        token_pattern=TOKEN_PATTERN,
        ngram_range=WORD_NGRAMS,
        sublinear_tf=True,
        min_df=fewest,
    )
    chars = TfidfVectorizer(
        lowercase=False,
        analyzer="char_wb",
        ngram_range=CHAR_NGRAMS,
        sublinear_tf=True,
        min_df=fewest,
    )
    return FeatureUnion([(WORD_BLOCK, words), (CHAR_BLOCK, chars)])


def _classifier(strength: float, seed: int, labels: int) -> Any:
    from sklearn.linear_model import LogisticRegression

    # Newton's steps cost the square of the labels; few labels converge in a handful of them.
    solver = "newton-cg" if labels <= 30 else "lbfgs"
    return LogisticRegression(
        C=strength, solver=solver, class_weight="balanced", max_iter=1000, random_state=seed
    )


def _pipeline(strength: float, seed: int, y: NDArray[np.str_]) -> Any:
    from sklearn.pipeline import Pipeline

    model = _classifier(strength, seed, len(np.unique(y)))
    return Pipeline([("features", _features(len(y))), ("model", model)])


def _choose(texts: list[str], y: NDArray[np.str_], seed: int) -> tuple[float, float, float]:
    """Strength by cross-validated macro-F1 and temperature by out-of-fold likelihood."""
    from sklearn.model_selection import StratifiedKFold

    chosen = _sample(y, seed)
    sample, target = [texts[i] for i in chosen], y[chosen]
    classes = np.unique(target)
    logits = {c: np.zeros((len(target), len(classes))) for c in _STRENGTHS}
    folds = StratifiedKFold(_FOLDS, shuffle=True, random_state=seed)
    for learn, judge in folds.split(sample, target):
        features = _features(len(learn))
        seen = features.fit_transform([sample[i] for i in learn])
        unseen = features.transform([sample[i] for i in judge])
        for strength in _STRENGTHS:
            model = _classifier(strength, seed, len(classes)).fit(seen, target[learn])
            logits[strength][judge] = _as_logits(model.decision_function(unseen))
    truth = np.searchsorted(classes, target)
    scores = {c: _macro_f1(truth, logits[c].argmax(axis=1), len(classes)) for c in _STRENGTHS}
    best = max(_STRENGTHS, key=lambda c: scores[c])
    return best, _temperature(logits[best], truth), scores[best]


def _sample(y: NDArray[np.str_], seed: int) -> NDArray[np.intp]:
    from sklearn.model_selection import train_test_split

    every = np.arange(len(y))
    if len(y) <= _CV_ROWS:
        return every
    chosen, _ = train_test_split(every, train_size=_CV_ROWS, stratify=y, random_state=seed)
    return np.sort(chosen)


def _as_logits(decision: Floats) -> Floats:
    return decision if decision.ndim == 2 else np.column_stack([np.zeros_like(decision), decision])


def _macro_f1(truth: NDArray[np.intp], guess: NDArray[np.intp], labels: int) -> float:
    from ml.evaluate import confusion, f1_scores

    return float(f1_scores(confusion(truth, guess, labels)).mean())


def _temperature(logits: Floats, truth: NDArray[np.intp]) -> float:
    """What the logits must be divided by for their probabilities to be the likeliest."""

    def loss(temperature: float) -> float:
        scaled = logits / temperature
        top = scaled.max(axis=1, keepdims=True)
        log_sums = np.log(np.exp(scaled - top).sum(axis=1)) + top[:, 0]
        return float((log_sums - scaled[np.arange(len(truth)), truth]).mean())

    return float(min(_TEMPERATURES, key=loss))
