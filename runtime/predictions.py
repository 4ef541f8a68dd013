"""What a predictor returns."""

from collections.abc import Iterator
from itertools import repeat
from typing import Any, overload

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from .errors import OptionError
from .output_decoder import OutputDecoder, class_indices
from .tensors import largest_of_rows


# A structure of msgspec is made in a quarter of the time that a dataclass takes: at a microsecond for a whole
# inference that matters. It is not tracked by the garbage collector: no cycle leads through arrays and bytes.
class Prediction(Struct, frozen=True, eq=False, gc=False):
    """The answer for one image.

    Attributes:
        label: The name of the most probable class, whose number is `index`.
        confidence: Its probability, 0..1.
    """

    label: str
    index: int
    confidence: float
    _raw: NDArray[Any] | bytes
    _decoder: OutputDecoder

    @property
    def probabilities(self) -> NDArray[np.float32]:
        """`(classes,)` float32; of one sigmoid `(1,)`, the second class's."""
        row: NDArray[np.float32] = self._decoder.decode(self._decoder.rows(self._raw))[0]
        return row

    @property
    def class_names(self) -> tuple[str, ...]:
        """The names of all classes."""
        return self._decoder.labels

    @property
    def class_probabilities(self) -> NDArray[np.float32]:
        """`(classes,)` float32: the probability of each class, of one sigmoid for both."""
        probabilities = self.probabilities
        if len(probabilities) == len(self.class_names):
            return probabilities
        return np.array([1 - probabilities[0], probabilities[0]], np.float32)

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

    def __repr__(self) -> str:
        return f"Prediction(label={self.label!r}, index={self.index}, confidence={self.confidence!r})"


class Values(Struct, frozen=True, eq=False):
    """The answer of a model of values for one item.

    Attributes:
        values: Float32, of the shape that the model's signature has.
    """

    values: NDArray[np.float32]


class Predictions(Struct, eq=False, gc=False):
    """The answers for a batch; index or iterate it for one `Prediction` per image.

    The raw output is kept as the engine gave it and decoded when it is read, so that a caller who reads only
    the indices pays for nothing else.
    """

    _given: Any
    _decoder: OutputDecoder
    _values: "NDArray[np.float32] | None" = None

    @property
    def _raw(self) -> NDArray[Any]:
        """The raw output, `(N, ...)`."""
        raw: NDArray[Any] = self._given
        return raw

    @property
    def values(self) -> NDArray[np.float32]:
        """The model's outputs, `(N, ...)` float32: probabilities for classes."""
        if self._values is None:
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
        return tuple(self._decoder.names.take(self.indices).tolist())

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
        raw, decoder = self._given[position], self._decoder
        if isinstance(position, slice):
            return Predictions(raw, decoder)
        labels = decoder.labels
        if decoder.is_ranked:  # here and not in a function, which would take a tenth of the time
            index = int(raw.argmax())
            share = raw.item(index)
            confidence = decoder.share_of_byte[share] if decoder.share_of_byte else share
            return Prediction(labels[index], index, confidence, raw, decoder)
        if not labels:
            return Values(self.values[position])
        index, confidence = decoder.most_probable(raw)
        return Prediction(labels[index], index, confidence, raw, decoder)

    def __iter__(self) -> Iterator[Any]:
        decoder = self._decoder
        if not decoder.is_ranked:
            return (self[position] for position in range(len(self)))
        indices = self.indices.tolist()  # all at once, for a third of the time
        names, shares = map(decoder.labels.__getitem__, indices), self.confidences.tolist()
        return map(Prediction, names, indices, shares, self._raw, repeat(decoder))

    def __repr__(self) -> str:
        return f"<Predictions for {len(self)} image(s)>"


class OnePrediction(Predictions, eq=False, gc=False):
    """The answer for one image by an engine that returns it as a `Prediction`."""

    @property
    def _raw(self) -> NDArray[Any]:
        return self._decoder.rows(self._given._raw)  # noqa: SLF001 - a class of this module

    def __len__(self) -> int:
        return 1

    def __getitem__(self, position: int | slice) -> Any:
        return self._given if position == 0 else Predictions(self._raw, self._decoder)[position]

    def __iter__(self) -> Iterator[Any]:
        return iter((self._given,))
