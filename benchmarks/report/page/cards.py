"""Test inputs as cards of the page: those with another answer than the reference's, and the mistakes."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....data.datasets import Split
from ....runtime.predictions import class_indices
from ...analysis.reliability import confidences_of
from .shown_inputs import MAX_NUMBERS, ShownInput, shown

MAX_CARDS = 48
MAX_NUMBER_CARDS = 24  # tables are taller than pictures
MAX_VALUE_CARDS = 12
MAX_VALUES = 4  # of one output that are shown
MAX_NAME = 42  # characters, three lines of a card


@dataclass(frozen=True, slots=True)
class Card:
    """A test input and the answers for it.

    Attributes:
        index: Its number in the test set.
        title: Its true class, "" where that is not known.
        lines: Who answered, and what.
        kind: Where there is a reference "broke" if it was right and the model is wrong, "fixed" the other way
            around, else "other".
    """

    index: int
    shown: ShownInput
    title: str
    lines: tuple[tuple[str, str], ...]
    kind: str = ""


def mistaken(
    indices: Iterable[int], split: Split, probabilities: NDArray[np.float32], names: Sequence[str]
) -> tuple[Card, ...]:
    """Return a card for each of the first of some inputs, with a model's answer.

    `probabilities` are those for all inputs, (N, classes) or (N, 1) for the second of two; `names` are the
    classes' names.
    """
    labels, sure = class_indices(probabilities), confidences_of(probabilities)
    return tuple(
        Card(
            index,
            shown(split.inputs[index]),
            _truth(split, index, names),
            (_answer(labels[index], sure[index], names),),
        )
        for index in _first(indices, split)
    )


def flipped(
    indices: Iterable[int],
    split: Split,
    probabilities: NDArray[np.float32],
    reference: NDArray[np.float32],
    names: Sequence[str],
) -> tuple[Card, ...]:
    """Return the same with what the reference's probabilities, of the same shape, made of the inputs."""
    labels, before = class_indices(probabilities), class_indices(reference)
    sure = confidences_of(probabilities)
    found = []
    for index in _first(indices, split):
        truth = None if split.labels is None else split.labels[index]
        kind = "fixed" if labels[index] == truth else "broke" if before[index] == truth else "other"
        answers = (
            ("Keras", name_of(before[index], names)),
            _answer(labels[index], sure[index], names),
        )
        found.append(Card(index, shown(split.inputs[index]), _truth(split, index, names), answers, kind))
    return tuple(found)


def farthest(split: Split, values: NDArray[np.float32], reference: NDArray[np.float32]) -> tuple[Card, ...]:
    """Return the inputs on which a model's values, (N, ...), differ most from the reference's, as cards."""
    own, wanted = (array.reshape(len(array), -1) for array in (values, reference))
    apart = np.abs(own.astype(np.float64) - wanted)
    order = np.argsort(-apart.max(axis=1), kind="stable")[:MAX_VALUE_CARDS]
    targets = None
    if split.targets is not None and split.targets.size == values.size:
        targets = split.targets.reshape(own.shape)
    found = []
    for index in map(int, order):
        if not apart[index].max():
            break
        places = np.arange(own.shape[1])
        if own.shape[1] > MAX_VALUES:
            places = apart[index].argmax(keepdims=True)
        which = "" if own.shape[1] <= MAX_VALUES else f" [{_place(values.shape[1:], int(places[0]))}]"
        lines = [(f"Keras{which}", _numbers(wanted[index, places])), ("model", _numbers(own[index, places]))]
        if targets is not None:
            lines.append(("target", _numbers(targets[index, places])))
        found.append(Card(index, shown(split.inputs[index]), "", tuple(lines)))
    return tuple(found)


def name_of(index: Any, names: Sequence[str]) -> str:
    """Return a class's name, or its number where it has none."""
    return names[index] if index < len(names) else str(index)


def _first(indices: Iterable[int], split: Split) -> Iterator[int]:
    """Yield as many of some inputs' numbers as there is room for their cards."""
    in_table = split.kind == "features" and split.inputs[0].size <= MAX_NUMBERS
    return map(int, islice(indices, MAX_NUMBER_CARDS if in_table else MAX_CARDS))


def shortened(text: str, most: int = MAX_NAME) -> str:
    """Return a text that is too long without its middle: names of classes differ at either end."""
    if len(text) <= most:
        return text
    tail = most // 3
    return f"{text[: most - tail - 1]}…{text[-tail:]}"


def _truth(split: Split, index: int, names: Sequence[str]) -> str:
    return "" if split.labels is None else name_of(int(split.labels[index]), names)


def _answer(label: Any, confidence: Any, names: Sequence[str]) -> tuple[str, str]:
    return f"model, {100 * confidence:.1f} %", name_of(int(label), names)


def _numbers(values: NDArray[np.float32]) -> str:
    return ", ".join(f"{value:.4g}" for value in values.tolist())


def _place(shape: tuple[int, ...], flat: int) -> str:
    return ", ".join(str(int(axis)) for axis in np.unravel_index(flat, shape))
