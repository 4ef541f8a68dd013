"""What the TFLite formats share: the converter's call, and the checks that hold for all of them."""

from typing import Any

from ...runtime.errors import ConversionError
from ...runtime.structure import Structure
from ..backend import tf
from ..quiet import quiet


def converter_for(model: Any, operators: str) -> Any:
    """Return the converter for a Keras model, limited to one of `tf.lite.OpsSet`'s sets of operators.

    The default would let operators in that need TensorFlow on the device.
    """
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    converter.target_spec.supported_ops = [getattr(tf.lite.OpsSet, operators)]
    return converter


def run(converter: Any) -> bytes:
    """Return what a converter makes.

    Raises:
        ConversionError: The converter failed.
    """
    try:
        with quiet():
            content: bytes = converter.convert()
    except Exception as error:  # the converter raises MLIR, flatbuffer and calibration errors of all types
        raise ConversionError("the TFLite converter failed", received=error) from error
    return content


def faults(structure: Structure) -> tuple[str, ...]:
    """Return a sentence for each way in which a file is not what every TFLite artifact promises."""
    found = [
        f"operator {operator.name} is no built-in" for operator in structure.operators if not operator.builtin
    ]
    if "VAR_HANDLE" in structure.operator_names:
        found.append("its weights are not in the file")
    for role, tensors in (("input", structure.inputs), ("output", structure.outputs)):
        if [tensor.shape[:1] for tensor in tensors] != [(None,)]:
            found.append(f"its {role} is not one tensor with a dynamic batch")
    return tuple(found)
