import gzip
from pathlib import Path

import numpy as np
import pytest

from edgemnist.data import mnist
from edgemnist.data.datasets import Dataset, Split, Wanted, class_names, load_split, load_test_split
from edgemnist.data.idx import idx_bytes, idx_sha256, read_array
from edgemnist.data.mnist import MNIST_SHA256
from edgemnist.runtime.errors import DatasetError

IMAGES = "t10k-images-idx3-ubyte"
LABELS = "t10k-labels-idx1-ubyte"


def drawn_images(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, 6, 5), dtype=np.uint8)


def some_labels(count: int) -> np.ndarray:
    return (np.arange(count) % 3).astype(np.uint8)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / IMAGES).write_bytes(idx_bytes(drawn_images(12)))
    (tmp_path / LABELS).write_bytes(idx_bytes(some_labels(12)))
    return tmp_path


def write_npz(path: Path, **changes: object) -> Path:
    arrays = {
        "x_train": drawn_images(20, seed=1),
        "y_train": some_labels(20),
        "x_test": drawn_images(12),
        "y_test": some_labels(12),
    }
    np.savez(path, **{name: array for name, array in (arrays | changes).items() if array is not None})
    return path


def test_bundled_pair_is_the_original_mnist_test_set():
    split = load_test_split()
    assert split.inputs.shape == (10_000, 28, 28)
    assert np.bincount(split.labels).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    assert split.inputs_sha256 == MNIST_SHA256["test_images"]
    assert split.labels_sha256 == MNIST_SHA256["test_labels"]


def test_changed_bundled_file_is_refused(folder, monkeypatch):
    monkeypatch.setattr(mnist, "FOLDER", folder)
    with pytest.raises(DatasetError, match="not the original MNIST"):
        load_test_split()


def test_hash_of_an_array_is_the_hash_of_its_idx_file():
    packed = next(mnist.FOLDER.glob("t10k-labels*.gz"))
    assert idx_sha256(read_array(packed, (1,))) == MNIST_SHA256["test_labels"]


def test_plain_files_are_read(folder):
    split = load_test_split(folder)
    np.testing.assert_array_equal(split.inputs, drawn_images(12))
    np.testing.assert_array_equal(split.labels, some_labels(12))


def test_packed_files_are_read(folder):
    for name in (IMAGES, LABELS):
        (folder / f"{name}.gz").write_bytes(gzip.compress((folder / name).read_bytes()))
        (folder / name).unlink()
    np.testing.assert_array_equal(load_test_split(folder).inputs, drawn_images(12))


def test_names_with_a_dot_are_read(folder):
    (folder / IMAGES).rename(folder / "t10k-images.idx3-ubyte")
    assert len(load_test_split(folder)) == 12


def test_npz_gives_the_same_hashes_as_idx_files(folder, tmp_path):
    split = load_test_split(write_npz(tmp_path / "data.npz", y_test=some_labels(12).astype(np.int64)))
    assert split.inputs_sha256 == load_test_split(folder).inputs_sha256
    assert split.labels_sha256 == load_test_split(folder).labels_sha256


def test_classes_are_numbered_up_to_the_largest_label_of_any_part():
    train = Split(drawn_images(4), np.array([0, 1, 5, 2], np.uint8))
    test = Split(drawn_images(2, seed=1), np.array([0, 3], np.uint8))
    assert class_names(train, test) == ("0", "1", "2", "3", "4", "5")


def refused(folder: Path, *words: str, wanted: Wanted | None = None) -> None:
    with pytest.raises(DatasetError) as caught:
        load_test_split(folder, wanted)
    for word in words:
        assert word in str(caught.value)
    assert caught.value.fix


def test_missing_path_is_named(tmp_path):
    refused(tmp_path / "nowhere", "nowhere does not exist", "folder of IDX files")


def test_file_that_is_no_data_set_is_refused(folder):
    refused(folder / IMAGES, IMAGES, "is no data set", ".npz")


def test_missing_file_is_named_with_what_is_there(folder):
    (folder / LABELS).rename(folder / "labels")
    refused(folder, "has no test labels", IMAGES, f"{LABELS}.gz")


def test_empty_folder_is_called_empty(tmp_path):
    refused(tmp_path, "an empty folder")


def test_truncated_file_is_refused(folder):
    content = (folder / IMAGES).read_bytes()
    (folder / IMAGES).write_bytes(content[:-7])
    refused(folder, IMAGES, f"received {len(content) - 7} bytes", f"expected {len(content)} bytes")


def test_file_with_bytes_left_over_is_refused(folder):
    with (folder / LABELS).open("ab") as file:
        file.write(b"more")
    refused(folder, LABELS, "received 24 bytes", "expected 20 bytes")


def test_file_that_ends_in_its_header_is_refused(folder):
    (folder / IMAGES).write_bytes((folder / IMAGES).read_bytes()[:9])
    refused(folder, IMAGES, "ends inside its header", "9 bytes")


