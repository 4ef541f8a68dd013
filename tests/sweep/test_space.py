import pytest

from edgemnist.runtime.errors import OptionError
from edgemnist.sweep.options import Export, Training
from edgemnist.sweep.space import read_space


def space_of(tmp_path, text):
    path = tmp_path / "sweep.toml"
    path.write_text(text)
    return read_space(path)


def test_each_list_is_a_dimension_and_the_last_one_changes_fastest(tmp_path):
    space = space_of(
        tmp_path, '[train]\nseed = [0, 1]\nepochs = 3\n[export]\nformat = ["int8.tflite", "onnx"]'
    )
    points = list(space.grid())
    assert len(space) == len(points) == 4
    assert [(point.train.seed, point.export.format) for point in points] == [
        (0, "int8.tflite"),
        (0, "float32.onnx"),
        (1, "int8.tflite"),
        (1, "float32.onnx"),
    ]
    assert {point.train.epochs for point in points} == {3}


def test_a_sample_is_drawn_from_the_grid_without_repetition_and_the_same_again(tmp_path):
    space = space_of(
        tmp_path, f"[train]\nseed = {list(range(50))}\n[export]\ncalibration_samples = [1, 2, 3]"
    )
    grid, drawn = list(space.grid()), list(space.sample(20, 7))
    assert drawn == list(space.sample(20, 7)) != list(space.sample(20, 8))
    assert len(set(drawn)) == 20
    assert [point for point in grid if point in set(drawn)] == drawn
    assert list(space.sample(1000, 0)) == grid


def test_options_that_change_nothing_of_a_format_make_no_other_artifact():
    floats, integers = (
        Export(format=name, calibration_samples=7, io="int8") for name in ("float32.onnx", "int8.c")
    )
    assert floats.effective() == Export(format="float32.onnx")
    assert integers.effective() == integers
    assert Export(format="int8.ort", opset=15, io="int8").effective() == Export(format="int8.ort", opset=15)


def test_numbers_of_channels_are_one_value(tmp_path):
    space = space_of(tmp_path, "[export]\nscale = [[0.5, 0.25, 0.1], 0.2]\noffset = [0.1, 0.2, 0.3]")
    assert space.dimensions == {"export.scale": ((0.5, 0.25, 0.1), 0.2), "export.offset": ((0.1, 0.2, 0.3),)}
    assert [point.export.signature().scale for point in space.grid()] == [(0.5, 0.25, 0.1), (0.2,)]


def test_layers_that_stay_float_are_one_or_several(tmp_path):
    text = '[export]\nformat = ["mixed.tflite", "int8.tflite"]\nkeep_float = ["hidden", ["a", "b"]]'
    points = [point.export for point in space_of(tmp_path, text).grid()]
    assert [point.options().keep_float for point in points] == [("hidden",), ("a", "b")] * 2
    assert [point.effective().keep_float for point in points] == ["hidden", ("a", "b"), (), ()]


def test_how_ranges_are_chosen_changes_only_what_is_calibrated_so(tmp_path):
    text = '[export]\nformat = ["int8.tflite", "int8.onnx"]\npercentile = 99.0\n'
    text += 'calibration_method = ["mse", "percentile"]'
    points = [point.export.effective() for point in space_of(tmp_path, text).grid()]
    found = [(point.calibration_method, point.percentile) for point in points]
    assert found == [("mse", 99.99), ("percentile", 99.0), ("minmax", 99.99), ("minmax", 99.99)]


def test_models_are_found_beside_the_file_and_are_not_trained(tmp_path):
    (point,) = space_of(tmp_path, '[export]\nmodel = ["mine.keras"]').grid()
    assert point.train is None
    assert point.export.model == str((tmp_path / "mine.keras").resolve())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[train]\nseeds = [1]", "unknown key.*Did you mean seed"),
        ("[trian]\nseed = [1]", "unknown table.*Did you mean train"),
        ("[train]\nseed = []", "train.seed has no values"),
        ('[export]\ncalibration_method = ["guess"]', "export.calibration_method has a value that is not"),
        ("[train]\nseed = [-1]", "train.seed has a value that is not allowed"),
        ('[train]\nepochs = ["many"]', "train.epochs has a value that is not allowed"),
        ('[train]\nrecipe = ["cake"]', "unknown recipe"),
        ('[train]\nnetwork = ["lstm"]', "unknown network"),
        ('[export]\nformat = ["int8.tflite", "int9.tflite"]', "unknown format"),
        ("[export]\nopset = [13, 99]", "unsupported opset"),
        ('[export]\nmodel = ["a.keras"]\n[train]\nseed = [1]', "names models and trains some"),
        ("train = 3", "train is no table"),
        ("[train", "is no TOML file"),
    ],
)
def test_what_is_wrong_in_a_file_is_told_before_anything_is_computed(tmp_path, text, message):
    with pytest.raises(OptionError, match=message):
        space_of(tmp_path, text)


def test_a_file_that_is_missing_is_an_error_of_the_option(tmp_path):
    with pytest.raises(OptionError, match="no such file"):
        read_space(tmp_path / "none.toml")


def test_the_recipe_has_the_values_that_replace_its_own():
    recipe = Training(recipe="edge", epochs=3, batch_size=16).found_recipe()
    assert (recipe.name, recipe.epochs, recipe.batch_size, recipe.warmup_epochs) == ("edge", 3, 16, 1)
