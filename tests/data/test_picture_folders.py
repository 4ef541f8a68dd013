"""Folders of class folders with pictures, compared with Keras where it reads them too."""

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgemnist.data import Dataset, Wanted, find_data, lazy, load_split
from edgemnist.data.datasets import load_test_labels
from edgemnist.data.record import DataRecord
from edgemnist.runtime.errors import DatasetError
from edgemnist.runtime.inputs.picture_files import PictureOptions
from edgemnist.runtime.inputs.pixels import read_pixels, resized

from .refusals import refused

SIDE = 16


@pytest.fixture(scope="module")
def photographs():
    """The two colour photographs of scikit-learn, a Chinese temple and a flower."""
    from sklearn.datasets import load_sample_images

    return load_sample_images().images


@pytest.fixture
def folder(tmp_path, photographs) -> Path:
    """Ten patches of each photograph, as PNG and JPEG, in class folders."""
    for name, photograph in zip(("temple", "flower"), photographs, strict=True):
        (tmp_path / name / "more").mkdir(parents=True)
        for number in range(10):
            patch = photograph[40 * number :, 30 * number :][:SIDE, :SIDE]
            suffix = ("png", "JPG")[number % 2]
            target = tmp_path / name / ("more" if number > 7 else ".") / f"{number}.{suffix}"
            Image.fromarray(patch).save(target, "JPEG" if suffix == "JPG" else "PNG")
        (tmp_path / name / ".hidden.png").write_text("no picture")
        (tmp_path / name / "notes.txt").write_text("no picture")
    (tmp_path / ".git").mkdir()
    return tmp_path


def in_parts(folder: Path) -> Path:
    for part in ("train", "test"):
        (folder / part).mkdir()
    for name in ("temple", "flower"):
        (folder / name).rename(folder / "train" / name)
        (folder / "test" / name).mkdir()
        (folder / "train" / name / "0.png").rename(folder / "test" / name / "0.png")
    return folder


@pytest.mark.slow
@pytest.mark.parametrize(("channels", "mode"), [(3, "rgb"), (1, "grayscale")])
@pytest.mark.parametrize("size", [(SIDE, SIDE), (11, 24)])
def test_pictures_are_read_as_keras_reads_them(folder, channels, mode, size):
    import keras

    for hidden in folder.rglob(".hidden.png"):  # Keras reads those too
        hidden.unlink()
    read = keras.utils.image_dataset_from_directory(
        in_parts(folder) / "train",
        shuffle=False,
        color_mode=mode,
        image_size=size,
        batch_size=None,
        verbose=False,
    )
    images, labels = map(np.array, zip(*read.as_numpy_iterator(), strict=True))
    mine = load_split(folder, "train", Wanted(shape=(*size, channels), resize=True))
    assert list(mine.class_names) == read.class_names
    np.testing.assert_array_equal(mine.labels, labels)
    difference = np.abs(mine.inputs - images)
    png = [index for index, path in enumerate(read.file_paths) if path.endswith("png")]
    assert difference[png].max() <= (1.6 if channels == 1 else 0.51)  # grey by other weights; rounding
    assert difference.mean() < 1  # JPEG, by another decoder


def test_folder_without_parts_is_split_and_its_labels_are_known_without_decoding(folder, monkeypatch):
    data = Dataset(load_split(folder, "train"), load_split(folder, "test"))
    assert (len(data.train), len(data.test)) == (16, 4)
    assert data.class_names == ("flower", "temple")
    assert data.test.labels.tolist() == [0, 0, 1, 1]
    assert data.test.inputs.shape == (4, SIDE, SIDE, 3)
    assert data.test.seeded == data.train.seeded is not None
    monkeypatch.setattr("edgemnist.data.picture_folders.read_pixels", None)
    assert load_test_labels(folder).tolist() == [0, 0, 1, 1]


def test_folders_of_parts_are_the_parts(folder, photographs):
    test = load_split(in_parts(folder), "test")
    assert (test.seeded, test.class_names, test.labels.tolist()) == (None, ("flower", "temple"), [0, 1])
    np.testing.assert_array_equal(test.inputs[1], photographs[0][:SIDE, :SIDE])
    (folder / "test" / "temple" / "0.png").unlink()
    (folder / "test" / "temple").rmdir()
    assert load_split(folder, "test").class_names == ("flower", "temple")
    (folder / "test" / "flower").rename(folder / "test" / "bird")
    refused(folder, "a folder of no known class", "bird", "flower, temple")


def test_order_of_the_classes_may_be_given(folder):
    test = load_split(folder, "test", Wanted(class_names=("temple", "flower")))
    assert (test.labels.tolist(), test.class_names) == ([1, 1, 0, 0], ("temple", "flower"))


def test_hash_is_that_of_the_pixels_in_an_npz(folder, tmp_path_factory):
    test = load_split(in_parts(folder), "test")
    path = tmp_path_factory.mktemp("npz") / "data.npz"
    np.savez(path, x_test=test.inputs, y_test=test.labels)
    assert load_split(path, "test").hashes("test") == test.hashes("test")


def test_large_folder_is_decoded_in_batches(folder, monkeypatch):
    small = load_split(folder, "train")
    monkeypatch.setattr(lazy, "MAX_IN_MEMORY_BYTES", 1000)
    train = load_split(folder, "train")
    assert isinstance(train.inputs, lazy.LazyArray)
    np.testing.assert_array_equal(np.concatenate(list(train.batches(5))), small.inputs)
    assert train.inputs_sha256 == small.inputs_sha256
    np.testing.assert_array_equal(train.inputs[[3, 1]], small.inputs[[3, 1]])


