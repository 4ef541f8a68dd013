"""The artifact contract as key-value texts inside the model file.

By it a file that has lost its manifest still names its classes, input and output. The keys are the same in
every format: ONNX and ORT have them as metadata properties, TFLite in its list of metadata buffers.
"""

import json

import msgspec

from ..errors import ArtifactError
from ..tensors import TensorSpec

_PREFIX = "edgemnist."


class Metadata(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The contract inside a model file.

    Attributes:
        model: The source model's name.
        precision: The artifact's precision, such as "int8".
        labels: The class names, in the order of the outputs.
        input: Its input tensor.
        output: Its output tensor.
        source_sha256: Of the `.keras` file it was made from.
        tools: The versions of what made it.
    """

    model: str
    precision: str
    labels: tuple[str, ...]
    input: TensorSpec
    output: TensorSpec
    source_sha256: str
    tools: dict[str, str]

    def to_metadata(self) -> dict[str, str]:
        """Return the texts to store, JSON each, in a fixed order."""
        return {
            _PREFIX + key: json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
            for key, value in msgspec.to_builtins(self).items()
        }


def read_metadata(metadata: dict[str, str]) -> Metadata | None:
    """Return the contract found in a file's metadata, or None for a file that edgemnist did not make.

    Raises:
        ArtifactError: It is there and damaged.
    """
    texts = {key.removeprefix(_PREFIX): text for key, text in metadata.items() if key.startswith(_PREFIX)}
    if not texts:
        return None
    try:
        return msgspec.convert({key: msgspec.json.decode(text) for key, text in texts.items()}, Metadata)
    except (ValueError, RecursionError) as error:
        raise ArtifactError("the contract inside the file is damaged", received=error) from error
