"""How fast WebAssembly is in Node, beside onnxruntime-web on the same network, both in one thread.

    python -m edgemnist.benchmarks.studies.speed.web_speed MODEL.int8.tflite --packages NODE_MODULES

`--packages` is a folder with npm's onnxruntime-web (`npm install onnxruntime-web`); without it only
edgemnist's modules are measured. The network goes to onnxruntime-web by tf2onnx, as it is and with its
integers made floats, and the faster of the two is the one to compare with. All run in turns in one process.
"""

import argparse
import json
import shutil
import subprocess
import tempfile
from pathlib import Path

import numpy as np

from ....export.codegen.arithmetic.fixed_point import Match
from ....export.codegen.proving.reference import random_inputs
from ....export.web.artifact import files_of
from ....export.web.compiler import find_web_compiler
from ....export.web.modules import make_modules

_SCRIPT = """
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const [folder, packages, rounds] = process.argv.slice(1).filter((one) => one !== "--");
const bytes = await readFile(`${folder}/input`);
const { load, signature } = await import(pathToFileURL(`${folder}/model.int8.mjs`));
const [end] = signature.inputs;
const TYPES = { uint8: Uint8Array, int8: Int8Array, float32: Float32Array };
const input = new TYPES[end.dtype](bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
const loading = {};
const runs = {};
for (const [name, simd] of [["edgemnist", true], ["edgemnist without SIMD", false]]) {
  const module = await readFile(`${folder}/model.int8${simd ? "" : ".plain"}.wasm`);
  let least = Infinity;
  let model;
  for (let i = 0; i < 20; i++) {
    const begin = performance.now();
    model = await load({ simd, wasm: module });
    least = Math.min(least, performance.now() - begin);
  }
  loading[name] = least;
  runs[name] = () => model.run(input);
}
if (packages) {
  const require = createRequire(`${packages}/`);
  const ort = require("onnxruntime-web");
  ort.env.wasm.numThreads = 1;
  const files = [["onnxruntime-web int8", "integers.onnx"], ["onnxruntime-web float32", "floats.onnx"]];
  for (const [name, file] of files) {
    try {
      const begin = performance.now();
      const session = await ort.InferenceSession.create(await readFile(`${folder}/${file}`), {
        executionProviders: ["wasm"],
      });
      loading[name] = performance.now() - begin;
      const [feed] = session.inputNames;
      const tensor = new ort.Tensor(end.dtype, input, end.shape); // tf2onnx keeps the ends as they are
      runs[name] = () => session.run({ [feed]: tensor });
      await runs[name]();
    } catch (error) {
      delete runs[name];
      console.error(`${name}: ${error.message}`);
    }
  }
}
const times = Object.fromEntries(Object.keys(runs).map((name) => [name, []]));
for (let round = 0; round < Number(rounds); round++) {
  for (const [name, run] of Object.entries(runs)) {
    let count = 0;
    const begin = performance.now();
    const { user } = process.cpuUsage(); // which other processes on the machine do not lengthen
    while (performance.now() - begin < 50) {
      const result = run();
      if (result instanceof Promise) {
        await result;
      }
      count += 1;
    }
    times[name].push(process.cpuUsage({ user, system: 0 }).user / count);
  }
}
console.log(JSON.stringify({ loading, times, node: process.version }));
"""


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("model", type=Path, help="a full-integer .tflite file of one input")
    parser.add_argument("--packages", type=Path, help="a folder with npm's onnxruntime-web")
    parser.add_argument("--rounds", type=int, default=20)
    options = parser.parse_args()
    node = shutil.which("node")
    if node is None:
        raise SystemExit("error: node is not installed")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        prepare(options.model.read_bytes(), folder, with_onnx=options.packages is not None)
        packages = str(options.packages.absolute()) if options.packages else ""
        command = [node, "--input-type=module", "--eval", _SCRIPT, "--", name, packages, str(options.rounds)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        raise SystemExit(done.stderr)
    if done.stderr:
        print(done.stderr.strip())
    print(table(json.loads(done.stdout)))


def prepare(content: bytes, folder: Path, *, with_onnx: bool) -> None:
    """Write the modules, an input and, on request, the network as ONNX."""
    modules = make_modules(content, "model", Match.LITERT, find_web_compiler())
    for ending, made in files_of(modules).items():
        (folder / f"model.int8{ending}").write_bytes(made)
    (array,) = random_inputs(modules.graph, 1)
    (folder / "input").write_bytes(np.ascontiguousarray(array[0]).tobytes())
    if not with_onnx:
        return
    source = folder / "model.tflite"
    source.write_bytes(content)
    for file, options in (("integers.onnx", []), ("floats.onnx", ["--dequantize"])):
        command = ["python", "-m", "tf2onnx.convert", "--opset", "13", "--tflite", str(source)]
        convert([*command, "--output", str(folder / file), *options])


def convert(command: list[str]) -> None:
    """Run tf2onnx, with this interpreter; say so where it fails."""
    import sys

    done = subprocess.run([sys.executable, *command[1:]], capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        print(f"tf2onnx: {done.stderr.strip().splitlines()[-1]}")


def table(found: dict[str, dict[str, list[float]]]) -> str:
    """Return the medians as a table, beside the least of each."""
    medians = {name: float(np.median(times)) for name, times in found["times"].items()}
    ours = medians["edgemnist"]
    lines = [
        f"Node {found['node']}",
        f"{'':28}{'µs of CPU, median':>18}{'least':>10}{'of ours':>9}{'load, ms':>10}",
    ]
    lines += [
        f"{name:28}{medians[name]:18.1f}{min(found['times'][name]):10.1f}{medians[name] / ours:9.2f}"
        f"{found['loading'][name]:10.1f}"
        for name in medians
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
