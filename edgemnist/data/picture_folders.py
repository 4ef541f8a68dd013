"""Folders of class folders with pictures, as `keras.utils.image_dataset_from_directory` reads them.

Classes are the sorted names of the folders; pictures may lie deeper in them. What is hidden is ignored, and
so are files of other kinds. The parts are folders `train/` and `test/`; without them the pictures are split.
"""

import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..runtime.errors import DatasetError, InputError
from ..runtime.inputs.picture_files import PictureOptions
from ..runtime.inputs.pixels import read_pixels, resized
from ..runtime.printable import printable
from .idx import Part, listing
from .labels import checked_names, class_numbers
from .lazy import LazyArray, settled
from .splits import Split, seeded_part
from .wanted import Wanted, conformed

_SUFFIXES = (".bmp", ".gif", ".jpeg", ".jpg", ".png")  # as Keras has them
_PARTS = {"train", "test", "val", "valid", "validation"}
_OPTIONS = PictureOptions(formats=("PNG", "JPEG", "BMP", "GIF"))
_CHANNELS = (1, 3, 4)
_PLAIN_AXES, _IMAGE_AXES = 2, (2, 3)


class PictureFiles(LazyArray):
    """Pictures in files, decoded when they are read."""

    def __init__(self, paths: Sequence[Path], root: Path, shape: tuple[int, ...], *, resize: bool) -> None:
        super().__init__((len(paths), *shape), np.uint8)
        self._paths, self._root, self._resize = paths, root, resize

    def read(self, indices: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Return these pictures.

        Raises:
            DatasetError: One cannot be decoded, or is of another size.
        """
        images = np.empty((len(indices), *self.shape[1:]), np.uint8)
        for row, index in enumerate(indices):
            images[row] = self._image(self._paths[index])
        return images

    def _image(self, path: Path) -> NDArray[np.uint8]:
        shape = self.shape[1:]
        size = (shape[0], shape[1])
        pixels = _decoded(path, self._root, 1 if len(shape) == _PLAIN_AXES else shape[2])
        if pixels.shape[:2] != size and not self._resize:
            raise DatasetError(
                f"{path} is of another size than the model's input or the first picture",
                received=f"{pixels.shape[1]} x {pixels.shape[0]}",
                expected=f"{shape[1]} x {shape[0]}",
                fix="Give pictures of one size, or let them be resized with --resize.",
            )
        return resized(pixels, size).reshape(shape)


def matches(path: Path) -> bool:
    """Return whether a data set at `path` has this format."""
    return path.is_dir() and any(
        entry.is_dir() or entry.name.lower().endswith(_SUFFIXES) for entry in _visible(path, path)
    )


def read(path: Path, part: Part, wanted: Wanted) -> Split:
    """Return the pictures of a part, and their classes; without class folders, no labels.

    Raises:
        DatasetError: There are no pictures, a class has none, one cannot be decoded, they differ in size, or
            a link leads out of the folder.
        MissingExtraError: Pillow is not installed.
    """
    folder, paths, labels, names = _listed(path, part, wanted)
    shape = _image_shape(wanted) or _decoded(paths[0], path, None).shape
    pictures = PictureFiles(paths, path, shape, resize=wanted.resize)
    split = Split(pictures, labels, str(folder), class_names=names)
    if folder == path:
        split = seeded_part(split, part, wanted)
    return replace(split, inputs=conformed(settled(split.inputs), split.source, wanted))


def read_labels(path: Path, part: Part, wanted: Wanted) -> NDArray[Any] | None:
    """Return the classes of a part's pictures, and decode none of them.

    Raises:
        DatasetError: As for `read`.
    """
    folder, paths, labels, names = _listed(path, part, wanted)
    if labels is None or folder != path:
        return labels
    undecoded = Split(np.zeros((len(paths), 1, 1), np.uint8), labels, str(folder), class_names=names)
    return seeded_part(undecoded, part, wanted).labels


def _listed(
    path: Path, part: Part, wanted: Wanted
) -> tuple[Path, list[Path], NDArray[Any] | None, tuple[str, ...]]:
    """Return the folder of a part or of the whole, its pictures, their labels and the class names."""
    try:
        folders = [entry.name for entry in _visible(path, path) if entry.is_dir()]
        in_parts = bool({"train", "test"} & set(folders)) and _PARTS.issuperset(folders)
        if in_parts and part not in folders:
            raise _refusal(f"{path} has no folder {part}", listing(folders), "train and test")
        folder = path / part if in_parts else path
        of_training = path / "train" if in_parts and "train" in folders else folder
        names = [entry.name for entry in _visible(of_training, path) if entry.is_dir()]
        here = [entry.name for entry in _visible(folder, path) if entry.is_dir()]
        if not here:
            return folder, _pictures(folder, path), None, wanted.class_names
        unknown = sorted(set(here) - set(wanted.class_names or names))
        if unknown:
            known = listing(wanted.class_names or names)
            raise _refusal(f"{folder} has a folder of no known class", unknown[0], f"one of {known}")
        classes = wanted.class_names or checked_names(names, of_training)
        found = [_pictures(folder / name, path) for name in here]
    except OSError as error:
        raise _refusal(f"{path} cannot be read", str(error), "folders of pictures") from error
    paths = [picture for pictures in found for picture in pictures]
    texts = np.repeat(np.array(here), [len(pictures) for pictures in found])
    labels = None if wanted.output == "values" else class_numbers(texts, str(folder), classes)
    return folder, paths, labels, classes if labels is not None else ()


def _pictures(folder: Path, root: Path) -> list[Path]:
    """Return the pictures in a folder and its folders, sorted as Keras does: by folder, then by name."""
    found: list[tuple[str, str]] = []
    others: list[str] = []
    pending = [folder]
    while pending:
        current = pending.pop()
        for entry in _visible(current, root):
            if entry.is_dir(follow_symlinks=False):
                pending.append(current / entry.name)
            elif entry.name.lower().endswith(_SUFFIXES):
                found.append((str(current), entry.name))
            else:
                others.append(entry.name)
    if not found:
        raise _refusal(
            f"{folder} has no pictures", listing(others) or "an empty folder", ", ".join(_SUFFIXES)
        )
    return [Path(parent, name) for parent, name in sorted(found)]


def _image_shape(wanted: Wanted) -> tuple[int, ...] | None:
    """Return the shape that pictures are decoded to, if the model's input tells."""
    shape = wanted.shape
    if shape is None or len(shape) not in _IMAGE_AXES:
        return None
    return shape if len(shape) == _PLAIN_AXES or shape[2] in _CHANNELS else None


def _decoded(path: Path, root: Path, channels: int | None) -> NDArray[np.uint8]:
    try:
        return read_pixels(path, channels, _OPTIONS)
    except InputError as error:
        raise DatasetError(
            f"{path.relative_to(root)} in {root}: {error.problem}",
            received=error.received,
            expected=error.expected,
            fix="Replace the picture or remove it.",
        ) from error


def _refusal(problem: str, received: str, expected: str) -> DatasetError:
    return DatasetError(
        problem,
        received=printable(received),
        expected=expected,
        fix="Give a folder for each class, with its pictures, or such folders in train/ and test/.",
    )


def _visible(folder: Path, root: Path) -> Iterator[os.DirEntry[str]]:
    """Yield a folder's entries in order, but those that are hidden.

    Raises:
        DatasetError: One is a link out of the data set.
    """
    with os.scandir(folder) as entries:
        found = sorted(entries, key=lambda entry: entry.name)
    for entry in found:
        if entry.name.startswith("."):
            continue
        if entry.is_symlink() and not Path(os.path.realpath(entry)).is_relative_to(os.path.realpath(root)):
            raise DatasetError(
                f"{entry.path} is a link out of the data set",
                received=os.path.realpath(entry),
                expected=f"files in {root}",
                fix="Copy what it leads to into the folder, or remove the link.",
            )
        yield entry
