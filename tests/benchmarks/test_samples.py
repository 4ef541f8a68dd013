"""Compact samples come back as they were."""

import numpy as np
import pytest

from edgemnist.benchmarks.report.compact_arrays import decode_array, encode_array
from edgemnist.runtime.errors import ArtifactError


@pytest.mark.parametrize("largest", [0, 255, 256, 70_000, 2**32, 2**40])
def test_samples_survive_the_round_trip(largest):
    samples = np.array([0, 1, largest // 2, largest])
    assert decode_array(encode_array(samples)).tolist() == samples.tolist()


def test_no_samples_survive_too():
    assert decode_array(encode_array(np.array([], np.int64))).size == 0


def test_latencies_take_less_room_than_as_text():
    samples = np.random.default_rng(0).lognormal(10, 0.05, 5000).astype(np.int64)
    assert len(encode_array(samples)["zlib_base64"]) < 0.6 * len(str(samples.tolist()))


@pytest.mark.parametrize(
    "damage",
    [{"zlib_base64": "%%%"}, {"zlib_base64": "AAAA"}, {"count": 4}],
)
def test_damaged_samples_are_an_error(damage):
    document = encode_array(np.arange(5)) | damage
    with pytest.raises(ArtifactError, match="raw samples are damaged"):
        decode_array(document)
