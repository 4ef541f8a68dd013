"""Parity figures against cases small enough to count by hand, and against statsmodels as an oracle."""

import numpy as np
import pytest
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.proportion import proportion_confint

from edgemnist.proof import accuracy, parity
from edgemnist.proof import intervals as proportions
from edgemnist.runtime.errors import EngineError, InputError


def one_hot(predicted, classes=3, confidence=0.8):
    rows = np.full((len(predicted), classes), (1 - confidence) / (classes - 1), np.float32)
    rows[np.arange(len(predicted)), predicted] = confidence
    return rows


LABELS = np.array([0, 1, 2, 0, 1], np.uint8)
REFERENCE = one_hot([0, 1, 2, 1, 2])  # the last two are wrong
MODEL = one_hot([0, 2, 2, 0, 0])  # breaks 1, fixes 3, changes one wrong answer for another at 4


def test_counts_are_those_of_the_hand_made_case():
    result = parity.compare(MODEL, REFERENCE, LABELS)
    assert (result.broke, result.fixed, result.flipped) == (1, 1, (1, 3, 4))
    assert result.accuracy == result.reference_accuracy == pytest.approx(0.6)
    assert result.agreement == pytest.approx(0.4)
    assert result.accuracy_difference == 0
    assert result.max_abs_difference == pytest.approx(0.7)
    assert result.mean_abs_difference == pytest.approx(3 * 2 * 0.7 / 15)


def test_per_class_accuracy_counts_each_true_class():
    assert parity.compare(MODEL, REFERENCE, LABELS).per_class_accuracy == (1.0, 0.0, 1.0)


def test_a_class_without_images_has_no_accuracy():
    labels = np.array([0, 1], np.uint8)
    answers = one_hot([0, 1])
    assert parity.compare(answers, answers, labels).per_class_accuracy == (1.0, 1.0, None)


def test_confusion_has_a_row_for_each_true_class():
    assert accuracy.score(MODEL, LABELS).confusion == ((2, 0, 0), (1, 0, 1), (0, 0, 1))


def test_wilson_interval_is_that_of_statsmodels():
    expected = proportion_confint(9764, 10000, method="wilson")
    assert proportions.wilson_interval(9764, 10000) == pytest.approx(expected)


@pytest.mark.parametrize(("broke", "fixed"), [(9, 2), (3, 3), (0, 7)])
def test_mcnemar_p_is_that_of_statsmodels(broke, fixed):
    expected = mcnemar([[50, broke], [fixed, 4]], exact=True).pvalue
    assert proportions.mcnemar_p(broke, fixed) == pytest.approx(expected)


def test_mcnemar_p_is_one_where_no_image_changed_sides():
    assert proportions.mcnemar_p(0, 0) == 1.0


def test_difference_interval_matches_the_normal_approximation_where_that_holds():
    broke, fixed, total = 300, 200, 10000
    error = 1.96 * np.sqrt((broke + fixed) / total - ((fixed - broke) / total) ** 2) / np.sqrt(total)
    low, high = proportions.difference_interval(broke, fixed, total)
    assert low == pytest.approx(-0.01 - error, abs=4e-4)
    assert high == pytest.approx(-0.01 + error, abs=4e-4)


def test_difference_interval_covers_a_true_difference_about_95_times_in_100():
    rng = np.random.default_rng(3)
    total, broke_rate, fixed_rate = 2000, 0.01, 0.004
    covered = 0
    for _ in range(100):
        broke, fixed, _same = rng.multinomial(total, [broke_rate, fixed_rate, 1 - broke_rate - fixed_rate])
        low, high = proportions.difference_interval(int(broke), int(fixed), total)
        covered += low <= fixed_rate - broke_rate <= high
    assert 88 <= covered <= 100


def test_difference_interval_is_not_empty_where_nothing_changed():
    low, high = proportions.difference_interval(0, 0, 10000)
    assert low == -high
    assert 3e-4 < high < 4e-4


def test_intervals_are_absent_without_scipy(monkeypatch):
    monkeypatch.setattr(proportions, "find_spec", lambda _name: None)
    result = parity.compare(MODEL, REFERENCE, LABELS)
    assert result.accuracy == pytest.approx(0.6)
    assert result.accuracy_interval is result.difference_interval is result.mcnemar_p is None


def test_nan_is_an_error_and_never_a_passing_difference():
    broken = MODEL.copy()
    broken[2, 1] = np.nan
    with pytest.raises(EngineError, match="NaN or infinity on 1 images"):
        parity.compare(broken, REFERENCE, LABELS)


def test_reference_with_other_classes_is_refused():
    with pytest.raises(InputError, match="different outputs"):
        parity.compare(MODEL, one_hot([0, 1, 2, 1, 2], classes=4), LABELS)


def test_labels_beyond_the_classes_are_refused():
    with pytest.raises(InputError, match="labels 0 to 9"):
        accuracy.score(MODEL, np.array([0, 1, 2, 3, 9], np.uint8))


def test_arrays_of_different_length_are_refused():
    with pytest.raises(InputError, match="do not belong together"):
        accuracy.score(MODEL, LABELS[:3])
