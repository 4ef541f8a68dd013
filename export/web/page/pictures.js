// From a picture as a browser has it, { width, height, data } in RGBA, to the pixels that a model takes.

import { isDark, mnistLike } from "./ink.js";
import { stretched } from "./resample.js";

const WHITE = 255;
const BLACK = 0;
const MIDDLE = 128;
const OPAQUE = 255;

/** Return one image of raw pixels, shape (height, width) or (height, width, channels). */
export function prepared(picture, shape, preparation) {
  const [height, width, channels = 1] = shape;
  if (preparation !== "ink") {
    const pixels = channels > 1 ? withoutAlpha(picture) : greyOf(picture);
    return Uint8Array.from(stretched(pixels, width, height).data);
  }
  const grey = greyOf(onBackground(picture));
  return picture.width === width && picture.height === height
    ? ofTheModelsSize(grey)
    : mnistLike(grey, width, height);
}

/** Return grey as Pillow has it: ITU-R BT.601 in fixed point. */
export function greyOf({ width, height, data }) {
  const grey = new Uint8ClampedArray(width * height);
  for (let i = 0; i < grey.length; i++) {
    grey[i] = (data[4 * i] * 19595 + data[4 * i + 1] * 38470 + data[4 * i + 2] * 7471 + 0x8000) >> 16;
  }
  return { width, height, channels: 1, data: grey };
}

function withoutAlpha({ width, height, data }) {
  const colours = new Uint8ClampedArray(width * height * 3);
  for (let i = 0; i < width * height; i++) {
    colours.set(data.subarray(4 * i, 4 * i + 3), 3 * i);
  }
  return { width, height, channels: 3, data: colours };
}

/** Return a picture with transparent parts laid on white if what is visible is dark, else on black. */
function onBackground(picture) {
  const { data } = picture;
  let [visible, alpha] = [0, 0];
  for (let i = 0; i < data.length; i += 4) {
    visible += (0.299 * data[i] + 0.587 * data[i + 1] + 0.114 * data[i + 2]) * data[i + 3];
    alpha += data[i + 3];
  }
  if (alpha === (data.length / 4) * OPAQUE) {
    return picture;
  }
  const tone = visible / Math.max(alpha, 1) < MIDDLE ? WHITE : BLACK;
  const laid = new Uint8ClampedArray(data.length);
  for (let i = 0; i < data.length; i += 4) {
    const share = Math.floor((data[i + 3] * 255 * 255 * 128) / (255 * 255));
    for (let j = i; j < i + 3; j++) {
      const sum = data[j] * share + tone * (255 * 128 - share) + (0x80 << 7);
      laid[j] = ((sum >> 8) + sum) >> 8 >> 7;
    }
    laid[i + 3] = OPAQUE;
  }
  return { ...picture, data: laid };
}

function ofTheModelsSize({ width, height, data }) {
  const edge = [];
  for (let x = 0; x < width; x++) {
    edge.push(data[x], data[(height - 1) * width + x]);
  }
  for (let y = 0; y < height; y++) {
    edge.push(data[y * width], data[y * width + width - 1]);
  }
  edge.sort((a, b) => a - b);
  const middle = edge.length / 2;
  const median = (edge[middle - 1] + edge[middle]) / 2;
  return Uint8Array.from(data, isDark(data, () => median) ? (value) => 255 - value : (value) => value);
}
