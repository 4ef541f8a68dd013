// The proof, made again in this browser: the answers on record, and the whole test set.

import { allBytes, pixelBytes, runBytes } from "./raw.js";
import { readArray, sha256 } from "./testset.js";

const PAUSE_EVERY_MS = 50;

/** Run inputs whose outputs are on record, and count the bytes that differ. */
export function checkGolden(model, golden, count) {
  const { inputs, outputs } = model.signature;
  const [taken, given] = [allBytes(inputs), allBytes(outputs)];
  let differing = 0;
  for (let i = 0; i < count; i++) {
    const found = runBytes(model, golden.subarray(i * taken, (i + 1) * taken));
    const start = count * taken + i * given;
    differing += found.filter((byte, place) => byte !== golden[start + place]).length;
  }
  return { inputs: count, bytes: count * given, differing, passed: differing === 0 };
}

/**
 * Run a test set from the user's files on all models, and compare with the outputs on record.
 * `report` is called with how much is done, 0 to 1.
 */
export async function checkTestSet(models, files, reference, hashes, report) {
  const arrays = await Promise.all([...files].map(readArray));
  const images = arrays.find(({ shape }) => shape.length > 1);
  const labels = arrays.find(({ shape }) => shape.length === 1);
  const [model] = Object.values(models);
  const [end] = model.signature.inputs;
  const size = allBytes([end]);
  const given = allBytes(model.signature.outputs);
  if (!images || images.data.length % size || images.data.length / size !== images.shape[0]) {
    const found = images ? images.shape.join(" × ") : "no images";
    throw new Error(`received ${found}; expected images of ${end.shape.slice(1).join(" × ")}`);
  }
  const count = images.shape[0];
  const isKnown = Object.values(hashes).includes(await sha256(images.bytes));
  const compared = Math.min(count, reference.length / given);
  const result = { images: count, compared, isKnown, bytes: 0, differing: 0, correct: labels ? 0 : null };
  const names = Object.keys(models);
  let paused = performance.now();
  for (let i = 0; i < count; i++) {
    const input = pixelBytes(images.data.slice(i * size, (i + 1) * size), end);
    names.forEach((name, number) => {
      const found = runBytes(models[name], input);
      if (i < compared) {
        result.bytes += given;
        result.differing += found.filter((byte, place) => byte !== reference[i * given + place]).length;
      }
      if (labels && number === 0) {
        result.correct += best(found, model.signature.outputs[0]) === labels.data[i];
      }
    });
    if (performance.now() - paused > PAUSE_EVERY_MS) {
      report(i / count);
      await new Promise((resolve) => setTimeout(resolve));
      paused = performance.now();
    }
  }
  return result;
}

function best(bytes, end) {
  const values = end.dtype === "int8" ? new Int8Array(bytes.buffer) : bytes;
  return values.indexOf(Math.max(...values));
}

/** Return the time of one inference in microseconds, the least of several tries. */
export function measured(model, input) {
  runBytes(model, input);
  const end = model.signature.inputs[0];
  const ready = end.dtype === "int8" ? new Int8Array(input.buffer, input.byteOffset, input.length) : input;
  const several = model.signature.inputs.length > 1 || !["int8", "uint8"].includes(end.dtype);
  const once = several ? () => runBytes(model, input) : () => model.run(ready);
  let [count, least] = [1, Infinity];
  for (let tries = 0; tries < 8; ) {
    const begin = performance.now();
    for (let i = 0; i < count; i++) {
      once();
    }
    const took = performance.now() - begin;
    if (took < 2) {
      count *= 4;
    } else {
      least = Math.min(least, took / count);
      tries += 1;
    }
  }
  return 1000 * least;
}
