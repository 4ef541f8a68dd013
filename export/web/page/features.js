// Inputs that are no images: a field for each value, or a row of numbers.

import { sizeOf } from "./model.js";

const MOST_FIELDS = 64;
const LEAST = { uint8: 0, int8: -128, int16: -32768 };
const MOST = { uint8: 255, int8: 127, int16: 32767 };

/** Return the raw values, least and most, that value `place` of an input can hold; null for real numbers. */
export function rangeOf(end, place) {
  if (!end.scale) {
    return null;
  }
  const limits = [LEAST[end.dtype], MOST[end.dtype]].map((limit) => end.scale * (limit - end.zeroPoint));
  return limits.map((real) => (real - of(end.raw?.offset, place, 0)) / of(end.raw?.scale, place, 1)).sort((a, b) => a - b);
}

/** Return what the model receives for raw values: scaled as its signature has it. */
export function scaled(values, end) {
  return values.map((value, place) => value * of(end.raw?.scale, place, 1) + of(end.raw?.offset, place, 0));
}

/** Return the raw values for what the model receives. */
export function unscaled(values, end) {
  return Array.from(values, (real, place) => (real - of(end.raw?.offset, place, 0)) / of(end.raw?.scale, place, 1));
}

/** Return the number for a value: the only one, or that of its place along the last axis. */
function of(numbers, place, otherwise) {
  return numbers ? numbers[place % numbers.length] : otherwise;
}

export class FeatureForm {
  #end;
  #row;
  #fields;
  #changed;

  constructor(end, elements, changed) {
    this.#end = end;
    this.#row = elements.row;
    this.#changed = changed;
    const size = sizeOf(end);
    this.#fields = size > MOST_FIELDS ? [] : Array.from({ length: size }, (_, place) => this.#field(place));
    elements.fields.replaceChildren(...this.#fields.map((field) => field.parentElement));
    elements.row.addEventListener("input", () => this.#rowChanged());
  }

  /** Show values, without rounding marks, and report them. */
  set(values) {
    this.#row.value = Array.from(values, (value) => Number(value.toPrecision(6))).join(", ");
    this.#rowChanged();
  }

  #field(place) {
    const label = document.createElement("label");
    const field = document.createElement("input");
    const range = rangeOf(this.#end, place);
    field.type = "number";
    field.step = "any";
    if (range) {
      [field.min, field.max] = range.map((limit) => limit.toPrecision(6));
    }
    field.addEventListener("input", () => {
      this.#row.value = this.#fields.map((one) => one.value || "0").join(", ");
      this.#report();
    });
    label.append(this.#end.names?.[place] ?? `${this.#end.name} ${place}`, field);
    return field;
  }

  #rowChanged() {
    const values = this.#values();
    this.#fields.forEach((field, place) => {
      field.value = Number.isFinite(values[place]) ? String(values[place]) : "";
    });
    this.#report();
  }

  #values() {
    return this.#row.value.split(/[\s,;]+/).filter(Boolean).map(Number);
  }

  #report() {
    const values = this.#values();
    const size = sizeOf(this.#end);
    if (values.length !== size) {
      this.#changed(null, `${values.length} of ${size} numbers`);
    } else if (values.some((value) => !Number.isFinite(value))) {
      this.#changed(null, "a part of the row is no number");
    } else {
      this.#changed(values, "");
    }
  }
}
