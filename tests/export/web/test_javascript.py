"""The JavaScript: the module in Node, the page's parts beside Python's, and the package."""

import base64
import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgemnist.data.datasets import load_test_split
from edgemnist.export.codegen.arithmetic.fixed_point import Match
from edgemnist.export.codegen.proving.reference import run_reference
from edgemnist.export.web import bundle
from edgemnist.export.web.artifact import files_of
from edgemnist.export.web.bundle import SCRIPTS
from edgemnist.export.web.package import write_package
from edgemnist.runtime.errors import InputError
from edgemnist.runtime.inputs.picture_files import PictureOptions, read_picture
from edgemnist.runtime.signature import InputSpec

from .conftest import raw_inputs, run_node

INK = InputSpec("image", (28, 28), ink=True)
PARTS = Path(bundle.__file__).with_name("page")


@pytest.fixture(scope="session")
def module(small, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("javascript")
    for ending, content in files_of(small).items():
        (folder / f"small.int8{ending}").write_bytes(content)
    return folder / "small.int8.mjs"


def test_the_module_runs_one_input_and_several(node, module, small, tmp_path):
    inputs = raw_inputs(small, 4)
    expected = run_reference(small.made_of, (inputs,), Match.LITERT).outputs[0]
    (tmp_path / "inputs").write_bytes(inputs.tobytes())
    script = """
        import { readFile } from "node:fs/promises";
        const [path, inputs] = process.argv.slice(1).filter((one) => one !== "--");
        const { load, labels, signature, hasVectors } = await import(path);
        const bytes = new Int8Array((await readFile(inputs)).buffer.slice(0));
        const all = [];
        for (const simd of [true, false]) {
          const model = await load({ simd });
          const size = bytes.length / 4;
          all.push(Array.from(model.run(bytes)));
          const each = [0, 1, 2, 3].map((i) => bytes.subarray(i * size, (i + 1) * size));
          all.push(each.flatMap((one) => Array.from(model.run(one))));
        }
        const model = await load({ wasm: await readFile(path.replace("mjs", "wasm")) });
        all.push(Array.from(model.run(bytes)));
        const errors = [];
        for (const wrong of [new Uint8Array(189), new Int8Array(5), new Int8Array(0), [1]]) {
          try { model.run(wrong); } catch (error) { errors.push(error.name); }
        }
        console.log(JSON.stringify({ all, labels, signature, errors, vectors: hasVectors() }));
    """
    found = json.loads(run_node(node, script, module, tmp_path / "inputs"))
    assert found["all"] == [expected.ravel().tolist()] * 5
    assert found["labels"] == ["0", "1", "2", "3", "4"] and found["vectors"]
    assert found["signature"]["inputs"][0]["shape"] == [1, 9, 7, 3]
    assert found["errors"] == ["TypeError", "RangeError", "RangeError", "TypeError"]


def test_quantize_and_dequantize_are_those_of_the_c(node, module, small):
    (tensor,) = small.graph.inputs
    scale, zero = np.float32(tensor.scale), tensor.zero_point
    halves = (np.arange(-140, 140) + 0.5) * float(scale)
    reals = [*np.linspace(-4, 4, 999), *halves, 1e9, -1e9, 0.0]
    script = """
        const path = process.argv.filter((one) => one.endsWith(".mjs"))[0];
        const { load } = await import(path);
        const model = await load();
        const reals = JSON.parse(process.argv.at(-1));
        const all = Array.from({ length: 256 }, (_, i) => i - 128);
        const found = [model.quantize([...reals, NaN]), model.dequantize(all)];
        console.log(JSON.stringify(found.map((values) => Array.from(values))));
    """
    quantized, dequantized = json.loads(run_node(node, script, module, json.dumps(reals)))
    value = np.float32(reals) / scale
    within = np.clip(value, -65536, 65536)
    rounded = np.sign(within) * np.floor(np.abs(within) + np.float32(0.5)) + zero
    assert quantized == [*np.clip(rounded, -128, 127).astype(int).tolist(), zero]
    (output,) = small.graph.outputs
    expected = np.float32(output.scale) * (np.arange(-128, 128) - output.zero_point).astype(np.float32)
    np.testing.assert_array_equal(np.float32(dequantized), expected)


def test_the_pages_scripts_make_one_module_without_a_name_twice(node, tmp_path):
    script = tmp_path / "page.mjs"
    script.write_text(bundle.script())
    done = subprocess.run([node, "--check", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert {path.stem for path in PARTS.glob("*.js")} == {*SCRIPTS}
    assert "import " not in script.read_text().replace("import.meta", "")


@pytest.fixture(scope="module")
def pictures():
    """Pictures of digits: on black, on paper in bad light, noisy, coloured, transparent, small."""
    generator, digits = np.random.default_rng(0), load_test_split().array
    found = []
    for number in range(240):
        kind = number % 6
        width, height = (int(axis) for axis in generator.integers(30, 460, 2))
        if kind in (0, 5):
            width = height = {0: 280, 5: 28}[kind]
        size = max(8, int(min(width, height) * generator.uniform(0.2, 0.9)))
        digit = Image.fromarray(digits[number]).resize((size, size), Image.Resampling.BICUBIC)
        grey = np.zeros((height, width), np.float32)
        x, y = (int(generator.integers(0, room - size + 1)) for room in (width, height))
        grey[y : y + size, x : x + size] = np.asarray(digit, np.float32)
        if kind in (1, 2, 3):
            down, across = np.mgrid[0:height, 0:width]
            noise = generator.normal(0, generator.uniform(0, 8), grey.shape)
            paper = 200 + 30 * across / width - 40 * down / height + noise
            grey = np.clip(paper - grey * generator.uniform(0.3, 0.7), 0, 255)
        grey = grey.astype(np.uint8)
        opaque = np.full_like(grey, 255)
        bands = [grey, grey, grey, opaque]
        if kind == 3:
            bands[1] = (grey * 0.9).astype(np.uint8)
        if kind == 4:
            bands = [np.full_like(grey, 20 if number % 4 else 230)] * 3 + [grey]
        found.append(np.stack(bands, axis=-1))
    found.append(np.full((50, 60, 4), 255, np.uint8))  # nothing on it
    return found


def prepared(node, pictures, tmp_path, shape, preparation):
    """Return what the page makes of pictures; None where nothing is on one."""
    (tmp_path / "pictures").write_bytes(b"".join(picture.tobytes() for picture in pictures))
    (tmp_path / "sizes.json").write_text(json.dumps([picture.shape[:2] for picture in pictures]))
    script = """
        import { readFileSync } from "node:fs";
        const [part, folder, shape, preparation] = process.argv.slice(1).filter((one) => one !== "--");
        const { prepared } = await import(part);
        const bytes = readFileSync(`${folder}/pictures`);
        let place = 0;
        const found = JSON.parse(readFileSync(`${folder}/sizes.json`)).map(([height, width]) => {
          const data = new Uint8ClampedArray(bytes.subarray(place, (place += 4 * width * height)));
          try {
            const pixels = prepared({ width, height, data }, JSON.parse(shape), preparation);
            return Buffer.from(pixels).toString("base64");
          } catch (error) {
            return error.constructor.name;
          }
        });
        console.log(JSON.stringify(found));
    """
    answer = run_node(node, script, PARTS / "pictures.js", tmp_path, json.dumps(shape), preparation)
    return [
        None if text == "NoInkError" else np.frombuffer(base64.b64decode(text), np.uint8).reshape(shape)
        for text in json.loads(answer)
    ]


def pillow(picture):
    opaque = picture[..., 3].min() == 255
    return Image.fromarray(picture[..., :3] if opaque else picture)


@pytest.mark.slow
def test_pictures_of_ink_become_the_same_pixels_as_in_python(node, pictures, tmp_path):
    compared = 0
    for picture, found in zip(pictures, prepared(node, pictures, tmp_path, [28, 28], "ink"), strict=True):
        try:
            expected = read_picture(pillow(picture), INK, PictureOptions())
        except InputError:
            assert found is None
            continue
        np.testing.assert_array_equal(found, expected)
        compared += 1
    assert compared >= 200


@pytest.mark.slow
@pytest.mark.parametrize("shape", [(32, 24, 3), (20, 31, 1)])
def test_other_pictures_become_the_same_pixels_as_in_python(node, pictures, tmp_path, shape):
    for picture, found in zip(pictures, prepared(node, pictures, tmp_path, shape, "resize"), strict=True):
        expected = read_picture(pillow(picture), InputSpec("image", shape), PictureOptions())
        np.testing.assert_array_equal(found, expected)


def test_a_test_set_is_read_from_idx_and_numpy_packed_or_not(node, tmp_path):
    import gzip

    from edgemnist.data.idx import idx_bytes

    array = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
    np.save(tmp_path / "array.npy", array)
    (tmp_path / "array.idx").write_bytes(idx_bytes(array))
    (tmp_path / "array.gz").write_bytes(gzip.compress(idx_bytes(array)))
    (tmp_path / "wrong").write_bytes(b"nothing of the kind")
    script = """
        import { readFileSync } from "node:fs";
        const [part, folder] = process.argv.slice(1).filter((one) => one !== "--");
        const { readArray } = await import(part);
        const found = {};
        for (const name of ["array.npy", "array.idx", "array.gz", "wrong"]) {
          try {
            const { shape, data } = await readArray(new Blob([readFileSync(`${folder}/${name}`)]));
            found[name] = [shape, Array.from(data)];
          } catch (error) {
            found[name] = error.message;
          }
        }
        console.log(JSON.stringify(found));
    """
    found = json.loads(run_node(node, script, PARTS / "testset.js", tmp_path))
    assert "neither an IDX file" in found.pop("wrong")
    assert all(each == [[2, 3, 4], list(range(24))] for each in found.values()), found


def test_the_package_is_one_that_npm_packs(module, tmp_path):
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("needs npm: apt-get install npm")
    folder = write_package(Path(shutil.copytree(module.parent, tmp_path / "copy")) / "small.int8.wasm")
    done = subprocess.run(
        [npm, "pack", "--dry-run", "--json", "--offline"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    names = {file["path"] for file in json.loads(done.stdout)[0]["files"]}
    endings = (".wasm", ".plain.wasm", ".mjs", ".d.ts")
    assert names == {"package.json", "README.md", *(f"small.int8{ending}" for ending in endings)}


def test_an_installed_package_is_imported_by_its_name(node, module, tmp_path):
    folder = write_package(Path(shutil.copytree(module.parent, tmp_path / "copy")) / "small.int8.wasm")
    shutil.copytree(folder, tmp_path / "app" / "node_modules" / "small-int8")
    script = 'const m = await import("small-int8"); console.log((await m.load()).labels.length);'
    assert run_node(node, script, cwd=tmp_path / "app").strip() == "5"
