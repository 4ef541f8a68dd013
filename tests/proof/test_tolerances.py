"""The limits of parity, at every count's edge."""

import math
from fractions import Fraction

import numpy as np
import pytest

from edgemnist.proof.parity import Parity, compare
from edgemnist.proof.tolerances import EXACT, QUANTIZED, REFERENCE, ROUNDED, Tolerances
from edgemnist.runtime.errors import OptionError

SIZES = [1, 7, 36, 9_999, 10_000]
LIMITS = ["0", "0.001", "0.002", "0.0005", "0.0015", "0.01", "0.1", "0.3", "0.9985", "0.998", "0.999", "1"]


def parity(images: int, *, reference_right: int, broke: int = 0, fixed: int = 0, flipped: int = 0) -> Parity:
    """Return what `compare` returns of such counts, as it rounds them."""
    return Parity(
        images=images,
        accuracy=(reference_right - broke + fixed) / images,
        reference_accuracy=reference_right / images,
        agreement=(images - flipped) / images,
        broke=broke,
        fixed=fixed,
        flipped=tuple(range(flipped)),
        max_abs_difference=0.0,
        mean_abs_difference=0.0,
        rms_difference=0.0,
        output_range=1.0,
        per_class_accuracy=(),
    )


@pytest.mark.parametrize("limit", LIMITS)
@pytest.mark.parametrize("images", SIZES)
def test_a_drop_keeps_its_limit_at_every_count(images, limit):
    """Fractions of the typed text are the oracle."""
    tolerances = Tolerances(0.0, float(limit), None)
    allowed = math.floor(Fraction(limit) * images)
    for dropped in {0, allowed - 1, allowed, allowed + 1, images} & set(range(images + 1)):
        for reference_right in {dropped, (dropped + images) // 2, images - 1, images}:
            if reference_right < dropped:
                continue
            fixed = min(3, images - reference_right, reference_right - dropped)
            found = parity(images, reference_right=reference_right, broke=dropped + fixed, fixed=fixed)
            assert (tolerances.violations(found) == ()) == (dropped <= allowed), (dropped, reference_right)


@pytest.mark.parametrize("limit", LIMITS)
@pytest.mark.parametrize("images", SIZES)
def test_agreement_keeps_its_limit_at_every_count(images, limit):
    tolerances = Tolerances(float(limit), 1.0, None)
    for flipped in range(0, images + 1, 1 if images < 100 else 3):
        found = parity(images, reference_right=images, flipped=flipped)
        kept = Fraction(images - flipped, images) >= Fraction(limit)
        assert (tolerances.violations(found) == ()) == kept, flipped


@pytest.mark.parametrize("images", SIZES)
def test_a_limit_computed_as_a_share_of_the_images_is_met_exactly(images):
    for count in range(0, images + 1, 1 + images // 700):
        dropping = parity(images, reference_right=images, broke=count, flipped=count)
        assert Tolerances((images - count) / images, count / images, None).violations(dropping) == ()


def test_exactly_20_images_of_10000_pass_at_0_2_points_and_21_do_not():
    labels = np.zeros(10_000, np.uint8)
    reference = np.tile(np.array([[0.9, 0.1]], np.float32), (10_000, 1))
    reference[:1_234] = reference[:1_234, ::-1]  # wrong already
    answers = reference.copy()
    answers[5_000:5_020] = answers[5_000:5_020, ::-1]
    assert 0.8766 - 0.8746 > 0.002  # which is why shares are not subtracted
    assert REFERENCE[QUANTIZED].violations(compare(answers, reference, labels)) == ()
    answers[5_020] = answers[5_020, ::-1]
    agreement, accuracy = REFERENCE[QUANTIZED].violations(compare(answers, reference, labels))
    assert agreement.startswith("agreement with Keras 99.790% is below 99.8%: 21 of 10,000 images differ")
    assert accuracy == "accuracy drops by 0.210%, more than 0.2%: 21 of 10,000 images"


@pytest.mark.parametrize("images", SIZES)
def test_the_limits_of_the_formats_are_met_exactly(images):
    for tolerances in REFERENCE.values():
        allowed = math.floor(Fraction(str(tolerances.max_accuracy_drop)) * images)
        for count, kept in ((allowed, True), (allowed + 1, False)):
            found = parity(images, reference_right=images, broke=count, flipped=count)
            assert (tolerances.violations(found) == ()) == kept


def test_a_model_that_got_better_drops_nothing():
    found = parity(7, reference_right=3, fixed=2, flipped=2)
    assert Tolerances(0.0, 0.0, None).violations(found) == ()


def test_a_difference_of_exactly_the_limit_passes():
    from dataclasses import replace

    tolerances, found = Tolerances(0.0, 1.0, 2.5e-5), parity(7, reference_right=7)
    assert tolerances.violations(replace(found, max_abs_difference=2.5e-5)) == ()
    (sentence,) = tolerances.violations(replace(found, max_abs_difference=2.6e-5))
    assert sentence == "a probability differs by 2.6e-05, more than 2.5e-05"


@pytest.mark.parametrize("value", [-0.1, 1.1, math.nan])
def test_a_limit_that_is_no_share_is_refused(value):
    with pytest.raises(OptionError, match="is no share"):
        Tolerances(value, 0.0, None)
    with pytest.raises(OptionError, match="is no share"):
        Tolerances(0.0, value, None)


def classes(*rows: tuple[float, ...]) -> np.ndarray:
    return np.array(rows, np.float32)


def test_one_flip_among_36_rows_proves_nothing_and_says_what_would():
    labels = np.zeros(36, np.uint8)
    reference = np.tile(classes((0.9, 0.1)), (36, 1))
    outputs = reference.copy()
    outputs[0] = outputs[0, ::-1]
    found = compare(outputs, reference, labels)
    assert QUANTIZED.violations(found) == ()
    (note,) = QUANTIZED.notes(found)
    assert note == (
        "accuracy drops by 2.78%, which may be chance (p = 1.00): with 36 images no loss below 16.67% can be"
        " told from it"
    )
    outputs[:6] = outputs[:6, ::-1]
    outputs[0] = reference[0, ::-1]
    found = compare(outputs, reference, labels)
    assert found.broke == 6
    assert found.smallest_significant_loss == pytest.approx(6 / 36)
    (sentence,) = QUANTIZED.violations(found)
    assert sentence.startswith("accuracy drops by 16.667%, more than 0.5%")


def test_a_gain_never_fails():
    labels = np.zeros(100, np.uint8)
    outputs = np.tile(classes((0.9, 0.1)), (100, 1))
    assert QUANTIZED.violations(compare(outputs, outputs[:, ::-1].copy(), labels)) == ()


def test_floats_may_differ_only_where_the_two_best_classes_are_hardly_apart():
    reference = classes((0.50002, 0.49998), (0.6, 0.4))
    near = classes((0.49998, 0.50002), (0.6, 0.4))
    assert EXACT.violations(compare(near, reference, None)) == ()
    (first, *_) = EXACT.violations(compare(reference[:, ::-1].copy(), reference, None))
    assert "another class than Keras' where its two best are 2.0e-01 apart, more than 0.0001" in first


def test_without_labels_a_quantized_classifier_is_reported_and_not_gated():
    reference = np.tile(classes((0.9, 0.1)), (100, 1))
    found = compare(reference[:, ::-1].copy(), reference, None)
    assert found.agreement == 0
    assert found.accuracy is None
    assert QUANTIZED.violations(found) == ()


def test_values_are_limited_by_their_range():
    reference = np.linspace(-50, 50, 200, dtype=np.float32)[:, None]
    close = reference + np.float32(0.005)
    far = reference + np.float32(1.5)
    assert EXACT.violations(compare(close, reference, None, classes=False)) == ()
    (sentence,) = EXACT.violations(compare(far, reference, None, classes=False))
    assert (
        sentence
        == "the largest difference of a value is 1.50% of the range of Keras' values, more than 0.01%"
    )
    assert QUANTIZED.violations(compare(far, reference, None, classes=False)) == ()
    (sentence,) = ROUNDED.violations(compare(reference + 3, reference, None, classes=False))
    assert sentence.startswith("the root mean square difference of a value is 3.00% of the range")


def test_a_limit_that_is_given_replaces_what_goes_with_it():
    assert EXACT.replaced(atol=0.3).decided == 0.3
    assert QUANTIZED.replaced(max_error=0.1).max_rms_error is None
    assert EXACT.replaced(atol=None) == EXACT


def test_the_stricter_of_two_limits_holds():
    loose, strict = Tolerances(0.9, 0.5, None), Tolerances(0.99, None, 1e-3)
    assert loose.stricter(strict) == Tolerances(0.99, 0.5, 1e-3)
