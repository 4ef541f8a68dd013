"""Keras networks as TensorFlow converts them: features, sequences, several ends, dynamic batches."""

import numpy as np
import pytest

from edgemnist.export.backend import keras, tf
from edgemnist.export.codegen import Match
from edgemnist.export.codegen.graph.importing import read_graph
from edgemnist.runtime.process import quiet

from .run import assert_exact

layers = keras.layers


def _chain(shape, *chain):
    source = last = keras.Input(shape)
    for layer in chain:
        last = layer(last)
    return keras.Model(source, last)


def _features():
    return _chain(
        (7,), layers.Dense(12, "relu"), layers.Dense(6, "tanh"), layers.Dense(5, "swish"), layers.Dense(1)
    )


def _sequence():
    """Dilated convolutions of one dimension become batches of two images, which lie over each other."""
    return _chain(
        (20, 3),
        layers.Conv1D(8, 3, activation="relu"),
        layers.MaxPooling1D(2),
        layers.Conv1D(4, 3, dilation_rate=2, padding="same"),
        layers.Conv1D(5, 2, padding="causal"),
        layers.SeparableConv1D(6, 3, padding="same"),
        layers.GlobalAveragePooling1D(),
        layers.Dense(4, "softmax"),
    )


def _reshaped():
    return _chain(
        (24,),
        layers.Dense(24),
        layers.Reshape((4, 6)),
        layers.Permute((2, 1)),
        layers.Flatten(),
        layers.Dense(2),
    )


def _several_ends():
    image, features = keras.Input((8, 8, 2), name="first"), keras.Input((5,), name="second")
    shared = layers.Conv2D(4, 3, activation="relu")(image)
    joined = layers.Concatenate()([layers.GlobalAveragePooling2D()(shared), layers.Dense(4)(features)])
    return keras.Model([image, features], [layers.Dense(3)(joined), layers.UpSampling2D(2)(shared)])


def _excited():
    """A block of squeeze and excitation, with activations that are operators of their own."""
    image = keras.Input((8, 8, 4))
    wide = layers.Activation("hard_swish")(layers.Conv2D(8, 3, padding="same")(image))
    share = layers.Dense(8, "sigmoid")(layers.Dense(4, "relu")(layers.GlobalAveragePooling2D()(wide)))
    scaled = layers.Multiply()([wide, layers.Reshape((1, 1, 8))(share)])
    left = layers.Subtract()([scaled, layers.Conv2D(8, 1)(image)])
    return keras.Model(image, layers.Dense(3)(layers.Flatten()(layers.LeakyReLU()(left))))


def _residual():
    """A block with a shortcut, and activations that 16 bits have tables for."""
    image = keras.Input((8, 8, 3))
    wide = layers.Conv2D(6, 3, padding="same", activation="relu6")(image)
    deep = layers.DepthwiseConv2D(3, padding="same", activation="tanh")(wide)
    joined = layers.LeakyReLU()(layers.Add()([wide, layers.Conv2D(6, 1, activation="sigmoid")(deep)]))
    pooled = layers.AveragePooling2D(2)(layers.ZeroPadding2D(1)(joined))
    return keras.Model(image, layers.Dense(3, "softmax")(layers.Flatten()(pooled)))


def _converted(model, ends, operators="TFLITE_BUILTINS_INT8"):
    """Return a full-integer file with a dynamic batch; `ends` is the type of its inputs and outputs."""
    generator = np.random.default_rng(1)

    def samples():
        for _ in range(20):
            drawn = [generator.normal(size=(1, *one.shape[1:])).astype(np.float32) for one in model.inputs]
            # By name where there are several, since the converter orders them as it likes.
            yield (
                dict(zip([one.name for one in model.inputs], drawn, strict=True)) if len(drawn) > 1 else drawn
            )

    with quiet():
        converter = tf.lite.TFLiteConverter.from_keras_model(model)
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = samples
        converter.target_spec.supported_ops = [getattr(tf.lite.OpsSet, operators)]
        converter.inference_input_type = converter.inference_output_type = ends
        return converter.convert()


@pytest.mark.parametrize(
    ("make", "ends", "match"),
    [
        pytest.param(_features, tf.float32, Match.LITERT, marks=pytest.mark.slow),
        (_sequence, tf.int8, Match.LITERT),
        pytest.param(_reshaped, tf.int8, Match.TFLM, marks=pytest.mark.slow),
        pytest.param(_several_ends, tf.uint8, Match.LITERT, marks=pytest.mark.slow),
        pytest.param(_excited, tf.int8, Match.LITERT, marks=pytest.mark.slow),
    ],
)
def test_what_keras_makes_is_exact(make, ends, match):
    keras.utils.set_random_seed(0)
    content = _converted(make(), ends)
    operators = {node.operator for node in read_graph(content).nodes}
    compiled = assert_exact(content, match, count=5)
    if make is _reshaped:
        assert {"SHAPE", "STRIDED_SLICE", "PACK"} <= operators, "no arithmetic on shapes"
    left = {step.node.operator for step in compiled.plan.steps}
    assert not left & {"SHAPE", "STRIDED_SLICE", "PACK", "RESHAPE"}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("make", "ends", "match"),
    [
        (_features, tf.float32, Match.TFLM),
        (_sequence, tf.int16, Match.LITERT),
        (_reshaped, tf.int16, Match.LITERT),
        (_several_ends, tf.float32, Match.LITERT),
        (_residual, tf.int16, Match.LITERT),
        (_residual, tf.int16, Match.TFLM),
    ],
)
def test_what_keras_makes_of_16_bits_is_exact(make, ends, match):
    keras.utils.set_random_seed(0)
    content = _converted(make(), ends, "EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8")
    compiled = assert_exact(content, match, count=10)
    assert compiled.plan.graph.precision == "int16x8"
