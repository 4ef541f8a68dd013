"""Gates: how far an artifact's answers may lie from the source model's."""

from dataclasses import dataclass

from .parity import Parity


@dataclass(frozen=True, slots=True)
class Gates:
    """Limits that an artifact's parity must keep.

    Attributes:
        min_agreement: Smallest share of images with the source model's label, 0..1.
        max_accuracy_drop: Largest loss of accuracy, 0..1.
        atol: Largest absolute difference of any probability; None sets no limit.
    """

    min_agreement: float
    max_accuracy_drop: float
    atol: float | None

    def broken_by(self, parity: Parity) -> tuple[str, ...]:
        """Return a sentence for each limit that `parity` does not keep."""
        drop = -parity.accuracy_difference
        sentences = []
        if parity.agreement < self.min_agreement:
            images = ", ".join(str(index) for index in parity.flipped)
            sentences.append(
                f"agreement with Keras {parity.agreement:.2%} is below {self.min_agreement:.2%}"
                f" (test images with another label: {images})"
            )
        if drop > self.max_accuracy_drop:
            sentences.append(f"accuracy drops by {drop:.2%}, more than {self.max_accuracy_drop:.2%}")
        if self.atol is not None and parity.max_abs_difference > self.atol:
            sentences.append(
                f"a probability differs by {parity.max_abs_difference:.1e}, more than {self.atol:.0e}"
            )
        return tuple(sentences)


EXACT = Gates(min_agreement=1.0, max_accuracy_drop=0.0, atol=1e-5)
FULL_INTEGER = Gates(min_agreement=0.998, max_accuracy_drop=0.002, atol=None)
ROUNDED = Gates(min_agreement=0.999, max_accuracy_drop=0.001, atol=0.05)
