"""The artifact contract as key-value texts inside the model file.

By it a file that has lost its manifest still names its classes, input and output. The keys are the same in
every format: ONNX and ORT have them as metadata properties, TFLite in its list of metadata buffers.
"""

import msgspec

from ..errors import ArtifactError
from ..signature import ModelSignature
from ..tensors import TensorSpec

_PREFIX = "edgemnist."


class Metadata(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The contract inside a model file; fields as in `Manifest` and `ArtifactRecord`."""

    model: str
    precision: str
    labels: tuple[str, ...]
    input: TensorSpec
    output: TensorSpec
    source_sha256: str
    tools: dict[str, str]
    signature: ModelSignature | None = None

    def to_metadata(self) -> dict[str, str]:
        """Return the texts to store, JSON each, in a fixed order."""
        import json  # here, since a predictor must start quickly

        return {
            _PREFIX + key: json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
            for key, value in msgspec.to_builtins(self).items()
        }


def read_metadata(metadata: dict[str, str]) -> Metadata | None:
    """Return the contract in a file's metadata, None if there is none; ArtifactError if it is damaged."""
    texts = {key.removeprefix(_PREFIX): text for key, text in metadata.items() if key.startswith(_PREFIX)}
    if not texts:
        return None
    try:
        return msgspec.convert({key: msgspec.json.decode(text) for key, text in texts.items()}, Metadata)
    except (ValueError, RecursionError) as error:
        raise ArtifactError("the contract inside the file is damaged", received=error) from error
