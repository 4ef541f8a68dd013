"""Every error the project raises on purpose.

Each carries its facts as attributes, and derives from the built-in a caller would expect to catch too.
"""

from collections.abc import Iterable
from typing import Any


class EdgeMnistError(Exception):
    """Base of all the project's errors.

    Attributes:
        problem: What is wrong, in a few words.
        received: What was given, if that says more than the problem does.
        expected: What would have been accepted.
        fix: What to do about it.
    """

    def __init__(
        self, problem: str, *, received: object = None, expected: object = None, fix: str | None = None
    ) -> None:
        self.problem, self.received, self.expected, self.fix = problem, received, expected, fix
        facts = (("received", received), ("expected", expected))
        text = "; ".join([problem, *(f"{name} {fact}" for name, fact in facts if fact is not None)])
        super().__init__(f"{text}. {fix}" if fix else text)

    @property
    def facts(self) -> dict[str, Any]:
        """All but the problem, as arguments for another error."""
        return {"received": self.received, "expected": self.expected, "fix": self.fix}


class InputError(EdgeMnistError, ValueError):
    """Images that the model cannot take: wrong shape, dtype or range, an empty batch, NaN."""


class OptionError(EdgeMnistError, ValueError):
    """An option whose value is not allowed, or options that contradict each other."""


class DatasetError(EdgeMnistError, ValueError):
    """A data set file that is missing, damaged, mislabelled or of the wrong shape."""


class ArtifactError(EdgeMnistError, ValueError):
    """A model file that is damaged, foreign, or does not keep the artifact contract."""


class ArtifactNotFoundError(ArtifactError, FileNotFoundError):
    """A model file, or a folder of them, that is not there."""


class IntegrityError(ArtifactError):
    """A model file whose sha256 is not the expected one, or native code that nobody said may run here."""


class ManifestError(ArtifactError):
    """A manifest that is missing, damaged, or written in a format this version does not know."""


class CheckpointError(EdgeMnistError, ValueError):
    """A checkpoint of an interrupted training that is missing, damaged or of another training."""


class EngineError(EdgeMnistError, RuntimeError):
    """An inference engine that failed while it loaded or ran a model."""


class MissingExtraError(EdgeMnistError, ImportError):
    """A package that is needed here and not installed.

    The `extra` of edgemnist brings the `package`, by its import name; "" is the base install.
    """

    def __init__(self, package: str, extra: str, purpose: str) -> None:
        self.package, self.extra, self.purpose = package, extra, purpose
        target = f"'edgemnist[{extra}]'" if extra else "edgemnist"
        super().__init__(
            f"{purpose} needs the package {package}, which is not installed",
            fix=f"Install it with: pip install {target}",
        )


class HelperError(EdgeMnistError, RuntimeError):
    """A process that worked beside the training, and failed or died."""


class ConversionError(EdgeMnistError, RuntimeError):
    """A converter that failed, or whose output is not what was asked for."""


class MissingCompilerError(ConversionError):
    """A C compiler that is needed and not found."""

    def __init__(self, tried: str) -> None:
        super().__init__(
            "no C compiler was found",
            received=tried,
            fix="Install one, such as with `apt install gcc`, or name one: CC=/path/to/compiler.",
        )


class OutputError(EdgeMnistError, OSError):
    """A file that could not be written; what was there before is still there."""


class ProofError(EdgeMnistError):
    """A gate or a proof that did not hold: parity, structure, or a benchmark's limit."""


class UnprovenError(ProofError):
    """A file that may be good, but that nothing here proves, and that was therefore not run."""


class MendedModelWarning(UserWarning):
    """A model file of an earlier Keras, which was mended so that this Keras could load it."""


def first_line(error: BaseException) -> str:
    """Return the first line of an error's message, or its type where it has none."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def unknown(what: str, value: str, allowed: Iterable[str]) -> OptionError:
    """Return the error for an option's value that is not one of those allowed; it names the nearest."""
    from difflib import get_close_matches  # here, since a predictor must start quickly

    known = tuple(allowed)
    near = get_close_matches(value, known, 1)
    return OptionError(
        f"unknown {what}",
        received=repr(value),
        expected=f"one of {', '.join(known)}",
        fix=f"Did you mean {near[0]}?" if near else None,
    )


def require_one_of(what: str, value: str, allowed: Iterable[str]) -> None:
    """Raise OptionError if an option's value is not one of those allowed."""
    known = tuple(allowed)
    if value not in known:
        raise unknown(what, value, known)
