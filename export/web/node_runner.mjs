// Runs a model's JavaScript module on inputs: node node_runner.mjs MODULE simd|plain INPUTS OUTPUTS
// Both files hold, for each input or output in order, all of its values.
import { readFile, writeFile } from "node:fs/promises";
import { pathToFileURL } from "node:url";

const [path, variant, from, to] = process.argv.slice(2);
const { load } = await import(pathToFileURL(path));
const model = await load({ simd: variant === "simd" });
const ends = [...model.signature.inputs, ...model.signature.outputs];
const TYPES = { uint8: Uint8Array, int8: Int8Array, int16: Int16Array, int32: Int32Array, float32: Float32Array };
const sizes = ends.map((end) => end.shape.reduce((size, axis) => size * axis, 1));
const bytes = ends.map((end, number) => sizes[number] * TYPES[end.dtype].BYTES_PER_ELEMENT);
const inputs = model.signature.inputs.length;
const content = await readFile(from);
const count = content.length / bytes.slice(0, inputs).reduce((sum, size) => sum + size, 0);
let place = 0;
const given = model.signature.inputs.map((end, number) => {
  const part = content.buffer.slice(content.byteOffset + place, content.byteOffset + place + bytes[number] * count);
  place += bytes[number] * count;
  return new TYPES[end.dtype](part);
});
const answers = model.run(inputs > 1 ? given : given[0]);
const all = model.signature.outputs.length > 1 ? answers : [answers];
await writeFile(to, Buffer.concat(all.map((array) => Buffer.from(array.buffer))));
