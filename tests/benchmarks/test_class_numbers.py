"""Labels that leave class numbers empty are refused before a training, with what to do."""

import numpy as np
import pytest

from edgemnist.data.datasets import Split, require_classes
from edgemnist.runtime.errors import DatasetError


def labels(*numbers: int) -> np.ndarray:
    return np.array(numbers, np.uint8)


def split(*numbers: int) -> Split:
    return Split(np.zeros((len(numbers), 2, 2), np.uint8), labels(*numbers), "mine.npz")


def test_numbers_from_0_without_gaps_are_accepted():
    require_classes(split(2, 0, 1, 1), labels(1, 2))
    require_classes(split(0), labels(0))


@pytest.mark.parametrize("allow_empty", [False, True])
def test_test_images_of_other_classes_are_refused(allow_empty):
    with pytest.raises(DatasetError, match=r"received class 2, 3, 10; expected 0 to 1"):
        require_classes(split(0, 1), labels(10, 3, 2, 0), allow_empty=allow_empty)


@pytest.mark.parametrize(
    ("numbers", "sentence"),
    [
        (
            (1, 2, 3),
            r"the labels of mine\.npz start at 1; received no training image of class 0; expected .*from 0",
        ),
        ((0, 1, 3), r"1 of the 4 classes of mine\.npz have no training image; received .* of class 2;"),
        (
            (0, 77),
            r"76 of the 78 classes .* of class 1, 2, 3, 4, 5, 6, 7, 8 and 68 more;.*--allow-empty-classes",
        ),
    ],
)
def test_empty_class_numbers_are_refused_unless_they_are_meant(numbers, sentence):
    with pytest.raises(DatasetError, match=sentence):
        require_classes(split(*numbers), labels(numbers[-1]))
    require_classes(split(*numbers), labels(numbers[-1]), allow_empty=True)
