import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from edgemnist.runtime import SessionOptions, load_predictor
from edgemnist.runtime.errors import OptionError

CPU = "CPUExecutionProvider"


def test_an_absent_execution_provider_lists_the_present_ones(artifacts: Path):
    with pytest.raises(
        OptionError, match=r"received 'NoSuchProvider'; expected one of .*CPUExecutionProvider"
    ):
        load_predictor(artifacts / "mnist.float32.onnx", providers=["NoSuchProvider", CPU])


@pytest.mark.parametrize("provider", [CPU, (CPU, {}), (CPU, {"arena_extend_strategy": "kSameAsRequested"})])
def test_providers_pass_through(artifacts: Path, digit, provider):
    assert (
        load_predictor(artifacts / "mnist.float32.onnx", providers=[provider]).predict(digit)[0].label == "7"
    )


@pytest.mark.parametrize("level", ["disable", "basic", "extended", "all"])
def test_session_options_pass_through(artifacts: Path, digit, level):
    plain = load_predictor(artifacts / "mnist.float32.onnx").predict(digit)
    session = SessionOptions(
        spinning=True,
        graph_optimization=level,
        memory_arena=False,
        config={"session.set_denormal_as_zero": "1"},
    )
    predictor = load_predictor(artifacts / "mnist.float32.onnx", num_threads=2, session=session)
    np.testing.assert_allclose(predictor.predict(digit).probabilities, plain.probabilities, atol=1e-5)


def test_a_session_entry_that_onnxruntime_refuses_is_named(artifacts: Path):
    session = SessionOptions(config={"x" * 5000: "1"})
    with pytest.raises(OptionError, match="a session option that ONNX Runtime refuses"):
        load_predictor(artifacts / "mnist.float32.onnx", session=session)


def test_an_unknown_graph_optimization_lists_the_known_ones():
    with pytest.raises(OptionError, match="received 'most'; expected one of disable, basic, extended, all"):
        SessionOptions(graph_optimization="most")  # type: ignore[arg-type]


def test_onnxruntimes_options_are_refused_for_another_engine(artifacts: Path):
    with pytest.raises(OptionError, match="litert has no execution providers and no session options"):
        load_predictor(artifacts / "mnist.int8.tflite", providers=[CPU])


def test_onnxruntime_reports_to_nobody(artifacts: Path, tmp_path: Path):
    code = """
import sys
import numpy as np
from edgemnist.runtime import load_predictor
load_predictor(sys.argv[1]).predict(np.zeros((28, 28), np.uint8))
"""
    environment = {"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}
    command = [sys.executable, "-c", code, str(artifacts / "mnist.float32.onnx")]
    subprocess.run(command, env=environment, check=True)
    assert list(tmp_path.iterdir()) == [], "onnxruntime keeps a device's identity and its reports there"
