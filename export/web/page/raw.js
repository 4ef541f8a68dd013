// A model as a function from bytes to bytes, however many inputs and outputs it has and of whatever type they are.

import { sizeOf } from "./model.js";

const ELEMENTS = { uint8: Uint8Array, int8: Int8Array, int16: Int16Array, int32: Int32Array, float32: Float32Array };

/** The number of bytes of an input or output. */
export function bytesOf(end) {
  return sizeOf(end) * ELEMENTS[end.dtype].BYTES_PER_ELEMENT;
}

/** The number of bytes of all inputs, or all outputs, together. */
export function allBytes(ends) {
  return ends.reduce((sum, end) => sum + bytesOf(end), 0);
}

/** Return the outputs' bytes, one output after the other, for the inputs' bytes. */
export function runBytes(model, bytes) {
  const { inputs, outputs } = model.signature;
  if (!(bytes instanceof Uint8Array) || bytes.length !== allBytes(inputs)) {
    throw new RangeError(`received ${bytes?.length} bytes; expected a Uint8Array of ${allBytes(inputs)}`);
  }
  let place = 0;
  const given = inputs.map((end) => {
    const part = bytes.slice(place, (place += bytesOf(end)));
    return new ELEMENTS[end.dtype](part.buffer);
  });
  const found = model.run(given.length > 1 ? given : given[0]);
  const answers = outputs.length > 1 ? found : [found];
  const result = new Uint8Array(allBytes(outputs));
  place = 0;
  for (const answer of answers) {
    result.set(new Uint8Array(answer.buffer), place);
    place += answer.byteLength;
  }
  return result;
}

/** Return pixels 0 to 255 as bytes of the input: as they are, or minus 128 for a model that takes int8. */
export function pixelBytes(pixels, end) {
  return end.dtype === "int8" ? pixels.map((value) => value ^ 128) : pixels;
}

/** Return the real values of the first output. */
export function realValues(model, bytes) {
  const [end] = model.signature.outputs;
  return model.dequantize(typed(bytes.subarray(0, bytesOf(end)), end));
}

/** Return bytes of an input or output as its numbers. */
export function typed(bytes, end) {
  return new ELEMENTS[end.dtype](bytes.slice().buffer);
}
