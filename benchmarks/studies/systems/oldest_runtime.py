"""Which old runtime releases run the artifacts, and give the right answers.

`python -m edgemnist.benchmarks.studies.systems.oldest_runtime [--artifacts DIR] [--python python3.8]`

Installs old releases from PyPI into environments of their own, which needs an old Python (3.8 has wheels of
all of them) and a network, and classifies the whole test set in each. To load is not enough: TensorFlow Lite
2.7 to 2.9 load mnist.int8.tflite without a complaint and are right on one image in ten. The table is
Markdown, for docs/exports.md; what it shows is written down in edgemnist/proof/inspect/{tflite,onnx,ort}.py.
"""

import json
import subprocess
import tempfile
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from ....data.datasets import load_test_split
from ....runtime.artifact.manifest import read_manifest
from .. import Artifacts, run_study

RELEASES = {
    "tflite-runtime": ("2.7.0", "2.9.1", "2.10.0", "2.14.0"),
    "onnxruntime": ("1.6.0", "1.7.0", "1.8.1", "1.14.1", "1.15.1", "1.16.3", "1.19.2"),
}
SUFFIXES = {"tflite-runtime": (".tflite",), "onnxruntime": (".onnx", ".ort")}
NEEDED = ("numpy<1.25", "protobuf<4", "flatbuffers<24", "coloredlogs")
RUNNERS = {
    "tflite-runtime": """
from tflite_runtime.interpreter import Interpreter
def answers(path, images):
    interpreter = Interpreter(path)
    index = interpreter.get_input_details()[0]["index"]
    interpreter.resize_tensor_input(index, images.shape)
    interpreter.allocate_tensors()
    interpreter.set_tensor(index, images)
    interpreter.invoke()
    return interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
""",
    "onnxruntime": """
import onnxruntime
onnxruntime.set_default_logger_severity(4)
def answers(path, images):
    with open(path, "rb") as file:
        session = onnxruntime.InferenceSession(file.read(), providers=["CPUExecutionProvider"])
    return session.run(None, {session.get_inputs()[0].name: images})[0]
""",
}
MAIN = """
import json, sys
import numpy
data = numpy.load(sys.argv[1])
found = {}
for path in sys.argv[2:]:
    try:
        labels = answers(path, data["images"]).argmax(axis=1)
        found[path] = "%.2f %%" % (100 * (labels == data["labels"]).mean())
    except Exception as error:
        found[path] = "does not load"
print(json.dumps(found))
"""


def main(
    artifacts: Artifacts = Path("artifacts"),
    python: Annotated[str, typer.Option(help="An interpreter that old wheels exist for.")] = "python3.8",
    environments: Annotated[
        Path, typer.Option(metavar="DIR", help="Where the environments are, or are made.")
    ] = Path("build/oldest"),
) -> None:
    """Print the accuracy of each artifact in each old release."""
    files = {record.file: record for record in read_manifest(artifacts).artifacts}
    split = load_test_split()
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder, "test.npz")
        np.savez(data, images=split.inputs, labels=split.known_labels)
        for package, releases in RELEASES.items():
            names = [name for name in files if name.endswith(SUFFIXES[package])]
            print(f"\n| artifact | stated | {' | '.join(f'{package} {release}' for release in releases)} |")
            print(f"|---|---|{'---|' * len(releases)}")
            columns = []
            for release in releases:
                interpreter = _environment(environments, python, package, release)
                columns.append(_accuracies(interpreter, package, data, [artifacts / name for name in names]))
            for name in names:
                cells = " | ".join(column[str(artifacts / name)] for column in columns)
                print(f"| {name} | {files[name].oldest_runtime} | {cells} |", flush=True)


def _environment(folder: Path, python: str, package: str, release: str) -> Path:
    """Return the interpreter of an environment with one release, made first if it is not there."""
    environment = folder / f"{package}-{release}"
    interpreter = environment / "bin" / "python"
    if not interpreter.exists():
        subprocess.run([python, "-m", "venv", environment], check=True)  # noqa: S603 - given by the caller
        pip = [str(interpreter), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, *NEEDED], check=True)  # noqa: S603 - constants
        subprocess.run([*pip, "--no-deps", f"{package}=={release}"], check=True)  # noqa: S603 - constants
    return interpreter


def _accuracies(interpreter: Path, package: str, data: Path, paths: list[Path]) -> dict[str, str]:
    done = subprocess.run(  # noqa: S603 - constants and our own paths
        [interpreter, "-c", RUNNERS[package] + MAIN, data, *paths],
        capture_output=True,
        text=True,
        check=True,
    )
    found: dict[str, str] = json.loads(done.stdout)
    return found


if __name__ == "__main__":
    run_study(main)
