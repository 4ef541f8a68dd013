"""Data sets of features: `.csv` files and arrays of numbers."""

import csv
from pathlib import Path

import numpy as np
import pytest

from edgemnist.data import csv_files, lazy, load_split, npz, read_class_names
from edgemnist.data.datasets import Dataset, Wanted, load_test_labels, require_classes
from edgemnist.runtime.errors import DatasetError

from .refusals import refused

VALUES = Wanted(output="values")


@pytest.fixture(scope="module")
def wine():
    """178 wines of three growers: 13 float features, from scikit-learn."""
    from sklearn.datasets import load_wine

    return load_wine()


def write_csv(path: Path, header: list[str], rows) -> Path:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([header, *rows])
    return path


def wine_csv(path: Path, wine, which=slice(None)) -> Path:
    rows = [
        [wine.target_names[label], *map(repr, map(float, row))]
        for row, label in zip(wine.data[which], wine.target[which], strict=True)
    ]
    return write_csv(path, ["label", *wine.feature_names], rows)


def test_single_csv_is_split_by_class_with_a_record(tmp_path, wine):
    path = wine_csv(tmp_path / "wine.csv", wine)
    data = Dataset(load_split(path, "train"), load_split(path, "test"))
    assert len(data.train) + len(data.test) == 178
    assert np.bincount(data.test.labels).tolist() == [12, 14, 10]  # a fifth of 59, 71 and 48
    assert data.class_names == ("class_0", "class_1", "class_2")
    assert data.train.seeded == data.test.seeded
    assert (data.test.seeded.test_share, len(data.test.seeded.indices_sha256)) == (0.2, 64)
    both = np.concatenate([data.train.inputs, data.test.inputs])
    assert sorted(map(bytes, both)) == sorted(map(bytes, wine.data.astype(np.float32)))
    np.testing.assert_array_equal(load_test_labels(path), data.test.labels)
    other = load_split(path, "test", Wanted(seed=1))
    assert other.seeded.indices_sha256 != data.test.seeded.indices_sha256


def test_features_have_the_same_hashes_from_csv_and_npz(tmp_path, wine):
    for part, which in (("train", slice(0, None, 2)), ("test", slice(1, None, 2))):
        wine_csv(tmp_path / f"{part}.csv", wine, which)
    arrays = {"x_train": wine.data[::2], "x_test": wine.data[1::2]}
    arrays |= {"y_train": wine.target[::2], "y_test": wine.target[1::2], "class_names": wine.target_names}
    np.savez_compressed(tmp_path / "wine.npz", **arrays)
    table, packed = load_split(tmp_path, "test"), load_split(tmp_path / "wine.npz", "test")
    assert table.hashes("test") == packed.hashes("test")
    assert set(table.hashes("test")) == {"test_features", "test_labels"}
    assert table.class_names == packed.class_names == tuple(wine.target_names)
    np.testing.assert_array_equal(table.labels, wine.target[1::2])


def test_parts_of_text_labels_number_their_classes_alike(tmp_path):
    write_csv(tmp_path / "train.csv", ["x", "label"], [[1, "dog"], [2, "ant"], [3, "cat"]])
    write_csv(tmp_path / "test.csv", ["x", "label"], [[1, "dog"]])
    test = load_split(tmp_path, "test")
    assert (test.class_names, test.labels.tolist()) == (("ant", "cat", "dog"), [2])
    chosen = load_split(tmp_path, "test", Wanted(class_names=("dog", "cat", "ant")))
    assert chosen.labels.tolist() == [0]
    refused(tmp_path, "no known class", "'dog'", "ant, cat", wanted=Wanted(class_names=("ant", "cat")))


def test_number_labels_are_class_numbers(tmp_path):
    write_csv(tmp_path / "test.csv", ["x", "label"], [[1, "10"], [2, "2.0"], [3, "300"]])
    split = load_split(tmp_path, "test")
    assert (split.labels.tolist(), split.labels.dtype, split.class_names) == ([10, 2, 300], np.int32, ())


def test_target_column_holds_values(tmp_path, wine):
    rows = np.column_stack([wine.data, wine.data @ np.linspace(-1, 1, 13)])
    path = write_csv(tmp_path / "wine.csv", [*wine.feature_names, "target"], rows.tolist())
    test = load_split(path, "test", VALUES)
    assert (test.labels, test.targets.dtype, test.targets.shape) == (None, np.float32, (36,))
    np.testing.assert_allclose(test.targets, test.inputs @ np.linspace(-1, 1, 13), rtol=1e-4)
    refused(path, "a column target", "outputs are classes")


