"""Fit one text classifier: TF-IDF of words and characters, a linear model, calibrated scores.

Everything that is chosen (strength of the regularisation, calibration, thresholds, when to say
that nothing fits) is chosen on out-of-fold scores of the training rows.
"""

import copy
import hashlib
import json
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.datasets import REJECT_LABELS, Dataset
from ml.decisions import Bools, Decision, Floats
from ml.kinds import Fitted, Progress
from ml.text.calibrate import Scaling, macro_f1, offsets_for, scale, thresholds_for
from ml.text.cleaning import Style, clean, style_of
from ml.text.heads import Head, candidates
from ml.text.linear import (
    CHAR_BLOCK,
    SENTENCE_BLOCK,
    TOKEN_PATTERN,
    WORD_BLOCK,
    coefficients,
    squash,
)
from voice_ai.errors import BadInput

_FOLDS = 3
_ONE_AT_A_TIME = threading.Lock()
_FEWEST = 3
# The strength is chosen on a part of a huge data set; the final fit uses all of it.
_CHOOSING_ROWS = 60_000
# Of strengths that differ by no more out of fold, the strongest regularisation is taken, as in the
# one-standard-error rule (Breiman et al. 1984); on fewer rows the best one.
_NO_DIFFERENCE = 0.003
# Above this, terms that occur once are left out: a big data set has plenty, and they are noise.
_BIG = 5_000
_VERY_BIG = 20_000


@dataclass(frozen=True)
class _Rows:
    """`given` is n x labels; `sentences` are embeddings, where they are wanted."""

    texts: Sequence[str]
    labels: tuple[str, ...]
    given: Bools
    multi_label: bool
    sentences: NDArray[np.float32] | None

    def part(self, chosen: Any) -> "_Rows":
        return replace(
            self,
            texts=[self.texts[i] for i in chosen],
            given=self.given[chosen],
            sentences=None if self.sentences is None else self.sentences[chosen],
        )


@dataclass(frozen=True)
class _Judged:
    """Out-of-fold margins of the counted terms, and of the sentences where there are any."""

    counted: Floats
    sentence: Floats | None


def fit(
    data: Dataset, *, seed: int, progress: Progress, options: Mapping[str, Any] | None = None
) -> Fitted:
    """Train on every row. Raises BadInput when it cannot teach a distinction.

    `options`: `embeddings` adds sentence embeddings (the extra of that name).
    """
    # The limit below holds for libraries that are loaded by then: scikit-learn comes first.
    import sklearn.svm  # noqa: F401
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    data, notes = _learnable(data)
    style = style_of(data.inputs)
    rows = _rows_of(data, style, progress, embeddings=bool((options or {}).get("embeddings")))
    # The matrices are small: one thread is several times faster, and repeats exactly. The limit is
    # the whole process's, so that a second fit beside this one would lift it too early.
    with _ONE_AT_A_TIME, threadpool_limits(limits=1):
        head, judged = _choose(rows, seed, progress)
        scaling = _scaled(judged, rows)
        held = squash(
            scaling.logits(judged.counted, judged.sentence), exclusive=not rows.multi_label
        )
        decision = _decide(held, rows)
        progress(0.8, "fitting on all rows")
        pipeline = _final(rows, head, scaling, seed)
    settings = {"style": style, "decision": decision.as_json(), "reject": _reject(rows)}
    return Fitted(
        pipeline=pipeline,
        labels=rows.labels,
        settings=settings,
        params=_params(head, rows, style, scaling, seed),
        cross_validated={
            "macro_f1": macro_f1(rows.given, decision.chosen(held, rows.labels)),
        },
        fingerprint=fingerprint(pipeline, settings),
        example=np.array([*rows.texts[:3]]),
        dataset=data,
        notes=notes,
    )


def quantised(made: Fitted) -> Fitted:
    """The same model with weights of half precision: a quarter of the memory when it is served.

    The weights are rounded in the pipeline itself, so that scikit-learn and the fast path still
    agree to 1e-9. Whether anything is lost is for the caller to measure.
    """
    pipeline = copy.deepcopy(made.pipeline)
    model = pipeline.named_steps["model"]
    for one in getattr(model, "estimators_", [model]):
        one.coef_ = one.coef_.astype(np.float16).astype(np.float64)
    return replace(
        made,
        pipeline=pipeline,
        params={**made.params, "quantised": "float16"},
        fingerprint=fingerprint(pipeline, made.settings),
    )


def fingerprint(pipeline: Any, settings: Mapping[str, Any]) -> str:
    """Hash of vocabularies, idf, weights, labels and thresholds in a fixed order."""
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode())
    for name, vectoriser in pipeline.named_steps["features"].transformer_list:
        if name == SENTENCE_BLOCK:
            digest.update(vectoriser.sha256.encode())
            continue
        terms = sorted(vectoriser.vocabulary_.items())
        digest.update(f"{name}:{[(term, int(row)) for term, row in terms]}".encode())
        digest.update(np.ascontiguousarray(vectoriser.idf_, dtype="<f8").tobytes())
    model = pipeline.named_steps["model"]
    digest.update(repr([str(label) for label in model.classes_]).encode())
    for values in coefficients(model):
        digest.update(np.ascontiguousarray(values, dtype="<f8").tobytes())
    return digest.hexdigest()


