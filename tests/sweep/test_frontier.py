import itertools
import random

import pytest

from edgemnist.sweep.frontier import Costs, Limits, best, frontier

COSTS = {
    "large": Costs(0.99, 400_000),
    "small": Costs(0.98, 100_000, 90_000, 9_000),
    "beaten": Costs(0.97, 100_000, 90_000, 9_000),
    "tiny": Costs(0.95, 20_000, 30_000, 40_000),
}


def test_the_frontier_has_what_nothing_else_beats_and_the_most_accurate_first():
    assert frontier(COSTS) == ["large", "small", "tiny"]


def test_points_that_are_equal_are_both_on_the_frontier():
    assert frontier({"a": Costs(0.9, 1), "b": Costs(0.9, 1)}) == ["a", "b"]


def test_the_frontier_is_that_of_comparing_all_pairs():
    draw = random.Random(0)
    costs = {
        str(n): Costs(draw.randrange(5) / 5, draw.randrange(5), draw.choice([None, 1, 2]), 3)
        for n in range(60)
    }

    def beaten(mine):
        return any(
            all(a <= b for a, b in zip(other.taken(), mine.taken(), strict=True))
            and other.taken() != mine.taken()
            for other in costs.values()
        )

    assert set(frontier(costs)) == {name for name, one in costs.items() if not beaten(one)}


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        (Limits(), None),
        (Limits(max_flash=128 * 1024), "small"),
        (Limits(max_flash=128 * 1024, min_accuracy=0.99), None),
        (Limits(max_ram=8_000), None),
        (Limits(max_flash=80_000), "tiny"),
        (Limits(min_accuracy=0.9), "tiny"),
        (Limits(min_accuracy=0.98), "small"),
        (Limits(min_accuracy=0.985), "large"),
    ],
)
def test_the_best_is_the_most_accurate_that_fits_or_the_smallest_that_is_accurate_enough(limits, expected):
    assert best(COSTS, limits) == expected


def test_the_order_of_points_changes_nothing():
    for order in itertools.permutations(COSTS):
        shuffled = {name: COSTS[name] for name in order} | {"large again": COSTS["large"]}
        assert frontier(shuffled) == ["large", "large again", "small", "tiny"]
        assert best(shuffled, Limits(max_flash=99_999)) == "small"
