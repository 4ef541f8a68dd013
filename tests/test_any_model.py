"""Nothing but the bundled model, its data and its ink adapter knows what MNIST is like."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FOLDERS = ("edgemnist", "runtime", "export", "benchmarks")
NUMBERS = {10, 28, 255, 784}
WORDS = re.compile(r"gr[ae]y|(?<!is)digits?(?![a-z])|softmax", re.IGNORECASE)
BUNDLED = (
    "benchmarks/report/training/",
    "benchmarks/studies/",
    "edgemnist/cli/commands/__init__.py",  # the line of help of `train`
    "edgemnist/cli/commands/train.py",
    "edgemnist/cli/training.py",
    "edgemnist/data/mnist/",
    "export/training/",
    "runtime/inputs/ink_adapter.py",
)
BYTE = "255 is the largest byte"
ACTIVATION = "softmax is the name of an operator or of an activation"
OTHER_TEN = "10 counts, times or sizes something that no model decides"
EXCEPTIONS = {
    "benchmarks/analysis/verdicts.py": OTHER_TEN,
    "benchmarks/devices/ssh.py": "255 is ssh's exit code",
    "benchmarks/report/page/charts.py": OTHER_TEN,
    "benchmarks/report/layer_chart.py": OTHER_TEN,
    "benchmarks/report/page/sections.py": "the picture of digits that the bundled training draws",
    "benchmarks/report/page/svg.py": OTHER_TEN,
    "benchmarks/report/units.py": "digits of a number on paper",
    "benchmarks/worker/measure.py": OTHER_TEN,
    "edgemnist/cli/progress.py": OTHER_TEN,
    "edgemnist/sweep/report/charts.py": "digits and powers of 10 are those of numbers on an axis",
    "edgemnist/proof/inspect/onnx.py": "10 is a version of ONNX",
    "edgemnist/proof/inspect/tflite.py": "versions of TensorFlow Lite",
    "edgemnist/proof/layers/compare.py": "10 is in the formula of decibels",
    "edgemnist/proof/layers/spoiled.py": f"{ACTIVATION}; 10 is a number of decibels",
    "edgemnist/proof/reference.py": ACTIVATION,
    "export/codegen/planning/checking.py": ACTIVATION,
    "export/codegen/emitting/ends.py": ACTIVATION,
    "export/codegen/arithmetic/gemmlowp.py": "28 is a number of bits",
    "export/codegen/lowering/common.py": BYTE,
    "export/codegen/lowering/softmax_int16.py": f"{ACTIVATION}; from -10 on an exponential is taken for 0",
    "export/codegen/operators/reductions/mean.py": BYTE,
    "export/codegen/operators/reductions/softmax.py": ACTIVATION,
    "export/codegen/proving/reference.py": OTHER_TEN,
    "export/codegen/emitting/sharing.py": BYTE,
    "export/codegen/sizing/size_map.py": OTHER_TEN,
    "export/codegen/lowering/sums.py": BYTE,
    "export/codegen/variants/_layout.py": BYTE,
    "export/codegen/variants/dsp.py": BYTE,
    "export/codegen/emitting/writing.py": "digits of a number in C; 10 is a number of lines",
    "export/convert/activation_ranges.py": BYTE,
    "export/convert/logit_range.py": ACTIVATION,
    "export/convert/mixed.py": ACTIVATION,
    "export/convert/onnx_int8.py": ACTIVATION,
    "export/convert/tflite.py": ACTIVATION,
    "export/twin.py": ACTIVATION,
    "export/web/facts.py": ACTIVATION,
    "export/web/gallery.py": OTHER_TEN,
    "export/web/page.py": "255 is the largest byte; digits of a number",
    "runtime/artifact/keras/config.py": "an option of a layer of Keras",
    "runtime/artifact/keras/operations.py": ACTIVATION,
    "runtime/artifact/previous.py": "digits of a hash",
    "runtime/artifact/wasm_file.py": "10 is the number of a section of WebAssembly",
    "runtime/engines/keras_signature.py": ACTIVATION,
    "runtime/inputs/decoding.py": "pictures are decoded to grey, of 255 at most, for models of one channel",
    "runtime/isolation/probe.py": OTHER_TEN,
    "runtime/signature.py": "the signature is what knows softmax",
}


def traces(path: Path) -> Iterator[str]:
    """Yield what a module's code, not its comments and docstrings, has of these numbers and words."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    described = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, described) and node.body and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        value = getattr(node, "value", None) if isinstance(node, ast.Constant) else None
        if isinstance(value, int | float) and not isinstance(value, bool) and value in NUMBERS:
            yield f"line {node.lineno}: {value}"
        names = [value] if isinstance(value, str) and id(node) not in docstrings else []
        names += [name for field in ("id", "attr", "arg", "name") if (name := getattr(node, field, None))]
        for name in names:
            if isinstance(name, str) and (found := WORDS.search(name)):
                yield f"line {getattr(node, 'lineno', '?')}: {found[0]}"


def modules() -> list[str]:
    paths = (path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))
    return sorted(path.relative_to(ROOT).as_posix() for path in paths)


def test_code_for_any_model_has_nothing_of_mnist_in_it():
    found = {
        name: list(traces(ROOT / name))
        for name in modules()
        if not name.startswith(BUNDLED) and name not in EXCEPTIONS
    }
    assert {name: lines for name, lines in found.items() if lines} == {}


@pytest.mark.parametrize("name", EXCEPTIONS)
def test_exceptions_are_needed(name):
    assert list(traces(ROOT / name)) != []
