// Pictures of a digit, made like the images of MNIST: the same steps, in the same arithmetic, as edgemnist's Python
// (runtime/inputs/ink_adapter.py and strokes.py), so that the model sees the same pixels.

import { cropped, resized, roundHalfEven, withoutSpecks } from "./resample.js";

const BOX_SHARE = 20 / 28;
const WORKING_SIZE = 280;
const ENOUGH_DETAIL = 60;
const MARGIN_SHARE = 0.5;
const SMOOTHING_SCALE = 2;
const RING_SHARE = 0.04;
const BACKGROUND_FITS = 3;
const BACKGROUND_SPREAD = 2.5;
const MIN_CONTRAST = 24;
const NOISE_SPREAD = 4;
const f32 = Math.fround;
const INK_FROM = 0.25;
const INK_FULL = 0.9;
const VISIBLE = f32(0.3);
const BINS = 256;

/** Nothing is drawn on a picture. */
export class NoInkError extends Error {}

/**
 * Return a grey picture as MNIST would have it: light ink on black, fitted, centred by its mass.
 * `dark` is whether the ink is dark; null finds out.
 */
export function mnistLike(picture, width, height, dark = null) {
  let [ink, scale] = inkIn(picture, dark);
  if (scale > 1 && Math.max(ink.width, ink.height) < ENOUGH_DETAIL) {
    [ink] = inkIn(cropped(picture, ...around(ink, scale, picture)), ink.dark);
  }
  return centred(fitted(ink, width, height), width, height);
}

function inkIn(picture, dark) {
  const scale = Math.max(Math.max(picture.width, picture.height) / WORKING_SIZE, 1);
  let looked = picture;
  if (scale > 1) {
    const [width, height] = [picture.width, picture.height].map((axis) => Math.max(1, roundHalfEven(axis / scale)));
    looked = resized(picture, width, height, "box");
  }
  if (scale < SMOOTHING_SCALE && Math.min(looked.width, looked.height) >= ENOUGH_DETAIL) {
    looked = withoutSpecks(looked);
  }
  return [findInk(looked, dark), scale];
}

function around(ink, scale, picture) {
  const margin = MARGIN_SHARE * Math.max(ink.height, ink.width);
  return [
    Math.max(0, Math.trunc((ink.left - margin) * scale)),
    Math.max(0, Math.trunc((ink.top - margin) * scale)),
    Math.min(picture.width, Math.trunc((ink.left + ink.width + margin) * scale)),
    Math.min(picture.height, Math.trunc((ink.top + ink.height + margin) * scale)),
  ];
}

function fitted(ink, width, height) {
  const box = roundHalfEven(BOX_SHARE * Math.min(width, height));
  const scale = box / Math.max(ink.width, ink.height);
  const [toWidth, toHeight] = [ink.width, ink.height].map((axis) => Math.max(1, roundHalfEven(axis * scale)));
  const data = Uint8ClampedArray.from(ink.amounts, (amount) => roundHalfEven(f32(amount * 255)));
  return resized({ width: ink.width, height: ink.height, channels: 1, data }, toWidth, toHeight, "lanczos");
}

function centred(digit, width, height) {
  const columns = new Array(digit.width).fill(0);
  const rows = new Array(digit.height).fill(0);
  digit.data.forEach((value, place) => {
    columns[place % digit.width] += value;
    rows[Math.floor(place / digit.width)] += value;
  });
  const left = offsetOf(columns, width);
  const top = offsetOf(rows, height);
  const image = new Uint8Array(width * height);
  for (let y = 0; y < digit.height; y++) {
    image.set(digit.data.subarray(y * digit.width, (y + 1) * digit.width), (top + y) * width + left);
  }
  return image;
}

function offsetOf(profile, size) {
  const total = profile.reduce((sum, value) => sum + value, 0);
  const moment = profile.reduce((sum, value, place) => sum + value * place, 0);
  return Math.min(Math.max(roundHalfEven(size / 2 - moment / Math.max(total, 1)), 0), size - profile.length);
}

function findInk({ width, height, data }, dark) {
  const [background, noise] = backgroundOf(data, width, height);
  const isInkDark = dark ?? isDark(data, (place) => background[place]);
  const sign = isInkDark ? -1 : 1;
  const contrast = new Float32Array(data.length);
  let most = 0;
  for (let place = 0; place < data.length; place++) {
    contrast[place] = Math.max(0, sign * (data[place] - background[place]));
    most = Math.max(most, contrast[place]);
  }
  const threshold = f32(Math.max(otsu(contrast, most), NOISE_SPREAD * noise));
  const strong = above(contrast, threshold);
  if (!strong.length || most < MIN_CONTRAST) {
    throw new NoInkError("nothing is drawn");
  }
  const full = medianOf(strong);
  const range = f32(INK_FULL - INK_FROM);
  for (let place = 0; place < contrast.length; place++) {
    const share = f32(f32(f32(contrast[place] / full) - INK_FROM) / range);
    contrast[place] = Math.min(1, Math.max(0, share));
  }
  return cutOut(contrast, width, height, isInkDark);
}

function above(values, threshold) {
  const kept = new Float32Array(values.length);
  let count = 0;
  for (let place = 0; place < values.length; place++) {
    if (values[place] > threshold) {
      kept[count++] = values[place];
    }
  }
  return kept.subarray(0, count);
}

