"""Graphs of several operators: dynamic batches, several outputs, the real networks."""

import os
from pathlib import Path

import numpy as np
import pytest

from edgemnist.export.codegen import Match
from edgemnist.export.codegen.emitting.writing import read_plan

from .build import File
from .run import assert_exact, assert_layers_exact

MODELS = Path(os.environ.get("EDGEMNIST_MODELS", "nowhere"))
_ARENAS = {"kws.int8.tflite": 8_640, "resnet8.int8.tflite": 33_792}


@pytest.mark.parametrize("name", _ARENAS)
def test_every_layer_of_a_real_network_is_exact(name):
    if not (MODELS / name).is_file():
        pytest.skip("EDGEMNIST_MODELS names no folder that holds it")
    compiled = assert_layers_exact((MODELS / name).read_bytes(), flags=("-O2",))
    assert compiled.plan.arena_bytes <= _ARENAS[name]


@pytest.mark.parametrize("name", _ARENAS)
def test_a_real_network_matches_tensorflow_lite_micro(name):
    if not (MODELS / name).is_file():
        pytest.skip("EDGEMNIST_MODELS names no folder that holds it")
    assert_exact((MODELS / name).read_bytes(), Match.TFLM, count=50, flags=("-O2",))


def test_shape_arithmetic_of_a_dynamic_batch_is_folded_away():
    file = File()
    source = file.tensor((1, 4, 3), scale=0.5, zero=3, signature=(-1, 4, 3))
    shape, first, wanted = file.tensor((3,), "int32"), file.tensor((), "int32"), file.tensor((2,), "int32")
    flat = file.tensor((1, 1), scale=0.5, zero=3, signature=(-1, -1))
    output = file.tensor((1, 12), scale=0.25, zero=-5, signature=(-1, 12))
    file.operator("SHAPE", [source], [shape], "ShapeOptions", outType=2)
    bounds = [file.constant([0]), file.constant([1]), file.constant([1])]
    file.operator("STRIDED_SLICE", [shape, *bounds], [first], "StridedSliceOptions", shrinkAxisMask=1)
    file.operator("PACK", [first, file.constant(12)], [wanted], "PackOptions", valuesCount=2, axis=0)
    file.operator("RESHAPE", [source, wanted], [flat], "ReshapeOptions")
    file.operator("QUANTIZE", [flat], [output], "QuantizeOptions")
    compiled = assert_exact(file.content([source], [output]))
    assert [step.kernel for step in compiled.plan.steps] == ["lookup"]


def test_several_outputs_may_be_inputs_constants_and_each_other():
    file = File()
    source = file.tensor((1, 6), scale=0.5, zero=3)
    other = file.tensor((1, 6), scale=0.25, zero=1)
    reshaped = file.tensor((2, 3), scale=0.25, zero=1)
    file.operator("QUANTIZE", [source], [other], "QuantizeOptions")
    file.operator("RESHAPE", [other, file.constant([2, 3])], [reshaped], "ReshapeOptions")
    assert_exact(file.content([source], [other, reshaped, source]))


def test_an_output_that_is_needed_later_is_read_where_it_lies():
    file = File()
    source = file.tensor((1, 6), scale=0.5, zero=3)
    middle, last = file.tensor((1, 6), scale=0.25, zero=1), file.tensor((1, 6), scale=0.75, zero=-8)
    file.operator("QUANTIZE", [source], [middle], "QuantizeOptions")
    file.operator("ADD", [middle, source], [last], "AddOptions")
    compiled = assert_exact(file.content([source], [middle, last]))
    assert compiled.plan.arena_bytes == 0


def test_a_missing_operator_is_named_with_its_layer():
    file = File()
    source = file.tensor((1, 6), scale=0.5, zero=3)
    output = file.tensor((1, 6), scale=0.5, zero=3, name="model/wave")
    file.operator("COS", [source], [output], "CosOptions")
    with pytest.raises(Exception, match=r"COS 'model/wave' \(operator 0\): there is no C for the operator"):
        read_plan(file.content([source], [output]))


def test_weights_of_another_type_are_named_with_their_layer():
    file = File()
    source = file.tensor((1, 6), scale=0.5, zero=3)
    weights = file.tensor((2, 6), scale=0.5, zero=7, data=np.ones((2, 6), np.int8))
    output = file.tensor((1, 2), scale=0.5, zero=3, name="model/dense")
    file.operator("FULLY_CONNECTED", [source, weights], [output], "FullyConnectedOptions")
    with pytest.raises(Exception, match=r"FULLY_CONNECTED 'model/dense'.*not symmetric int8.*zero points"):
        read_plan(file.content([source], [output]))