def test_grey_models_get_grey_images_with_and_without_a_channel_axis(folder):
    flat, stacked = (
        load_split(folder, "test", Wanted(shape=shape)) for shape in ((SIDE, SIDE), (SIDE, SIDE, 1))
    )
    np.testing.assert_array_equal(flat.inputs[..., None], stacked.inputs)
    assert flat.inputs_sha256 == stacked.inputs_sha256
    features = load_split(folder, "test", Wanted(shape=(SIDE * SIDE * 3,), kind="features"))
    assert (features.inputs.shape, features.inputs.dtype) == ((4, SIDE * SIDE * 3), np.float32)


def test_pictures_without_class_folders_have_no_labels(folder):
    test = load_split(folder / "temple" / "more", "test", Wanted(test_share=0.5))
    assert (test.labels, test.class_names, len(test)) == (None, (), 1)


def test_picture_of_another_size_is_named(folder):
    Image.new("RGB", (20, 9)).save(folder / "temple" / "wide.png")
    in_parts(folder)
    with pytest.raises(
        DatasetError, match=r"temple/wide\.png is of another size.*received 20 x 9; expected 16 x 16"
    ):
        load_split(folder, "train")
    assert len(load_split(folder, "train", Wanted(shape=(SIDE, SIDE, 3), resize=True))) == 19


@pytest.mark.parametrize("content", [b"", b"GIF89a", b"<svg/>", "cut"])
def test_file_that_is_no_picture_is_named(folder, content):
    path = in_parts(folder) / "test" / "flower" / "0.png"
    path.write_bytes(path.read_bytes()[:200] if content == "cut" else content)
    refused(folder, "test/flower/0.png", "not a picture that can be decoded")


def test_decompression_bomb_is_refused(folder):
    Image.new("1", (30_000, 2_000)).save(in_parts(folder) / "test" / "flower" / "0.png")
    refused(folder, "test/flower/0.png", "too many pixels", "30,000 x 2,000")


def test_empty_class_is_refused(folder):
    (folder / "bird").mkdir()
    refused(folder, "bird has no pictures", "an empty folder", ".png")
    (folder / "bird" / "bird.webp").touch()
    refused(folder, "bird has no pictures", "bird.webp")


@pytest.mark.parametrize("name", ["bird", "flower/99.png", "flower/more/99.png"])
def test_link_out_of_the_folder_is_refused(folder, tmp_path_factory, name):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    Image.new("RGB", (SIDE, SIDE)).save(elsewhere / "secret.png")
    (folder / name).symlink_to(elsewhere / "secret.png" if name.endswith("png") else elsewhere)
    refused(folder, "a link out of the data set", os.path.realpath(elsewhere))


def test_link_to_a_folder_around_it_does_not_go_round_forever(folder):
    (folder / "flower" / "loop").symlink_to(folder)
    assert len(load_split(folder, "train")) == 16


def test_missing_part_is_named(folder):
    in_parts(folder)
    (folder / "test").rename(folder / "val")
    refused(folder, "has no folder test", "train, val")


def test_classes_may_be_called_like_parts(folder):
    (folder / "temple").rename(folder / "train")
    assert load_split(folder, "test").class_names == ("flower", "train")


@pytest.mark.parametrize(
    ("mode", "expected"),
    [("L", [[7, 200]]), ("LA", [[7, 200]]), ("I;16", [[7, 200]]), ("1", [[0, 255]]), ("P", [[7, 200]])],
)
def test_grey_pictures_of_every_mode_keep_their_values(tmp_path, mode, expected):
    grey = Image.fromarray(np.array([[7, 200]], np.uint8))
    wide = Image.fromarray(np.array([[7 * 256 + 9, 200 * 256 + 255]], np.uint16))
    (wide if mode == "I;16" else grey.convert(mode)).save(tmp_path / "one.png")
    np.testing.assert_array_equal(read_pixels(tmp_path / "one.png", 1, PictureOptions()), expected)
    colours = read_pixels(tmp_path / "one.png", 3, PictureOptions())
    np.testing.assert_array_equal(colours, np.stack([expected] * 3, axis=-1))


def test_pictures_are_resized_between_the_middles_of_pixels():
    ramp = np.array([[0, 100]], np.uint8)
    np.testing.assert_array_equal(resized(ramp, (2, 4)), [[0, 25, 75, 100]] * 2)


def test_recorded_folder_is_found_again_while_it_is_the_same(folder):
    wanted = Wanted(shape=(8, 8, 3), resize=True)
    test = load_split(folder, "test", wanted)
    record = DataRecord(str(folder), test.hashes("test"), resize=True, seeded=test.seeded)
    again = find_data(record, wanted=Wanted(shape=(8, 8, 3)))
    np.testing.assert_array_equal(again.inputs, test.inputs)
    for path in folder.rglob("[0-9].png"):
        Image.new("RGB", (8, 8)).save(path)
    with pytest.raises(DatasetError, match=r"the test images of .* are not the recorded ones"):
        find_data(record, wanted=Wanted(shape=(8, 8, 3)))
    folder.rename(folder.with_name("moved"))
    with pytest.raises(DatasetError, match="is not on this machine"):
        find_data(record)


def test_recorded_mnist_is_the_bundled_one():
    from edgemnist.data.mnist import MNIST_SHA256

    assert len(find_data(DataRecord(None, MNIST_SHA256))) == 10_000
    with pytest.raises(DatasetError, match="not the recorded ones"):
        find_data(DataRecord(None, MNIST_SHA256 | {"test_labels": "0" * 64}))
