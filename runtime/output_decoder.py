"""What a model's raw output means."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .signature import OutputSpec
from .tensors import TensorSpec, to_real

_FEW_CLASSES = 32


class OutputDecoder:
    """The meaning of a model's raw output: what it is, and the real value behind each raw one.

    Attributes:
        spec: What the output is.
        labels, names: The class names, none for values; as an array of objects, which numpy takes from.
        share_of_byte: The probability that each byte stands for, where raw output is one byte for each of
            several probabilities; else none. A raw integer is its index: negative ones count from the end.
        is_ranked: Whether the largest raw number is the most probable class's, and its probability is known
            by `share_of_byte` or is the number itself.
    """

    __slots__ = ("_real_of_byte", "_tensor", "is_ranked", "labels", "names", "share_of_byte", "spec")

    def __init__(self, tensor: TensorSpec, spec: OutputSpec) -> None:
        self.spec, self.labels, self._tensor, self._real_of_byte = spec, spec.labels, tensor, None
        self.names = np.array(spec.labels, object)
        self.share_of_byte: tuple[float, ...] = ()
        several = spec.kind == "classes" and not spec.is_binary and spec.activation != "logits"
        if tensor.quantized and np.dtype(tensor.dtype).itemsize == 1 and spec.activation != "logits":
            self._real_of_byte = to_real(np.arange(256, dtype=np.uint8).view(tensor.dtype), tensor)
            if several:
                self.share_of_byte = tuple(self._real_of_byte.tolist())
        is_float = not tensor.quantized and np.dtype(tensor.dtype).kind == "f"
        self.is_ranked = several and (is_float or self.share_of_byte != ())

    def rows(self, raw: NDArray[Any] | bytes) -> NDArray[Any]:
        """Return one item's raw output, which may be bytes, as a batch of one: `(1, ...)`."""
        if isinstance(raw, bytes):
            raw = np.frombuffer(raw, self._tensor.dtype)
        return raw[None]

    def decode(self, raw: NDArray[Any]) -> NDArray[np.float32]:
        """Return what raw output stands for, of logits the probabilities, as float32 of the same shape."""
        if self.spec.activation == "logits":
            return _probabilities(to_real(raw, self._tensor))
        if raw.dtype == np.float32:
            return raw
        if self._real_of_byte is not None:  # one gather is half the price of a subtraction and a product
            return self._real_of_byte.take(raw if raw.dtype == np.uint8 else raw.view(np.uint8))
        return to_real(raw, self._tensor)

    def most_probable(self, raw: NDArray[Any]) -> tuple[int, float]:
        """Return the number and the probability of the most probable class of one item's raw output."""
        if self.spec.is_binary:
            second = self.decode(raw[None])[0, 0]
            return (1, float(second)) if second > 0.5 else (0, float(1 - second))  # noqa: PLR2004
        probabilities = self.decode(raw[None])[0]
        index = int(probabilities.argmax())
        return index, probabilities.item(index)

    def confidences(self, raw: NDArray[Any]) -> NDArray[np.float32]:
        """Return the probability of each item's most probable class, `(N,)` float32."""
        if self.spec.is_binary or self.spec.activation == "logits":
            probabilities = self.decode(raw)
            largest: NDArray[np.float32] = probabilities.max(axis=1)
            return np.maximum(largest, 1 - largest) if self.spec.is_binary else largest
        if raw.shape[1] <= _FEW_CLASSES:  # an eighth of the time: numpy begins anew for each short row
            return self.decode(np.ascontiguousarray(raw.T).max(axis=0))
        return self.decode(raw.max(axis=1))


def class_indices(probabilities: NDArray[Any]) -> NDArray[np.int64]:
    """Return the number of each item's most probable class, `(N,)` int64.

    Args:
        probabilities: `(N, classes)`, or `(N, 1)` for the probability of the second of two classes.
    """
    if probabilities.shape[1] == 1:
        second: NDArray[np.int64] = (probabilities[:, 0] > 0.5).astype(np.int64)  # noqa: PLR2004 - more likely
        return second
    indices: NDArray[np.int64] = probabilities.argmax(axis=1)
    return indices


def _probabilities(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the softmax of each row, or the sigmoid of a single number."""
    if logits.shape[1] == 1:
        logits = np.concatenate([np.zeros_like(logits), logits], axis=1)
        return _probabilities(logits)[:, 1:]
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    shares: NDArray[np.float32] = exponentials / exponentials.sum(axis=1, keepdims=True)
    return shares