function cutOut(amounts, width, height, dark) {
  let [left, right, top, bottom] = [width, 0, height, 0];
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if (amounts[y * width + x] > VISIBLE) {
        left = Math.min(left, x);
        right = Math.max(right, x + 1);
        top = Math.min(top, y);
        bottom = Math.max(bottom, y + 1);
      }
    }
  }
  const part = new Float32Array((right - left) * (bottom - top));
  for (let y = top; y < bottom; y++) {
    part.set(amounts.subarray(y * width + left, y * width + right), (y - top) * (right - left));
  }
  return { amounts: part, width: right - left, height: bottom - top, left, top, dark };
}

/** Return whether a picture has dark ink on light background; `background` returns that of a pixel. */
export function isDark(data, background) {
  let [darker, lighter] = [0, 0];
  for (let place = 0; place < data.length; place++) {
    const difference = data[place] - background(place);
    const cube = difference * difference * difference;
    if (cube < 0) {
      darker -= cube;
    } else {
      lighter += cube;
    }
  }
  return darker >= lighter;
}

/** Return the plane through the picture's border, ink there left out, and the border's noise around it. */
function backgroundOf(data, width, height) {
  const border = Math.max(1, roundHalfEven(RING_SHARE * Math.min(width, height)));
  const down = spread(height);
  const across = spread(width);
  const points = [];
  for (let y = 0; y < height; y++) {
    const isEdge = y < border || y >= height - border;
    for (let x = 0; x < width; x++) {
      if (isEdge || x < border || x >= width - border) {
        points.push({ down: down[y], across: across[x], value: data[y * width + x] });
      }
    }
  }
  const distances = new Float64Array(points.length);
  let kept = points;
  let plane;
  for (let i = 0; i < BACKGROUND_FITS; i++) {
    plane = planeThrough(kept);
    points.forEach((point, place) => {
      distances[place] = Math.abs(point.value - (plane[0] + plane[1] * point.down + plane[2] * point.across));
    });
    const limit = BACKGROUND_SPREAD * medianOf(distances) + 1;
    kept = points.filter((_, place) => distances[place] <= limit);
  }
  const background = new Float32Array(width * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      background[y * width + x] = plane[0] + plane[1] * down[y] + plane[2] * across[x];
    }
  }
  return [background, medianOf(distances)];
}

function spread(size) {
  const step = size > 1 ? 2 / (size - 1) : 1;
  return Array.from({ length: size }, (_, place) => place * step - 1);
}

/** Return the three terms of the plane through points, by Gauss on the normal equations. */
function planeThrough(points) {
  let [down, across, value, down2, across2, both, downValue, acrossValue] = new Array(8).fill(0);
  for (const point of points) {
    down += point.down;
    across += point.across;
    value += point.value;
    down2 += point.down * point.down;
    across2 += point.across * point.across;
    both += point.down * point.across;
    downValue += point.down * point.value;
    acrossValue += point.across * point.value;
  }
  const rows = [
    [points.length, down, across, value],
    [down, down2, both, downValue],
    [across, both, across2, acrossValue],
  ];
  for (let i = 0; i < 3; i++) {
    const pivot = rows[i][i];
    if (Math.abs(pivot) < 1e-9 * points.length) {
      rows[i] = [0, 0, 0, 0]; // a picture one pixel wide has no slope across
      rows[i][i] = 1;
      continue;
    }
    for (let j = 0; j < 3; j++) {
      if (j !== i) {
        const factor = rows[j][i] / pivot;
        rows[j] = rows[j].map((term, column) => term - factor * rows[i][column]);
      }
    }
  }
  return rows.map((row, i) => row[3] / row[i]);
}

function medianOf(values) {
  const sorted = values.slice().sort();
  const middle = Math.floor(sorted.length / 2);
  if (sorted.length % 2) {
    return sorted[middle];
  }
  const mean = (sorted[middle - 1] + sorted[middle]) / 2;
  return values instanceof Float32Array ? f32(mean) : mean;
}

/** N. Otsu: A Threshold Selection Method from Gray-Level Histograms, IEEE Trans. SMC 9 (1979). */
function otsu(values, most) {
  const last = Math.max(most, 1);
  const edges = Float32Array.from({ length: BINS + 1 }, (_, place) => (place === BINS ? last : place * (last / BINS)));
  const counts = histogram(values, edges, last);
  const middles = Float32Array.from(counts, (_, place) => f32(edges[place + 1] + edges[place]) / 2);
  const total = values.length;
  const mass = counts.reduce((sum, count, place) => sum + count * middles[place], 0);
  let [below, massBelow, best, found] = [0, 0, -Infinity, 0];
  for (let place = 0; place < BINS; place++) {
    below += counts[place];
    massBelow += counts[place] * middles[place];
    const rest = total - below;
    if (below > 0 && rest > 0) {
      const variance = ((mass * below) / total - massBelow) ** 2 / (below * rest);
      if (variance > best) {
        [best, found] = [variance, middles[place]];
      }
    }
  }
  return found;
}

function histogram(values, edges, last) {
  const counts = new Array(BINS).fill(0);
  for (let place = 0; place < values.length; place++) {
    const value = values[place];
    let bin = Math.min(Math.trunc((value / last) * BINS), BINS - 1);
    if (value < edges[bin]) {
      bin -= 1;
    } else if (value >= edges[bin + 1] && bin < BINS - 1) {
      bin += 1;
    }
    counts[bin] += 1;
  }
  return counts;
}