def _learnable(data: Dataset) -> tuple[Dataset, tuple[str, ...]]:
    """The rows that can teach something, and what was left out, in sentences. Raises BadInput."""
    counts = Counter(label for e in data.examples for label in e.labels)
    rare = {label: n for label, n in sorted(counts.items()) if n < _FEWEST}
    if len(counts) - len(rare) < 2:
        raise BadInput(
            f"{data.name} has {len(counts) - len(rare)} label to learn, of {_FEWEST} texts or more "
            "each; give at least two"
        )
    notes = tuple(
        f"the label {label!r} has only {n} of the {_FEWEST} texts it takes to learn it; left out"
        for label, n in rare.items()
    )
    if rare:
        kept = [
            replace(e, labels=tuple(label for label in e.labels if label not in rare))
            for e in data.examples
            if not e.labels or set(e.labels) - rare.keys()
        ]
        data, counts = replace(data, examples=tuple(kept)), counts - Counter(rare)
    everywhere = [label for label, count in counts.items() if count == len(data.examples)]
    if everywhere:
        raise BadInput(f"every text of {data.name} has the label {everywhere[0]!r}")
    return data, notes


def _rows_of(data: Dataset, style: Style, progress: Progress, *, embeddings: bool) -> _Rows:
    texts = [clean(text, style) for text in data.inputs]
    labels = data.labels
    place = {label: index for index, label in enumerate(labels)}
    given = np.zeros((len(texts), len(labels)), dtype=bool)
    for row, example in enumerate(data.examples):
        given[row, [place[label] for label in example.labels]] = True
    sentences = None
    if embeddings:
        from ml.text.embeddings import SentenceEmbedding

        sentences = SentenceEmbedding().transform(
            texts, lambda share: progress(0.4 * share, "embedding sentences")
        )
    return _Rows(texts, labels, given, data.multi_label, sentences)


def _reject(rows: _Rows) -> str | None:
    """The label for what belongs to no other, where the rows have one."""
    if rows.multi_label:
        return None
    return next((label for label in rows.labels if label.lower() in REJECT_LABELS), None)


def _scaled(judged: _Judged, rows: _Rows) -> Scaling:
    reject = _reject(rows)
    column = None if reject is None else rows.labels.index(reject)
    return scale(
        judged.counted, judged.sentence, rows.given, reject=column, multi_label=rows.multi_label
    )


def _features(rows: int) -> Any:
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.pipeline import FeatureUnion

    fewest, sizes = (1, (2, 5)) if rows <= _BIG else (2, (3, 5))
    words = TfidfVectorizer(
        lowercase=False,
        token_pattern=TOKEN_PATTERN,
        ngram_range=(1, 2),
        sublinear_tf=True,
        min_df=fewest,
    )
    chars = TfidfVectorizer(
        lowercase=False,
        analyzer="char_wb",
        ngram_range=sizes,
        sublinear_tf=True,
        min_df=6 if rows > _VERY_BIG else fewest,
    )
    return FeatureUnion([(WORD_BLOCK, words), (CHAR_BLOCK, chars)])


def _choose(rows: _Rows, seed: int, progress: Progress) -> tuple[Head, _Judged]:
    """The head with the best out-of-fold macro-F1, and its out-of-fold margins."""
    every = candidates(len(rows.texts), len(rows.labels), multi_label=rows.multi_label)
    folds = _folds(rows, seed)
    if len(rows.texts) > _CHOOSING_ROWS:
        few = rows.part(np.random.default_rng(seed).permutation(len(rows.texts))[:_CHOOSING_ROWS])
        best = _best(few, every, np.arange(len(few.texts)) % _FOLDS, seed, progress, 0.4)[0]
        every = [best]
    return _best(rows, every, folds, seed, progress, 0.5)


def _best(
    rows: _Rows, heads: Sequence[Head], folds: Any, seed: int, progress: Progress, at: float
) -> tuple[Head, _Judged]:
    shape = (len(heads), *rows.given.shape)
    margins = np.zeros(shape)
    sentence = None if rows.sentences is None else np.zeros(rows.given.shape)
    for fold in range(_FOLDS):
        progress(at + 0.1 * fold, f"cross-validating, part {fold + 1} of {_FOLDS}")
        learn, judge = (rows.part(np.flatnonzero(folds != fold)), np.flatnonzero(folds == fold))
        features = _features(len(rows.texts))
        seen = features.fit_transform(learn.texts)
        unseen = features.transform(rows.part(judge).texts)
        for index, head in enumerate(heads):
            margins[index, judge] = head.fit(seen, learn.given, seed).margins(unseen)
        if sentence is not None and learn.sentences is not None and rows.sentences is not None:
            dense = _sentence_head(rows).fit(learn.sentences, learn.given, seed)
            sentence[judge] = dense.margins(rows.sentences[judge])
    best = _preferred(heads, [_worth(margin, rows) for margin in margins], len(rows.texts))
    return heads[best], _Judged(margins[best], sentence)


