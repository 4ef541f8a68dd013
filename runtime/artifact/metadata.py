"""What an artifact says about itself: the contract, as key-value texts inside the model file.

A file that has lost its manifest still names its classes and tells what it takes and gives. The keys are the
same in every format: ONNX and ORT hold them as metadata properties, TFLite in its list of metadata buffers.
"""

import json
from dataclasses import asdict, dataclass
from typing import Any

from ..errors import ArtifactError
from ..tensors import TensorSpec

_PREFIX = "edgemnist."


@dataclass(frozen=True, slots=True)
class Metadata:
    """The contract inside a model file.

    Attributes:
        model: The source model's name.
        precision: The artifact's precision, such as "int8".
        labels: The class names, in the order of the outputs.
        input: What it takes.
        output: What it gives.
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
            for key, value in asdict(self).items()
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
        fields = {key: json.loads(text) for key, text in texts.items()}
        return Metadata(
            **{
                **fields,
                "labels": tuple(str(label) for label in fields["labels"]),
                "input": _tensor(fields["input"]),
                "output": _tensor(fields["output"]),
            }
        )
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise ArtifactError("the contract inside the file is damaged", received=repr(error)) from error


def _tensor(document: dict[str, Any]) -> TensorSpec:
    return TensorSpec(**{**document, "shape": tuple(document["shape"])})
