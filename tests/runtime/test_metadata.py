"""A lone model file, without its manifest, still says what it is."""

import shutil

import numpy as np
import pytest

from edgemnist.runtime import load_predictor
from edgemnist.runtime.artifact.metadata import Metadata, read_metadata
from edgemnist.runtime.errors import ArtifactError
from edgemnist.runtime.tensors import TensorSpec

CONTRACT = Metadata(
    model="letters",
    precision="int8",
    labels=("é", "b"),
    input=TensorSpec("image", "uint8", (None, 4, 4), 1 / 255, 0),
    output=TensorSpec("probabilities", "uint8", (None, 2), 1 / 256, 3),
    source_sha256="0" * 64,
    tools={"tensorflow": "2.21.0"},
)


def test_what_is_stored_is_what_is_read():
    assert read_metadata(CONTRACT.to_metadata() | {"other": "text"}) == CONTRACT


def test_a_foreign_file_has_no_contract():
    assert read_metadata({"producer": "someone else"}) is None


@pytest.mark.parametrize(
    "damage", [{"edgemnist.labels": "[1"}, {"edgemnist.input": "{}"}, {"edgemnist.more": "1"}]
)
def test_a_damaged_contract_is_refused(damage):
    with pytest.raises(ArtifactError, match="the contract inside the file is damaged"):
        read_metadata(CONTRACT.to_metadata() | damage)


@pytest.mark.parametrize("file", ["mnist.int8.tflite", "mnist.int8.onnx", "mnist.int8.ort"])
def test_a_lone_file_predicts_as_it_does_beside_its_manifest(artifacts, tmp_path, test_split, file):
    shutil.copy(artifacts / file, tmp_path)
    images = test_split.inputs[:200]
    with load_predictor(tmp_path / file) as lone, load_predictor(artifacts / file) as recorded:
        assert lone.class_names == recorded.class_names == tuple("0123456789")
        assert (lone.input, lone.output) == (recorded.input, recorded.output)
        np.testing.assert_array_equal(
            lone.predict(images).probabilities, recorded.predict(images).probabilities
        )
