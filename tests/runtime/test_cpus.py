import os

import pytest

from edgemnist.runtime.process import usable_cpu_count, usable_cpus


@pytest.fixture
def one_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: {3}, raising=False)
    monkeypatch.setattr(os, "process_cpu_count", lambda: 1, raising=False)


@pytest.mark.usefixtures("one_cpu")
def test_only_the_cpus_of_this_process_count() -> None:
    assert usable_cpus() == (3,)
    assert usable_cpu_count() == 1


def test_where_the_system_does_not_pin_all_cpus_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.delattr(os, "process_cpu_count", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 5)
    assert usable_cpus() == ()
    assert usable_cpu_count() == 5


def test_python_3_13_is_asked_since_its_users_may_choose_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "process_cpu_count", lambda: 7, raising=False)
    assert usable_cpu_count() == 7


def test_at_least_one_cpu_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "process_cpu_count", lambda: None, raising=False)
    assert usable_cpu_count() == 1


def test_augmentation_starts_where_the_system_does_not_pin(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on macOS and Windows; `sched_getaffinity` was called there without asking."""
    pytest.importorskip("cv2")
    import numpy as np

    from edgemnist.export.training.augmentation import augmented_sets
    from edgemnist.export.training.recipe import EDGE

    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.delattr(os, "process_cpu_count", raising=False)
    with augmented_sets(np.zeros((3, 28, 28), np.uint8), EDGE.augmentation, range(1), seed=0) as sets:
        assert next(sets).shape == (3, 28, 28)