def test_csv_without_answers_is_data_without_labels(tmp_path):
    test = load_split(write_csv(tmp_path / "x.csv", ["a", "b"], np.eye(10, 2).tolist()), "test")
    assert (test.labels, test.targets, len(test)) == (None, None, 2)
    with pytest.raises(DatasetError, match="has no labels"):
        _ = test.known_labels


def test_rows_of_numbers_take_the_shape_of_the_models_windows(tmp_path):
    path = write_csv(tmp_path / "test.csv", list("abcdef"), [range(6), range(6, 12)])
    windows = load_split(path.parent, "test", Wanted(shape=(3, 2)))
    np.testing.assert_array_equal(windows.inputs, np.arange(12).reshape(2, 3, 2))
    assert windows.inputs_sha256 == load_split(path.parent, "test").inputs_sha256
    refused(path.parent, "another shape", "(6,)", "(4, 2)", wanted=Wanted(shape=(4, 2)))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("a,label\n1,x\n2,y,3\n", ["line 3 is ragged", "3 cells", "2, as in the header"]),
        ("a,label\n1,x\n,y\n", ["line 3: column a is no number", "an empty cell"]),
        ("a,b,label\n1,2,x\n3,four,y\n", ["line 3: column b is no number", "'four'"]),
        ("a,label\n1,x\nnan,x\n", ["no finite number", "nan in row 1"]),
        ("a,label\n1e39,x\n", ["inf in row 0"]),
        ("a,label\n1,\n", ["line 2: the label is empty"]),
        ("a,label\n", ["has no rows"]),
        ("", ["has no header"]),
        ("1,2\n3,4\n", ["has no header", "numbers in its first line"]),
        ("label\nx\n", ["has no features"]),
        ("label,a,label\nx,1,x\n", ["a column twice"]),
        ('a,label\n"1,x\n', ["cannot be read as a .csv file"]),
        ("a,label\n1,\udcff\n", ["cannot be read as a .csv file"]),
        (",".join(map(str, range(70_000))) + "\n", ["too many columns", "70,000"]),
        ("a," + "x" * 5_000_000, ["a line that is too long"]),
        ("a,label\n1,-1\n", ["from -1.0 to -1.0", "Number the classes from 0", "label"]),
    ],
)
def test_csv_that_is_no_table_of_numbers_is_refused_in_one_sentence(tmp_path, content, words):
    (tmp_path / "test.csv").write_bytes(content.encode("utf-8", "surrogateescape"))
    refused(tmp_path, "test.csv", *words)


def test_column_of_ids_as_labels_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(csv_files, "MAX_CLASSES", 5)
    write_csv(tmp_path / "test.csv", ["x", "label"], [[1, f"id{row}"] for row in range(6)])
    refused(tmp_path, "too many different labels", "more than 5")


def test_too_few_rows_to_split_are_refused(tmp_path):
    refused(write_csv(tmp_path / "x.csv", ["x", "label"], [[1, "a"], [2, "b"]]), "too few inputs to be split")


def test_large_csv_and_npz_are_mapped_and_give_the_same(tmp_path, monkeypatch, wine):
    wine_csv(tmp_path / "test.csv", wine)
    np.savez(tmp_path / "wine.npz", x_test=wine.data, y_test=wine.target)
    small = load_split(tmp_path, "test")
    for module in (csv_files, lazy, npz):
        monkeypatch.setattr(module, "MAX_IN_MEMORY_BYTES", 1000)
    table, mapped = load_split(tmp_path, "test"), load_split(tmp_path / "wine.npz", "test")
    assert isinstance(table.inputs, np.memmap)
    assert isinstance(mapped.inputs, lazy.View)  # float64 in the file
    np.testing.assert_array_equal(np.concatenate(list(mapped.batches(50))), small.inputs)
    assert table.inputs_sha256 == mapped.inputs_sha256 == small.inputs_sha256
    part = mapped.select(mapped.labels == 2)
    assert isinstance(part.inputs, lazy.View)
    np.testing.assert_array_equal(np.asarray(part.inputs), small.inputs[small.labels == 2])
    np.testing.assert_array_equal(mapped.inputs[3], small.inputs[3])


def test_npz_of_windows_and_targets_is_read_as_float32(tmp_path):
    windows = np.random.default_rng(0).normal(size=(7, 20, 3))
    np.savez(tmp_path / "data.npz", x_test=windows, y_test=windows[:, 0])
    test = load_split(tmp_path / "data.npz", "test", VALUES)
    assert (test.kind, test.input_shape, test.inputs.dtype) == ("features", (20, 3), np.float32)
    np.testing.assert_array_equal(test.targets, windows[:, 0].astype(np.float32))
    refused(tmp_path / "data.npz", "expected uint8 images", wanted=Wanted(kind="image", output="values"))


