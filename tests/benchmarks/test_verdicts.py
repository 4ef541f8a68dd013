"""Verdicts in words, also for bad news."""

from dataclasses import replace
from pathlib import Path

import pytest

from edgemnist.benchmarks.analysis.comparisons import Comparison
from edgemnist.benchmarks.analysis.statistics import Ratio
from edgemnist.benchmarks.analysis.verdicts import verdict
from edgemnist.benchmarks.runner.cases import Case
from edgemnist.proof.parity import Parity

INT8 = Case(Path("mnist.int8.tflite"), "litert", "tflite", "int8", 108_920, "")
FLOAT = Case(Path("mnist.float32.tflite"), "litert", "tflite", "float32", 410_520, "")


def parity(difference=-0.0002, interval=(-0.0008, 0.0004), flipped=(3, 5)):
    change = round(10_000 * difference)
    return Parity(
        images=10_000,
        accuracy=0.9764 + difference,
        reference_accuracy=0.9764,
        agreement=0.9998,
        broke=max(-change, 0),
        fixed=max(change, 0),
        flipped=flipped,
        max_abs_difference=0.06,
        mean_abs_difference=0.001,
        rms_difference=0.002,
        output_range=1.0,
        per_class_accuracy=(0.9,),
        difference_interval=interval,
        mcnemar_p=0.5,
    )


def sentence(speed, answers=None, size_ratio=3.77):
    return verdict(Comparison(INT8, FLOAT, size_ratio, speed, answers or parity()))


def test_a_smaller_quicker_model_reads_as_people_say_it():
    minus = "\N{MINUS SIGN}"
    assert sentence(Ratio(1.46, (1.41, 1.5))) == (
        "mnist.int8.tflite against mnist.float32.tflite: 3.8× smaller,"
        f" accuracy difference {minus}0.02 points (interval {minus}0.08 to +0.04 includes 0),"
        " 1.46× faster (1.41–1.50)."
    )


def test_a_slower_model_is_called_slower_with_its_interval_turned_round():
    assert "1.25× slower (1.11–1.43)." in sentence(Ratio(0.8, (0.7, 0.9)))


def test_an_interval_that_includes_1_is_no_difference():
    assert "no measurable difference in speed (0.95–1.20)" in sentence(Ratio(1.1, (0.95, 1.2)))


def test_without_an_interval_that_is_said():
    assert "1.50× faster (no interval)" in sentence(Ratio(1.5, None))


def test_an_interval_that_excludes_0_is_said():
    assert "excludes 0" in sentence(Ratio(1.0, None), parity(-0.01, (-0.012, -0.008)))


def test_accuracy_without_interval_stands_alone():
    assert "accuracy difference +1.00 points, " in sentence(Ratio(1.5, None), parity(0.01, None))


def test_equal_answers_are_said_to_be_equal():
    assert "the same label on every input" in sentence(Ratio(1.5, None), parity(0, None, ()))


@pytest.mark.parametrize(("ratio", "words"), [(1.004, "the same size"), (0.5, "2.0× larger")])
def test_size_in_words(ratio, words):
    assert words in sentence(Ratio(1.5, None), size_ratio=ratio)


def test_large_factors_have_no_meaningless_digits():
    assert "1,234× faster (1,000–1,500)" in sentence(Ratio(1234.4, (1000.1, 1500.2)))


def test_two_engines_of_one_file_are_told_apart():
    micro = replace(INT8, engine="tflite_micro")
    text = verdict(Comparison(micro, INT8, 1.0, Ratio(0.1, (0.09, 0.11)), parity()))
    assert text.startswith(
        "mnist.int8.tflite (tflite_micro) against mnist.int8.tflite (litert): the same size"
    )
