import numpy as np
import pytest

from edgemnist.benchmarks.analysis.reliability import find_reliability, mistakes


def answers(confidences, right):
    """Two classes; the true one is 0, and the model says 0 where it is right."""
    confidences, right = np.array(confidences, np.float32), np.array(right)
    probabilities = np.stack([confidences, 1 - confidences], axis=1)
    probabilities[~right] = probabilities[~right, ::-1]
    return probabilities, np.zeros(len(right), np.uint8)


def test_expected_calibration_error_is_that_of_the_paper_by_hand():
    # 4 bins: (0.5, 0.75] holds 0.6 and 0.75, mean 0.675, one of two right; (0.75, 1] holds 0.9, right
    found = find_reliability(*answers([0.6, 0.75, 0.9], [True, False, True]), bins=4)
    assert [(one.images, one.accuracy) for one in found.bins] == [(2, 0.5), (1, 1.0)]
    assert [one.confidence for one in found.bins] == pytest.approx([0.675, 0.9])
    assert [(one.lower, one.upper) for one in found.bins] == [(0.5, 0.75), (0.75, 1.0)]
    assert found.expected_error == pytest.approx(2 / 3 * 0.175 + 1 / 3 * 0.1)


def test_expected_calibration_error_equals_a_plain_loop_over_the_definition():
    draw = np.random.default_rng(3)
    logits = draw.normal(0, 2, (500, 7))
    probabilities = (np.exp(logits) / np.exp(logits).sum(1, keepdims=True)).astype(np.float32)
    labels = draw.integers(0, 7, 500)
    expected = 0.0
    for number in range(1, 16):
        inside = [i for i in range(500) if (number - 1) / 15 < probabilities[i].max() <= number / 15]
        if inside:
            accuracy = sum(probabilities[i].argmax() == labels[i] for i in inside) / len(inside)
            confidence = sum(float(probabilities[i].max()) for i in inside) / len(inside)
            expected += len(inside) / 500 * abs(accuracy - confidence)
    assert find_reliability(probabilities, labels).expected_error == pytest.approx(expected)


def test_a_model_as_often_right_as_it_is_sure_has_no_error():
    found = find_reliability(*answers([0.75] * 4, [True, True, True, False]))
    assert found.expected_error == pytest.approx(0, abs=1e-7)


def test_confidence_a_digit_above_one_is_in_the_last_bin():
    probabilities = np.array([[1.0000001, 0]], np.float32)
    assert find_reliability(probabilities, np.array([0])).bins[0].upper == 1


def test_mistakes_come_with_the_surest_first():
    probabilities, labels = answers([0.6, 0.9, 0.8, 0.99], [False, False, True, False])
    assert mistakes(probabilities, labels).tolist() == [3, 1, 0]
