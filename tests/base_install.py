"""Use an installed edgemnist that has only its base dependencies; run by `make bare-test`, not by pytest.

Every module must import, or name a package that an extra brings; the ONNX artifact must predict.
"""

import importlib
import pkgutil
import subprocess
import sys
from pathlib import Path

import numpy as np

FROM_EXTRAS = {
    *("ai_edge_litert", "cv2", "flatbuffers", "fsspec", "h5py", "jinja2", "keras", "matplotlib"),
    *(
        "mlperf_loadgen",
        "onnx",
        "optuna",
        "PIL",
        "pyarrow",
        "pyperf",
        "ray",
        "scipy",
        "tensorflow",
        "tf2onnx",
    ),
    *("tflite_micro", "wasmtime"),
}


def main() -> None:
    artifacts = Path(sys.argv[1])
    import edgemnist

    assert "site-packages" in edgemnist.__file__, f"not the installed wheel: {edgemnist.__file__}"
    imported, refused = [], []
    for module in pkgutil.walk_packages(edgemnist.__path__, "edgemnist.", onerror=lambda _: None):
        if module.name == "edgemnist.__main__":
            continue
        try:
            importlib.import_module(module.name)
            imported.append(module.name)
        except ImportError as error:
            package = getattr(error, "package", None) or error.name
            assert package and package.split(".")[0] in FROM_EXTRAS, f"{module.name}: {error!r}"
            refused.append(module.name)
    for needed in ("cli.entry", "cli.commands.predict", "runtime.engines.onnxruntime", "proof.parity"):
        assert f"edgemnist.{needed}" in imported, f"{needed} does not import in the base install"
    assert "tensorflow" not in sys.modules

    from edgemnist.runtime import load_predictor
    from edgemnist.runtime.errors import MissingExtraError

    predictions = load_predictor(artifacts / "mnist.float32.onnx").predict(np.zeros((28, 28), np.uint8))
    assert predictions.probabilities.shape == (1, 10)
    try:
        load_predictor(artifacts / "mnist.int8.tflite")
    except MissingExtraError as error:
        assert "pip install 'edgemnist[litert]'" in str(error), error
    else:
        raise AssertionError("LiteRT is not in the base install")
    subprocess.run([sys.executable, "-m", "edgemnist", "--help"], check=True, stdout=subprocess.DEVNULL)
    print(f"base install: {len(imported)} modules import, {len(refused)} name their extra, ONNX predicts")


if __name__ == "__main__":
    main()
