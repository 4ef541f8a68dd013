"""Data that are refused, with a way out."""

from pathlib import Path

import pytest

from edgemnist.data import Wanted, load_split
from edgemnist.runtime.errors import DatasetError


def refused(path: Path, *words: str, wanted: Wanted | None = None) -> None:
    with pytest.raises(DatasetError) as caught:
        load_split(path, "test", wanted)
    for word in words:
        assert word in str(caught.value)
    assert caught.value.fix
