"""The kind `text`: one utterance in, one probability per label out."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ml.datasets import Dataset, Example, Reading, Split, filled, load_rows
from ml.kinds import Fitted, Progress
from ml.text.cleaning import clean
from ml.text.linear import LinearText

COLUMN = "text"
ALLOWED = frozenset(
    {
        ("sklearn.pipeline.Pipeline", "ObjectNode"),
        ("sklearn.pipeline.FeatureUnion", "ObjectNode"),
        ("sklearn.feature_extraction.text.TfidfVectorizer", "ObjectNode"),
        ("sklearn.feature_extraction.text.TfidfTransformer", "ObjectNode"),
        ("sklearn.linear_model._logistic.LogisticRegression", "ObjectNode"),
        ("sklearn.multiclass.OneVsRestClassifier", "ObjectNode"),
        ("sklearn.preprocessing._label.LabelBinarizer", "ObjectNode"),
        ("ml.text.embeddings.SentenceEmbedding", "ObjectNode"),
        ("numpy.ndarray", "NdArrayNode"),
        ("numpy.float64", "NdArrayNode"),
        ("numpy.float64", "TypeNode"),
        ("builtins.dict", "DictNode"),
        ("builtins.list", "ListNode"),
        ("builtins.tuple", "TupleNode"),
        ("builtins.str", "JsonNode"),
        ("builtins.str", "TypeNode"),
    }
)


def load(path: Path, reading: Reading = lambda share: None) -> Dataset:
    """Rows with a text each. Raises BadInput naming file, line and field."""
    return load_rows(path, COLUMN, _text, reading)


def fit(
    data: Dataset, *, seed: int, progress: Progress, options: Mapping[str, Any] | None = None
) -> Fitted:
    """See `ml.text.fit`."""
    from ml.text import fit as fitting

    return fitting.fit(data, seed=seed, progress=progress, options=options)


def quantised(made: Fitted) -> Fitted:
    """See `ml.text.fit`."""
    from ml.text import fit as fitting

    return fitting.quantised(made)


def serve(pipeline: Any, settings: Mapping[str, Any]) -> LinearText:
    """The fast path."""
    return LinearText.from_pipeline(pipeline, settings)


def reference(pipeline: Any, settings: Mapping[str, Any], inputs: Sequence[str]) -> Any:
    """scikit-learn's probabilities, n x labels."""
    return pipeline.predict_proba([clean(text, settings["style"]) for text in inputs])


def _text(row: Mapping[str, object], path: Path, line: int) -> tuple[str, str]:
    text = filled(row, "text", path, line)
    # Texts are the same when a model reads them the same.
    return text, clean(text)


def example(text: str, *labels: str, split: Split | None = None) -> Example:
    """A row that comes from no file."""
    return Example(text, tuple(sorted(labels)), split, key=clean(text))
