"""Which artifact `edgemnist advise` names, on benchmarks whose numbers are known."""

import json
from pathlib import Path
from typing import Any

import pytest

from edgemnist.benchmarks.analysis.advice import Advice, Needs, NothingFitsError, advise
from edgemnist.runtime.errors import OptionError

PROVEN = dict.fromkeys(
    ("a.int8.tflite", "a.float32.onnx", "a.float32.tflite", "a.keras", "a.int8.c"), "0" * 64
)


def row(
    file: str, engine: str, size: int, p50: tuple[float, float, float], accuracy: float | None
) -> dict[str, Any]:
    low, value, high = p50
    return {
        "file": file,
        "engine": engine,
        "size_bytes": size,
        "sha256": "0" * 64,
        "status": "measured",
        "reason": "",
        "figures": {
            "end_to_end": {"p50_ns": value, "p50_interval_ns": [low, high]},
            "memory": {"loaded_bytes": 10 * size, "measured_bytes": -5},
            "accuracy": None if accuracy is None else {"accuracy": accuracy},
        },
    }


INT8 = row("a.int8.tflite", "litert", 100, (4.9e3, 5e3, 5.2e3), 0.97)
FLOAT = row("a.float32.tflite", "litert", 400, (5.1e3, 5.2e3, 5.4e3), 0.98)
ONNX = row("a.float32.onnx", "onnxruntime", 390, (11e3, 12e3, 13e3), 0.98)
KERAS = row("a.keras", "keras", 1200, (1e3, 1e3, 1e3), 0.98)
BOARD = {
    "file": "a.int8.c",
    "target": "cortex-m4",
    "sha256": "0" * 64,
    "status": "measured",
    "reason": "",
    "figures": {
        "footprint": {"flash_bytes": 110_000, "ram_bytes": 2_000},
        "instructions": {"median": 300_000.0},
        "accuracy": 0.97,
        "exact": True,
    },
}


def ask(*rows: dict[str, Any], devices: tuple[dict[str, Any], ...] = (), **needs: Any) -> Advice:
    return advise({"rows": rows, "devices": devices}, PROVEN, Needs(**needs))


def test_of_those_that_are_equally_quick_the_smallest_is_named():
    found = ask(FLOAT, INT8, ONNX)
    assert found.ship.file == "a.int8.tflite"
    assert found.reason == "the smallest of 2 that are equally quick, of 3 that fit"


def test_an_alternative_has_what_it_gains_and_loses():
    second, third = ask(FLOAT, INT8, ONNX).alternatives
    assert (second.candidate.file, second.size, second.speed_differs) == ("a.float32.tflite", 4, False)
    assert second.score == pytest.approx(0.01)
    assert third.speed_differs
    assert third.speed == pytest.approx(5 / 12)


def test_what_is_not_accurate_enough_is_left_out_with_the_reason():
    found = ask(FLOAT, INT8, ONNX, min_accuracy=0.975)
    assert found.ship.file == "a.float32.tflite"
    assert found.left_out == (("a.int8.tflite (litert)", "its accuracy is 97.00 %, less than 97.5 %"),)


def test_only_the_engine_there_is_is_advised():
    assert ask(FLOAT, INT8, ONNX, engine="onnxruntime").ship.file == "a.float32.onnx"
    with pytest.raises(OptionError, match="Did you mean litert"):
        ask(FLOAT, engine="litertt")


def test_keras_is_advised_only_where_it_is_named():
    assert ask(INT8, KERAS).ship.file == "a.int8.tflite"
    assert ask(INT8, KERAS, engine="keras").ship.file == "a.keras"


def reasons_against(*rows: dict[str, Any], **wanted: Any) -> dict[str, str]:
    """Return why each is no answer where none is."""
    with pytest.raises(NothingFitsError) as refused:
        ask(*rows, **wanted)
    return dict(refused.value.left_out)


def test_flash_and_ram_are_limits():
    assert ask(FLOAT, INT8, ONNX, flash_bytes=399, min_accuracy=0.98).ship.file == "a.float32.onnx"
    assert ask(FLOAT, INT8, ram_bytes=1000).alternatives == ()
    unknown = FLOAT | {"figures": FLOAT["figures"] | {"memory": None}}
    assert (
        "its RAM was not measured" in reasons_against(unknown, ram_bytes=10_000)["a.float32.tflite (litert)"]
    )


def test_nothing_that_fits_is_a_failed_proof_with_all_reasons():
    found = reasons_against(INT8, FLOAT, flash_bytes=50)
    assert found.keys() == {"a.int8.tflite (litert)", "a.float32.tflite (litert)"}
    assert found["a.int8.tflite (litert)"] == "it takes 100 bytes of flash, and there are 50"


def test_a_file_that_was_exchanged_or_never_proven_is_not_advised():
    exchanged = INT8 | {"sha256": "1" * 64}
    stranger = INT8 | {"file": "b.tflite"}
    found = ask(exchanged, stranger, FLOAT)
    assert found.ship.file == "a.float32.tflite"
    assert "another file than was measured" in found.left_out[0][1]
    assert "not in the manifest" in found.left_out[1][1]


def test_a_target_is_judged_by_its_own_flash_and_ram():
    found = ask(INT8, devices=(BOARD,), target="cortex-m4", flash_bytes=120_000, ram_bytes=4_000)
    assert (found.ship.file, found.ship.place, found.ship.cost) == ("a.int8.c", "cortex-m4", 300_000)
    (reason,) = reasons_against(devices=(BOARD,), target="cortex-m4", ram_bytes=1_000).values()
    assert "there are 1,000" in reason


def test_c_that_is_wrong_on_the_target_is_not_advised():
    wrong = BOARD | {"figures": BOARD["figures"] | {"exact": False}}
    (reason,) = reasons_against(devices=(wrong,), target="cortex-m4").values()
    assert "not the reference's" in reason


def test_a_target_that_was_not_measured_brings_the_command():
    with pytest.raises(OptionError, match="edgemnist bench --target cortex-m0"):
        ask(INT8, devices=(BOARD,), target="cortex-m0")


def test_models_of_values_are_advised_and_have_no_accuracy_to_ask_for():
    values = row("a.int8.tflite", "litert", 100, (1, 2, 3), None)
    assert ask(values).ship.score is None
    with pytest.raises(OptionError, match="models that have none"):
        ask(values, min_accuracy=0.5)


def test_the_candidate_is_plain_data_for_json():
    from dataclasses import asdict

    assert json.loads(json.dumps(asdict(ask(INT8))))["ship"]["file"] == "a.int8.tflite"


def test_the_command_refuses_what_is_no_share(tmp_path: Path):
    from edgemnist.cli.commands.advise import advise as command

    with pytest.raises(OptionError, match="0 to 1"):
        command(min_accuracy=97, artifacts=tmp_path)