@pytest.mark.parametrize("content", [b"", b"\0\0", b"<html>not found</html>"])
def test_foreign_file_is_refused(folder, content):
    (folder / IMAGES).write_bytes(content)
    refused(folder, IMAGES, "is not an IDX file")


def test_swapped_images_and_labels_are_refused(folder):
    (folder / IMAGES).rename(folder / "saved")
    (folder / LABELS).rename(folder / IMAGES)
    (folder / "saved").rename(folder / LABELS)
    refused(folder, f"{IMAGES} does not contain images", "received labels")


def test_idx_of_floats_is_refused(folder):
    content = bytearray((folder / IMAGES).read_bytes())
    content[2] = 0x0D
    (folder / IMAGES).write_bytes(content)
    refused(folder, IMAGES, "0x0d", "0x08")


@pytest.mark.parametrize("damage", [lambda packed: packed[:-20], lambda packed: packed[:40] + b"x" * 40])
def test_damaged_gzip_is_refused(folder, damage):
    packed = gzip.compress((folder / IMAGES).read_bytes())
    (folder / IMAGES).unlink()
    (folder / f"{IMAGES}.gz").write_bytes(damage(packed))
    refused(folder, f"{IMAGES}.gz", "cannot be read", "gzip")


def test_different_counts_are_refused(folder):
    (folder / LABELS).write_bytes(idx_bytes(some_labels(11)))
    refused(folder, LABELS, "12 images and 11 labels")


def test_set_without_images_is_refused(folder):
    (folder / IMAGES).write_bytes(idx_bytes(drawn_images(0)))
    (folder / LABELS).write_bytes(idx_bytes(some_labels(0)))
    refused(folder, "(0, 6, 5)", "N >= 1")


def test_mnist_under_another_name_is_mislabelled(tmp_path):
    for name, prefixed in ((IMAGES, "train-images-idx3-ubyte"), (LABELS, "train-labels-idx1-ubyte")):
        (tmp_path / f"{prefixed}.gz").write_bytes((mnist.FOLDER / f"{name}.gz").read_bytes())
    with pytest.raises(DatasetError, match="mislabelled; received the test images of MNIST"):
        load_split(tmp_path, "train")


def test_npz_with_other_keys_lists_them(tmp_path):
    np.savez(tmp_path / "data.npz", images=drawn_images(2), labels=some_labels(2))
    refused(tmp_path / "data.npz", "has no x_test", "images, labels")


def test_missing_npz_is_named(tmp_path):
    refused(tmp_path / "data.npz", "data.npz does not exist")


def test_damaged_npz_is_refused(tmp_path):
    path = write_npz(tmp_path / "data.npz")
    path.write_bytes(path.read_bytes()[:500])
    refused(path, "data.npz", "cannot be read as an .npz file")


def test_array_file_named_npz_is_refused(tmp_path):
    with (tmp_path / "data.npz").open("wb") as file:
        np.save(file, drawn_images(3))
    refused(tmp_path / "data.npz", "cannot be read as an .npz file")


def test_pickled_objects_are_never_loaded(tmp_path):
    path = write_npz(tmp_path / "data.npz", y_test=np.array([{}] * 12, dtype=object))
    refused(path, "cannot be read as an .npz file", "holds Python objects")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"x_test": drawn_images(12) / np.float32(255)}, ["x_test", "float32 (12, 6, 5)", "expected uint8"]),
        ({"x_test": np.zeros((12, 6, 5, 3), np.int16)}, ["int16 (12, 6, 5, 3)"]),
        ({"x_test": np.zeros((12, 6), np.uint8)}, ["uint8 (12, 6)"]),
        ({"y_test": np.eye(12, dtype=np.uint8)}, ["y_test", "(12, 12)", "not one-hot"]),
        ({"y_test": some_labels(12) + 0.5}, ["y_test", "float64", "integers from 0 to 65535"]),
        ({"y_test": np.full(12, np.nan)}, ["y_test", "from nan to nan"]),
        ({"y_test": np.arange(12) - 1}, ["from -1 to 10", "Number the classes from 0"]),
        ({"y_test": np.arange(12) * 30_000}, ["from 0 to 330000"]),
        ({"y_test": None}, ["has no y_test", "y_train"]),
    ],
)
def test_npz_arrays_that_are_no_labelled_images_are_refused(tmp_path, changes, words):
    refused(write_npz(tmp_path / "data.npz", **changes), "data.npz", *words, wanted=Wanted(kind="image"))


def test_test_images_that_were_trained_on_are_refused():
    split = Split(drawn_images(4), some_labels(4))
    with pytest.raises(DatasetError, match="are the training inputs"):
        Dataset(train=split, test=Split(drawn_images(4), some_labels(4)))


def test_parts_of_different_image_size_are_refused():
    train = Split(drawn_images(4), some_labels(4))
    test = Split(np.zeros((4, 7, 5), np.uint8), some_labels(4))
    with pytest.raises(DatasetError, match=r"received uint8 \(7, 5\); expected uint8 \(6, 5\)"):
        Dataset(train=train, test=test)
