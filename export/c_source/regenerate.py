"""C made again of a TFLite file, to prove C with that is there already. Needs no TensorFlow."""

import hashlib
import re
from pathlib import Path

import numpy as np

from ...proof.generated_c import GeneratedC
from ...runtime.engines.registry import EngineOptions
from ...runtime.errors import ConversionError, MissingExtraError
from ...runtime.isolation.probe import Probe, probe_if_needed
from ...runtime.model_file import ModelFile

_IMAGES = re.compile(
    rb"^static const uint8_t images\[IMAGES\]\[\w+\] = \{$(.*?)^\};$", re.MULTILINE | re.DOTALL
)
_NUMBER = re.compile(rb"\b\d{1,3}\b")


def regenerate(content: bytes, self_test: bytes) -> GeneratedC:
    """Return the C of a full-integer TFLite model, with the images of a self-test that was written before.

    Which images those are is all that is taken from it, as numbers: what they have to give is computed anew.

    Raises:
        MissingExtraError: LiteRT or jinja2 is not installed.
        ArtifactError: It is no TFLite file that edgemnist made, or it crashes LiteRT.
        ConversionError: There is no C for it, or the self-test holds no images of that model.
    """
    try:
        from .graph import read_graph
        from .writing import MAX_GOLDEN_IMAGES, write_files
    except ImportError as error:
        raise MissingExtraError(error.name or "ai_edge_litert", "verify", "proving C") from error
    shape = read_graph(content).input.shape
    found = _IMAGES.search(self_test)
    numbers = [int(number) for number in _NUMBER.findall(found[1])] if found else []
    pixels = int(np.prod(shape))
    count, rest = divmod(len(numbers), max(pixels, 1))
    if not 1 <= count <= MAX_GOLDEN_IMAGES or rest or max(numbers) > np.iinfo(np.uint8).max:
        raise ConversionError(
            "the self-test holds no images of the model",
            received=f"{len(numbers)} numbers",
            expected=f"1 to {MAX_GOLDEN_IMAGES} images of {pixels} pixels, 0 to 255",
        )
    # LiteRT's kernels are about to run the file in this process, and it may be anybody's.
    sha256 = hashlib.sha256(content).hexdigest()
    source = ModelFile(Path("the TFLite file"), content, sha256, "litert", EngineOptions())
    probe_if_needed(source, Probe(when="always"), verified=False)
    return write_files(content, np.array(numbers, np.uint8).reshape(count, *shape))
