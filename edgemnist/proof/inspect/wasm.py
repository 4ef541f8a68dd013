"""WebAssembly modules, read by what edgemnist wrote into them; the code itself is not looked at.

What a module says of itself proves nothing: `edgemnist verify` makes it again. That it reaches nothing
outside is seen in the file: it has no imports.
"""

from ...runtime.artifact.wasm_file import IMPORT, read_description, read_sections, uses_vectors
from ...runtime.errors import ArtifactError
from .structure import GraphTensor, Operator, Structure

KIND = "a WebAssembly module of edgemnist's"
# SIMD128 is part of the second version of the specification.
_WITH_VECTORS, _PLAIN = "WebAssembly 2.0", "WebAssembly 1.0"


def read(_name: str, content: bytes) -> Structure:
    """Read a module.

    Raises:
        ArtifactError: It is no module of edgemnist's, or it has imports.
    """
    description = read_description(content)
    if any(section.kind == IMPORT for section in read_sections(content)):
        raise ArtifactError("the module wants something from outside", expected="a module without imports")
    return Structure(
        inputs=description.batches(description.inputs),
        outputs=description.batches(description.outputs),
        tensors=tuple(GraphTensor(*weight) for weight in description.weights),
        operators=tuple(
            Operator(name, inputs=inputs, outputs=outputs) for name, inputs, outputs in description.operators
        ),
        versions={"wasm": 1},
        oldest_runtime=_WITH_VECTORS if uses_vectors(content) else _PLAIN,
        metadata=description.metadata,
    )
