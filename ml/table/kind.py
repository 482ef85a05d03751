"""The kind `table`: the columns of a row in, one probability per label out."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ml.datasets import Dataset, Reading
from ml.kinds import Fitted, Progress
from ml.table.encode import Encoding
from ml.table.model import TableModel
from ml.table.rows import LABEL, dataset_of, load_table, table_of

COLUMN = LABEL
_TREES = "sklearn.ensemble._hist_gradient_boosting"
ALLOWED = frozenset(
    {
        ("sklearn.pipeline.Pipeline", "ObjectNode"),
        ("sklearn.linear_model._logistic.LogisticRegression", "ObjectNode"),
        (f"{_TREES}.gradient_boosting.HistGradientBoostingClassifier", "ObjectNode"),
        (f"{_TREES}.binning._BinMapper", "ObjectNode"),
        (f"{_TREES}.predictor.TreePredictor", "ObjectNode"),
        ("sklearn.preprocessing._label.LabelEncoder", "ObjectNode"),
        ("sklearn._loss.link.Interval", "ObjectNode"),
        ("sklearn._loss.link.LogitLink", "ObjectNode"),
        ("sklearn._loss.link.MultinomialLogit", "ObjectNode"),
        ("sklearn._loss.loss.HalfBinomialLoss", "ObjectNode"),
        ("sklearn._loss.loss.HalfMultinomialLoss", "ObjectNode"),
        ("sklearn._loss._loss.CyHalfBinomialLoss", "LossNode"),
        ("sklearn._loss._loss.CyHalfMultinomialLoss", "LossNode"),
        ("numpy.random._generator.Generator", "RandomGeneratorNode"),
        ("numpy.ndarray", "NdArrayNode"),
        ("numpy.float64", "NdArrayNode"),
        ("numpy.float64", "TypeNode"),
        ("numpy.uint64", "NdArrayNode"),
        ("builtins.dict", "DictNode"),
        ("builtins.list", "ListNode"),
        ("builtins.tuple", "TupleNode"),
        ("builtins.str", "JsonNode"),
        ("builtins.str", "TypeNode"),
    }
)


def load(path: Path, reading: Reading = lambda share: None) -> Dataset:
    """Rows in the order of time, the label in a column of that name. Raises BadInput."""
    del reading  # polars reads it in one go
    return dataset_of(load_table(path))


def fit(
    data: Dataset, *, seed: int, progress: Progress, options: Mapping[str, Any] | None = None
) -> Fitted:
    """See `ml.table.fit`. What leaks must be gone already (`ml.table.leaks`)."""
    from ml.table import fit as fitting

    return fitting.fit(table_of(data), seed=seed, progress=progress).fitted


def serve(pipeline: Any, settings: Mapping[str, Any]) -> TableModel:
    """In numpy alone."""
    return TableModel(pipeline, settings)


def reference(
    pipeline: Any, settings: Mapping[str, Any], inputs: Sequence[Mapping[str, Any]]
) -> Any:
    """scikit-learn's probabilities, n x labels."""
    return pipeline.predict_proba(Encoding.from_json(settings["columns"]).matrix(inputs))