@pytest.mark.parametrize("names", [{}, {"class_names": np.array(["no", "yes"])}])
def test_npz_with_names_as_labels(tmp_path, names):
    np.savez(tmp_path / "data.npz", x_test=np.eye(3), y_test=["yes", "no", "yes"], y_train=["no"], **names)
    test = load_split(tmp_path / "data.npz", "test")
    assert (test.labels.tolist(), test.class_names) == ([1, 0, 1], ("no", "yes"))


def test_npz_labels_of_keras_cifar_are_a_column(tmp_path):
    images = np.zeros((3, 4, 4, 3), np.uint8)
    np.savez(tmp_path / "data.npz", x_test=images, y_test=np.array([[6], [9], [0]]))
    test = load_split(tmp_path / "data.npz", "test")
    assert (test.labels.tolist(), test.labels.dtype, test.input_shape) == ([6, 9, 0], np.uint8, (4, 4, 3))


def test_more_labels_than_names_are_refused(tmp_path):
    np.savez(tmp_path / "data.npz", x_test=np.eye(3), y_test=[0, 1, 2], class_names=["a", "b"])
    refused(tmp_path / "data.npz", "from 0 to 2", "integers from 0 to 1")


def test_npz_with_a_64_bit_directory_is_read_and_its_entries_are_counted(tmp_path, monkeypatch):
    monkeypatch.setattr("zipfile.ZIP64_LIMIT", 1000)  # what numpy does above 4 GiB
    path = tmp_path / "data.npz"
    np.savez(path, x_test=np.eye(40), y_test=np.arange(40))
    content = path.read_bytes()
    monkeypatch.undo()
    assert b"PK\x06\x06" in content
    np.testing.assert_array_equal(load_split(path, "test").inputs, np.eye(40))
    at = content.index(b"PK\x06\x06") + 32
    path.write_bytes(content[:at] + (10**9).to_bytes(8, "little") + content[at + 8 :])
    refused(path, "more than 1,000 entries")
    at = content.index(b"PK\x06\x07") + 8
    path.write_bytes(content[:at] + (5).to_bytes(8, "little") + content[at + 8 :])
    refused(path, "not where it says")


def test_npz_bomb_is_refused_before_it_is_unpacked(tmp_path):
    np.savez_compressed(tmp_path / "data.npz", x_test=np.zeros((80, 1024, 1024), np.uint8), y_test=[0] * 80)
    refused(tmp_path / "data.npz", "unpacks to")


def test_mapped_array_whose_header_lies_is_refused(tmp_path, monkeypatch):
    path = tmp_path / "data.npz"
    np.savez(path, x_test=np.zeros((100, 8), np.float32))
    path.write_bytes(path.read_bytes().replace(b"(100, 8)", b"(900, 8)"))
    monkeypatch.setattr(npz, "MAX_IN_MEMORY_BYTES", 1000)
    refused(path, "cannot be read as an .npz file", "for the shape (900, 8)")


def test_training_class_without_rows_is_found_by_its_name(tmp_path):
    np.savez(tmp_path / "d.npz", x_train=np.eye(3), y_train=[0, 1, 1], class_names=["a", "b", "c"])
    with pytest.raises(DatasetError, match="no training image of class 2"):
        require_classes(load_split(tmp_path / "d.npz", "train"), np.array([0]))


@pytest.mark.parametrize(
    ("name", "content"),
    [("names.txt", "\ufeffcat\r\nBlue whale\r\n"), ("names.json", '["cat", "Blue whale"]')],
)
def test_class_names_are_read_from_lines_or_json(tmp_path, name, content):
    (tmp_path / name).write_text(content, newline="")
    assert read_class_names(tmp_path / name) == ("cat", "Blue whale")


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("names.txt", "cat\n\ndog\n", "'' for class 1"),
        ("names.txt", "cat\ndog\ncat\n", "'cat' twice"),
        ("names.txt", "", "'' for class 0"),
        ("names.json", '{"0": "cat"}', "a JSON dict"),
        ("names.json", "[1, 2]", "1 for class 0"),
        ("names.json", "[", "does not name the classes"),
    ],
)
def test_files_that_do_not_name_classes_are_refused(tmp_path, name, content, words):
    (tmp_path / name).write_text(content)
    with pytest.raises(DatasetError, match=words):
        read_class_names(tmp_path / name)


def test_missing_file_of_class_names_is_named(tmp_path):
    with pytest.raises(DatasetError, match=r"nowhere\.txt does not exist"):
        read_class_names(tmp_path / "nowhere.txt")
