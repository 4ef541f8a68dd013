"""What a predictor returns."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from .errors import OptionError
from .signature import OutputSpec
from .tensors import TensorSpec, largest_of_rows, to_real

# So many are quicker compared by Python than by numpy, which takes its time to begin.
_FEW_CLASSES = 32


@dataclass(frozen=True, slots=True, eq=False)
class Prediction:
    """The answer for one image.

    Attributes:
        label: The name of the most probable class, whose number is `index`.
        confidence: Its probability, 0..1.
        probabilities: `(classes,)` float32; of one sigmoid `(1,)`, the second class's.
    """

    label: str
    index: int
    confidence: float
    probabilities: NDArray[np.float32] = field(repr=False)
    class_names: tuple[str, ...] = field(repr=False)

    @property
    def class_probabilities(self) -> NDArray[np.float32]:
        """`(classes,)` float32: the probability of each class, of one sigmoid for both."""
        if len(self.probabilities) == len(self.class_names):
            return self.probabilities
        return np.array([1 - self.probabilities[0], self.probabilities[0]], np.float32)

    def top(self, count: int) -> tuple[tuple[str, float], ...]:
        """Return the `count` most probable classes with their probabilities, the most probable first.

        Raises:
            OptionError: `count` is below 1 or above the number of classes.
        """
        if not 1 <= count <= len(self.class_names):
            raise OptionError(
                "top of a wrong number of classes", received=count, expected=f"1..{len(self.class_names)}"
            )
        shares = self.class_probabilities
        order = np.argsort(-shares, kind="stable")[:count]
        return tuple((self.class_names[index], float(shares[index])) for index in order)


@dataclass(frozen=True, slots=True, eq=False)
class Values:
    """The answer of a model of values for one item.

    Attributes:
        values: Float32, of the shape that the model's signature has.
    """

    values: NDArray[np.float32]


class OutputDecoder:
    """The meaning of a model's raw output: what it is, and the real value behind each raw one."""

    __slots__ = ("_one_of_byte", "_real_of_byte", "_tensor", "spec")

    def __init__(self, tensor: TensorSpec, spec: OutputSpec) -> None:
        self.spec, self._tensor, self._real_of_byte = spec, tensor, None
        self._one_of_byte: tuple[NDArray[np.float32], ...] = ()
        if tensor.quantized and np.dtype(tensor.dtype).itemsize == 1 and spec.activation != "logits":
            self._real_of_byte = to_real(np.arange(256, dtype=np.uint8).view(tensor.dtype), tensor)
            if tensor.dtype == "uint8" and 1 < spec.classes <= _FEW_CLASSES and not spec.is_binary:
                self._one_of_byte = tuple(self._real_of_byte.reshape(256, 1))

    def decode(self, raw: NDArray[Any]) -> NDArray[np.float32]:
        """Return what raw output stands for, of logits the probabilities, as float32 of the same shape."""
        if self.spec.activation == "logits":
            return _probabilities(to_real(raw, self._tensor))
        if raw.dtype == np.float32:
            return raw
        if self._real_of_byte is not None:  # one gather is half the price of a subtraction and a product
            return self._real_of_byte.take(raw if raw.dtype == np.uint8 else raw.view(np.uint8))
        return to_real(raw, self._tensor)

    def confidences(self, raw: NDArray[Any]) -> NDArray[np.float32]:
        """Return the probability of each item's most probable class, `(N,)` float32."""
        if self.spec.is_binary or self.spec.activation == "logits":
            probabilities = self.decode(raw)
            largest: NDArray[np.float32] = probabilities.max(axis=1)
            return np.maximum(largest, 1 - largest) if self.spec.is_binary else largest
        if len(raw) > 1:
            return self.decode(raw.max(axis=1))
        if self._one_of_byte:  # a third of what it costs to index and gather
            return self._one_of_byte[max(raw.tobytes())].copy()
        return self.decode(raw[:, raw.argmax()])


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


class Predictions:
    """The answers for a batch; index or iterate it for one `Prediction` per image.

    The raw output is kept as the engine gave it and decoded when it is read, so that a caller who reads only
    the indices pays for nothing else.
    """

    __slots__ = ("_decoder", "_raw", "_values")

    _values: NDArray[np.float32]

    def __init__(self, raw: NDArray[Any], decoder: OutputDecoder) -> None:
        self._raw, self._decoder = raw, decoder

    @property
    def values(self) -> NDArray[np.float32]:
        """The model's outputs, `(N, ...)` float32: probabilities for classes."""
        try:
            return self._values
        except AttributeError:
            self._values = self._decoder.decode(self._raw)
            return self._values

    @property
    def probabilities(self) -> NDArray[np.float32]:
        """`(N, classes)` float32, rows of a softmax sum to 1 (in integers within their quantization step).

        Where one sigmoid tells two classes apart, `(N, 1)`: the probability of the second.

        Raises:
            OptionError: The model gives values and no classes.
        """
        self._require_classes()
        return self.values

    @property
    def class_names(self) -> tuple[str, ...]:
        """The name of each class; none for a model of values."""
        return self._decoder.spec.labels

    @property
    def indices(self) -> NDArray[np.int64]:
        """The number of the most probable class of each item, `(N,)` int64; errors as of `probabilities`."""
        spec = self._decoder.spec
        if spec.is_binary:
            return class_indices(self.values)
        if spec.kind == "values":
            self._require_classes()
        # A quantization step is positive: raw order is real order.
        return largest_of_rows(self._raw)

    @property
    def labels(self) -> tuple[str, ...]:
        """The name of the most probable class of each item; errors as of `probabilities`."""
        names = self.class_names
        return tuple([names[index] for index in self.indices.tolist()])

    @property
    def confidences(self) -> NDArray[np.float32]:
        """The probability of each item's class, `(N,)` float32; errors as of `probabilities`."""
        if self._decoder.spec.kind == "values":
            self._require_classes()
        return self._decoder.confidences(self._raw)

    def _require_classes(self) -> None:
        if self._decoder.spec.kind != "classes":
            raise OptionError("the model gives values, no classes", fix="Read `values`.")

    def __len__(self) -> int:
        return len(self._raw)

    @overload
    def __getitem__(self, position: int) -> Any: ...
    @overload
    def __getitem__(self, position: slice) -> "Predictions": ...
    def __getitem__(self, position: int | slice) -> Any:
        """Return one item's `Prediction`, its `Values` for a model of values, or a part of the batch."""
        if isinstance(position, slice):
            return Predictions(self._raw[position], self._decoder)
        spec, values = self._decoder.spec, self.values[position]
        if spec.kind == "values":
            return Values(values)
        index = int(values[0] > 0.5) if spec.is_binary else int(values.argmax())  # noqa: PLR2004
        confidence = float(1 - values[0] if spec.is_binary and not index else values.max())
        return Prediction(spec.labels[index], index, confidence, values, spec.labels)

    def __iter__(self) -> Iterator[Any]:
        return (self[position] for position in range(len(self)))

    def __repr__(self) -> str:
        return f"<Predictions for {len(self)} image(s)>"
