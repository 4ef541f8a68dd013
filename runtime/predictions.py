"""What a predictor returns."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from .errors import OptionError
from .tensors import TensorSpec, to_real

# So many are quicker compared by Python than by numpy, which takes its time to begin.
_FEW_CLASSES = 32


@dataclass(frozen=True, slots=True, eq=False)
class Prediction:
    """The answer for one image.

    Attributes:
        label: The name of the most probable class, whose number is `index`.
        confidence: Its probability, 0..1.
        probabilities: `(classes,)` float32.
    """

    label: str
    index: int
    confidence: float
    probabilities: NDArray[np.float32] = field(repr=False)
    class_names: tuple[str, ...] = field(repr=False)

    def top(self, count: int) -> tuple[tuple[str, float], ...]:
        """Return the `count` most probable classes with their probabilities, the most probable first.

        Raises:
            OptionError: `count` is below 1 or above the number of classes.
        """
        if not 1 <= count <= len(self.class_names):
            raise OptionError(
                "top of a wrong number of classes", received=count, expected=f"1..{len(self.class_names)}"
            )
        order = np.argsort(-self.probabilities, kind="stable")[:count]
        return tuple((self.class_names[index], float(self.probabilities[index])) for index in order)


class OutputDecoder:
    """The meaning of a model's raw output: its classes, and the real value behind each raw one."""

    __slots__ = ("_one_of_byte", "_real_of_byte", "_tensor", "class_names")

    def __init__(self, tensor: TensorSpec, class_names: tuple[str, ...]) -> None:
        self.class_names, self._tensor, self._real_of_byte = class_names, tensor, None
        self._one_of_byte: tuple[NDArray[np.float32], ...] = ()
        if tensor.quantized and np.dtype(tensor.dtype).itemsize == 1:
            self._real_of_byte = to_real(np.arange(256, dtype=np.uint8).view(tensor.dtype), tensor)
            if tensor.dtype == "uint8" and len(class_names) <= _FEW_CLASSES:
                self._one_of_byte = tuple(self._real_of_byte.reshape(256, 1))

    def decode(self, raw: NDArray[Any]) -> NDArray[np.float32]:
        """Return what raw output values stand for, as float32 of the same shape."""
        if raw.dtype == np.float32:
            return raw
        if self._real_of_byte is not None:  # one gather is half the price of a subtraction and a product
            return self._real_of_byte.take(raw if raw.dtype == np.uint8 else raw.view(np.uint8))
        return to_real(raw, self._tensor)

    def largest_of_one(self, raw: NDArray[Any]) -> NDArray[np.float32]:
        """Return what the largest of one image's raw output values stands for, `(1,)` float32."""
        if self._one_of_byte:  # a third of what it costs to index and gather
            return self._one_of_byte[max(raw.tobytes())].copy()
        return self.decode(raw[:, raw.argmax()])


class Predictions:
    """The answers for a batch; index or iterate it for one `Prediction` per image.

    The raw output is kept as the engine gave it and decoded when it is read, so that a caller who reads only
    the indices pays for nothing else.
    """

    __slots__ = ("_decoder", "_probabilities", "_raw")

    _probabilities: NDArray[np.float32]

    def __init__(self, raw: NDArray[Any], decoder: OutputDecoder) -> None:
        self._raw, self._decoder = raw, decoder

    @property
    def probabilities(self) -> NDArray[np.float32]:
        """`(N, classes)` float32, rows sum to 1 (in an int8 artifact within its quantization step)."""
        try:
            return self._probabilities
        except AttributeError:
            self._probabilities = self._decoder.decode(self._raw)
            return self._probabilities

    @property
    def class_names(self) -> tuple[str, ...]:
        """The name of each class."""
        return self._decoder.class_names

    @property
    def indices(self) -> NDArray[np.int64]:
        """The number of the most probable class of each image, `(N,)` int64."""
        # A quantization step is positive: raw order is real order.
        indices: NDArray[np.int64] = self._raw.argmax(axis=1)
        return indices

    @property
    def labels(self) -> tuple[str, ...]:
        """The name of the most probable class of each image."""
        names = self.class_names
        return tuple([names[index] for index in self.indices.tolist()])

    @property
    def confidences(self) -> NDArray[np.float32]:
        """The probability of each image's most probable class, `(N,)` float32."""
        raw = self._raw
        if len(raw) == 1:  # a quarter of what a reduction costs
            return self._decoder.largest_of_one(raw)
        return self._decoder.decode(raw.max(axis=1))

    def __len__(self) -> int:
        return len(self._raw)

    @overload
    def __getitem__(self, position: int) -> Prediction: ...
    @overload
    def __getitem__(self, position: slice) -> "Predictions": ...
    def __getitem__(self, position: int | slice) -> "Prediction | Predictions":
        if isinstance(position, slice):
            return Predictions(self._raw[position], self._decoder)
        probabilities = self.probabilities[position]
        index = int(probabilities.argmax())
        names = self.class_names
        return Prediction(names[index], index, float(probabilities[index]), probabilities, names)

    def __iter__(self) -> Iterator[Prediction]:
        return (self[position] for position in range(len(self)))

    def __repr__(self) -> str:
        return f"<Predictions for {len(self)} image(s)>"
