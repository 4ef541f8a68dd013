import sys

import numpy as np
import pytest

from edgemnist.data.mnist import MNIST_SHA256
from edgemnist.export.backend import keras
from edgemnist.export.training.data import load_dataset, load_training_data
from edgemnist.export.training.recipe import EDGE
from edgemnist.runtime.errors import DatasetError


def test_bundled_files_are_the_original_mnist(mnist):
    assert mnist.sha256 == dict(MNIST_SHA256)
    assert mnist.train.inputs.shape == (60_000, 28, 28)
    assert mnist.class_names == tuple("0123456789")


def test_data_set_of_the_user_is_read(tmp_path, small_mnist):
    path = tmp_path / "small.npz"
    train, test = small_mnist.train, small_mnist.test
    np.savez(path, x_train=train.inputs, y_train=train.labels, x_test=test.inputs, y_test=test.labels)
    assert load_dataset(path).sha256 == small_mnist.sha256


def test_installation_without_the_training_files_asks_keras(mnist, monkeypatch, capsys):
    def load_data():
        sys.stdout.write("Downloading data")
        return (mnist.train.inputs, mnist.train.labels), (mnist.test.inputs, mnist.test.labels)

    monkeypatch.setattr("edgemnist.data.mnist.has_training_pair", lambda: False)
    monkeypatch.setattr(keras.datasets.mnist, "load_data", load_data)
    assert load_dataset().sha256 == dict(MNIST_SHA256)
    assert capsys.readouterr().out == ""


def test_download_that_is_not_mnist_is_refused(mnist, monkeypatch):
    images = mnist.train.inputs.copy()
    images[7, 3, 3] ^= 1
    monkeypatch.setattr("edgemnist.data.mnist.has_training_pair", lambda: False)
    monkeypatch.setattr(
        keras.datasets.mnist, "load_data", lambda: ((images, mnist.train.labels), (None, None))
    )
    with pytest.raises(DatasetError, match=r"keras\.datasets\.mnist are not the original MNIST"):
        load_dataset()


def test_failed_download_says_what_to_do(monkeypatch):
    def load_data():
        raise OSError("URL fetch failure: no network")

    monkeypatch.setattr("edgemnist.data.mnist.has_training_pair", lambda: False)
    monkeypatch.setattr(keras.datasets.mnist, "load_data", load_data)
    with pytest.raises(DatasetError, match=r"no network.*--data"):
        load_dataset()


def test_colour_images_are_no_training_data_of_the_reference_network(tmp_path):
    np.savez(tmp_path / "data.npz", x_train=np.zeros((9, 4, 5, 3), np.uint8), y_train=np.arange(9) % 3)
    with pytest.raises(DatasetError, match=r"not grey.*received images of shape \(4, 5, 3\)"):
        load_training_data(tmp_path / "data.npz", EDGE)
    np.savez(tmp_path / "data.npz", x_train=np.zeros((90, 4, 5, 1), np.uint8), y_train=np.arange(90) % 3)
    assert load_training_data(tmp_path / "data.npz", EDGE).train.input_shape == (4, 5)