def _preferred(heads: Sequence[Head], worth: Sequence[float], rows: int) -> int:
    best = int(np.argmax(worth))
    if rows <= _VERY_BIG:
        return best
    near = [
        place
        for place, head in enumerate(heads)
        if head.algorithm == heads[best].algorithm and worth[place] >= worth[best] - _NO_DIFFERENCE
    ]
    return min(near, key=lambda place: heads[place].strength)


def _sentence_head(rows: _Rows) -> Head:
    return Head("ridge" if rows.multi_label else "dense_logistic")


def _worth(margins: Floats, rows: _Rows) -> float:
    """Macro-F1 at the thresholds that would be chosen for these margins."""
    logits = _scaled(_Judged(margins, None), rows).logits(margins, None)
    held = squash(logits, exclusive=not rows.multi_label)
    return macro_f1(rows.given, _decide(held, rows).chosen(held, rows.labels))


def _folds(rows: _Rows, seed: int) -> Any:
    """A fold for each row, every label spread over all of them."""
    order = np.random.default_rng(seed).permutation(len(rows.texts))
    rare = rows.given.sum(axis=0).argsort()
    # Rows are dealt out by their rarest label, so that a label of three rows is in each fold.
    first = rows.given[:, rare].argmax(axis=1)
    folds = np.empty(len(order), dtype=np.intp)
    folds[order[np.argsort(first[order], kind="stable")]] = np.arange(len(order)) % _FOLDS
    return folds


def _decide(held: Floats, rows: _Rows) -> Decision:
    if rows.multi_label:
        plain = Decision(True, thresholds_for(held, rows.given, rows.labels))
        if not rows.given.any(axis=1).all():
            return plain
        fuller = replace(plain, at_least_one=True)
        worth = [macro_f1(rows.given, d.chosen(held, rows.labels)) for d in (plain, fuller)]
        return fuller if worth[1] > worth[0] else plain
    if _reject(rows) is not None:
        return Decision()
    return Decision(offsets=offsets_for(held, rows.given, rows.labels))


def _final(rows: _Rows, head: Head, scaling: Scaling, seed: int) -> Any:
    from sklearn.pipeline import Pipeline

    features = _features(len(rows.texts))
    counted = head.fit(features.fit_transform(rows.texts), rows.given, seed)
    coef, bias = scaling.counted(counted.weights, counted.bias)
    if rows.sentences is not None:
        from ml.text.embeddings import SentenceEmbedding

        dense = _sentence_head(rows).fit(rows.sentences, rows.given, seed)
        extra, shift = scaling.sentence(dense.weights, dense.bias)
        coef, bias = np.hstack([coef, extra]), bias + shift
        features.transformer_list.append((SENTENCE_BLOCK, SentenceEmbedding()))
    return Pipeline([("features", features), ("model", _model(rows, coef, bias))])


def _model(rows: _Rows, coef: Floats, bias: Floats) -> Any:
    """A fitted logistic regression with these numbers, so that scikit-learn gives its scores."""
    if not rows.multi_label:
        return _logistic(np.array(rows.labels), coef, bias)
    from sklearn.multiclass import OneVsRestClassifier
    from sklearn.preprocessing import LabelBinarizer

    whole = OneVsRestClassifier(_logistic(np.array([0, 1]), coef[:1], bias[:1]))
    whole.estimators_ = [
        _logistic(np.array([0, 1]), coef[k : k + 1], bias[k : k + 1]) for k in range(len(coef))
    ]
    whole.classes_ = np.array(rows.labels)
    # From it scikit-learn knows that labels may coincide.
    whole.label_binarizer_ = LabelBinarizer().fit(rows.given.astype(int))
    return whole


def _logistic(classes: Any, coef: Floats, bias: Floats) -> Any:
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression()
    model.classes_ = classes
    model.coef_, model.intercept_ = np.asarray(coef, dtype=float), np.asarray(bias, dtype=float)
    if len(classes) == 2 and len(coef) == 2:
        # scikit-learn keeps the difference of two labels only.
        model.coef_, model.intercept_ = coef[1:] - coef[:1], bias[1:] - bias[:1]
    model.n_features_in_ = coef.shape[1]
    model.n_iter_ = np.array([0], dtype=np.int32)
    return model


def _params(
    head: Head, rows: _Rows, style: Style, scaling: Scaling, seed: int
) -> dict[str, str | int | float]:
    """What it was made with, for the registry and the model card."""
    return {
        "algorithm": f"tf-idf + {head.words}" + (" + MiniLM" if rows.sentences is not None else ""),
        "c": head.strength,
        "style": style,
        "labels": len(rows.labels),
        "multi_label": str(rows.multi_label).lower(),
        "temperature": round(scaling.typical, 4),
        "seed": seed,
        "n_train": len(rows.texts),
    }
