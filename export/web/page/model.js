// A model in WebAssembly: its memory, and what its integers stand for.

const TYPES = { uint8: Uint8Array, int8: Int8Array, int16: Int16Array, int32: Int32Array, float32: Float32Array };
const LIMITS = { uint8: [0, 255], int8: [-128, 127], int16: [-32768, 32767] };

// The smallest module that uses SIMD128: engines without it refuse it.
const VECTORS = [0, 97, 115, 109, 1, 0, 0, 0, 1, 4, 1, 96, 0, 0, 3, 2, 1, 0, 10, 9, 1, 7, 0, 65, 0, 253, 15, 26, 11];

/** Whether this engine has SIMD128. */
export function hasVectors() {
  return WebAssembly.validate(new Uint8Array(VECTORS));
}

/** A model's functions on an instance of its WebAssembly module. */
export class Model {
  #run;
  #inputs;
  #outputs;

  constructor(instance, facts) {
    const { memory, input, output, run } = instance.exports;
    this.labels = facts.labels;
    this.signature = facts.signature;
    this.#run = run;
    this.#inputs = facts.signature.inputs.map((end, number) => viewOf(memory, input(number), end));
    this.#outputs = facts.signature.outputs.map((end, number) => viewOf(memory, output(number), end));
    Object.freeze(this);
  }

  /**
   * Compute the output of an input, or the outputs of several that lie one after the other.
   * A model of several inputs takes an array of them, and one of several outputs returns an array.
   */
  run(input) {
    const given = this.#inputs.length > 1 ? input : [input];
    if (!Array.isArray(given) || given.length !== this.#inputs.length) {
      throw new TypeError(`expected an array of ${this.#inputs.length} inputs`);
    }
    const counts = given.map((values, number) => countOf(values, this.#inputs[number], this.signature.inputs[number]));
    if (counts.some((count) => count !== counts[0])) {
      throw new RangeError(`received different numbers of inputs: ${counts.join(", ")}`);
    }
    const results = this.#outputs.map((view) => new view.constructor(view.length * counts[0]));
    for (let i = 0; i < counts[0]; i++) {
      this.#inputs.forEach((view, number) => {
        view.set(given[number].subarray(i * view.length, (i + 1) * view.length));
      });
      this.#run();
      this.#outputs.forEach((view, number) => results[number].set(view, i * view.length));
    }
    return results.length > 1 ? results : results[0];
  }

  /** Return the integers that input `number` takes for real values, rounded half away from zero. */
  quantize(reals, number = 0) {
    return quantized(reals, this.signature.inputs[number]);
  }

  /** Return the real values that the integers of output `number` stand for. */
  dequantize(integers, number = 0) {
    return dequantized(integers, this.signature.outputs[number]);
  }
}

export function sizeOf(end) {
  return end.shape.reduce((size, axis) => size * axis, 1);
}

export function quantized(reals, end) {
  if (!end.scale) {
    return Float32Array.from(reals);
  }
  const [least, most] = LIMITS[end.dtype];
  return TYPES[end.dtype].from(reals, (real) => {
    const value = Math.fround(Math.fround(real) / end.scale);
    const within = Number.isNaN(value) ? 0 : Math.min(65536, Math.max(-65536, value));
    const rounded = Math.sign(within) * Math.floor(Math.abs(within) + 0.5) + end.zeroPoint;
    return Math.min(most, Math.max(least, rounded));
  });
}

export function dequantized(integers, end) {
  return Float32Array.from(integers, (integer) => (end.scale ? end.scale * (integer - end.zeroPoint) : integer));
}

function viewOf(memory, address, end) {
  return new TYPES[end.dtype](memory.buffer, address, sizeOf(end));
}

function countOf(values, view, end) {
  if (!(values instanceof view.constructor)) {
    throw new TypeError(`the input ${end.name} must be of type ${view.constructor.name}`);
  }
  if (values.length === 0 || values.length % view.length) {
    throw new RangeError(`the input ${end.name} has ${values.length} values; expected ${view.length}, or a multiple`);
  }
  return values.length / view.length;
}
