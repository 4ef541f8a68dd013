// Pillow's resampling of pictures of 8 bits, with its rounding, and its median filter.
// A picture is { width, height, channels, data }.

const PRECISION_BITS = 22;

const FILTERS = {
  box: [0.5, (x) => (x > -0.5 && x <= 0.5 ? 1 : 0)],
  lanczos: [3, (x) => (x >= -3 && x < 3 ? sinc(x) * sinc(x / 3) : 0)],
};

function sinc(x) {
  return x === 0 ? 1 : Math.sin(x * Math.PI) / (x * Math.PI);
}

export function roundHalfEven(value) {
  const below = Math.floor(value);
  const rest = value - below;
  return rest > 0.5 || (rest === 0.5 && below % 2 !== 0) ? below + 1 : below;
}

/** Return a picture in another size. */
export function resized(picture, width, height, filter) {
  let result = picture;
  if (width !== picture.width) {
    result = alongRows(result, width, filter);
  }
  if (height !== picture.height) {
    result = transposed(alongRows(transposed(result), height, filter));
  }
  return result;
}

function weightsFor(size, wanted, filter) {
  const [radius, weigh] = FILTERS[filter];
  const scale = size / wanted;
  const spread = Math.max(scale, 1);
  return Array.from({ length: wanted }, (_, place) => {
    const centre = (place + 0.5) * scale;
    const first = Math.max(0, Math.trunc(centre - radius * spread + 0.5));
    const end = Math.min(size, Math.trunc(centre + radius * spread + 0.5));
    const shares = [];
    for (let x = first; x < end; x++) {
      shares.push(weigh((x - centre + 0.5) * (1 / spread)));
    }
    const total = shares.reduce((sum, share) => sum + share, 0);
    return [first, shares.map((share) => fixedPoint(total === 0 ? share : share / total))];
  });
}

function fixedPoint(share) {
  return Math.trunc(share * 2 ** PRECISION_BITS + (share < 0 ? -0.5 : 0.5));
}

function alongRows(picture, width, filter) {
  const { height, channels } = picture;
  const data = new Uint8ClampedArray(width * height * channels);
  const weights = weightsFor(picture.width, width, filter);
  for (let y = 0; y < height; y++) {
    const row = y * picture.width;
    weights.forEach(([first, shares], x) => {
      for (let channel = 0; channel < channels; channel++) {
        let sum = 1 << (PRECISION_BITS - 1);
        for (let i = 0; i < shares.length; i++) {
          sum += picture.data[(row + first + i) * channels + channel] * shares[i];
        }
        data[(y * width + x) * channels + channel] = sum >> PRECISION_BITS;
      }
    });
  }
  return { width, height, channels, data };
}

function transposed({ width, height, channels, data }) {
  const result = new data.constructor(data.length);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      for (let channel = 0; channel < channels; channel++) {
        result[(x * height + y) * channels + channel] = data[(y * width + x) * channels + channel];
      }
    }
  }
  return { width: height, height: width, channels, data: result };
}

/** Return a picture in another size: bilinear, without smoothing, in the arithmetic of runtime/inputs/pixels.py. */
export function stretched(picture, width, height) {
  if (width === picture.width && height === picture.height) {
    return picture;
  }
  const rows = transposed(mixedAlongRows(transposed(picture), height));
  const mixed = mixedAlongRows(rows, width);
  return { ...mixed, data: Uint8ClampedArray.from(mixed.data, roundHalfEven) };
}

function mixedAlongRows(picture, width) {
  const { height, channels, data } = picture;
  const last = picture.width - 1;
  const result = new Float32Array(width * height * channels);
  for (let x = 0; x < width; x++) {
    const position = (x + 0.5) * (picture.width / width) - 0.5;
    const below = Math.floor(position);
    const share = Math.fround(position - below);
    const [lower, upper] = [below, below + 1].map((column) => Math.min(last, Math.max(0, column)));
    for (let y = 0; y < height; y++) {
      for (let channel = 0; channel < channels; channel++) {
        const from = data[(y * picture.width + lower) * channels + channel];
        const to = data[(y * picture.width + upper) * channels + channel];
        const part = Math.fround(Math.fround(to - from) * share);
        result[(y * width + x) * channels + channel] = from + part;
      }
    }
  }
  return { width, height, channels, data: result };
}

/** Return a part of a picture of one channel. */
export function cropped({ width, data }, left, top, right, bottom) {
  const result = new Uint8ClampedArray((right - left) * (bottom - top));
  for (let y = top; y < bottom; y++) {
    result.set(data.subarray(y * width + left, y * width + right), (y - top) * (right - left));
  }
  return { width: right - left, height: bottom - top, channels: 1, data: result };
}

/** Return the median of each pixel and its eight neighbours, those at the edge repeated. */
export function withoutSpecks({ width, height, data }) {
  const result = new Uint8ClampedArray(data.length);
  const nine = new Uint8Array(9);
  for (let y = 0; y < height; y++) {
    const above = Math.max(0, y - 1) * width;
    const here = y * width;
    const below = Math.min(height - 1, y + 1) * width;
    for (let x = 0; x < width; x++) {
      const left = Math.max(0, x - 1);
      const right = Math.min(width - 1, x + 1);
      nine[0] = data[above + left];
      nine[1] = data[above + x];
      nine[2] = data[above + right];
      nine[3] = data[here + left];
      nine[4] = data[here + x];
      nine[5] = data[here + right];
      nine[6] = data[below + left];
      nine[7] = data[below + x];
      nine[8] = data[below + right];
      result[here + x] = middleOf(nine);
    }
  }
  return { width, height, channels: 1, data: result };
}

/** Return the fifth of nine values, by insertion, which most pictures' flat parts make short. */
function middleOf(nine) {
  for (let place = 1; place < 9; place++) {
    const value = nine[place];
    let to = place;
    for (; to > 0 && nine[to - 1] > value; to--) {
      nine[to] = nine[to - 1];
    }
    nine[to] = value;
  }
  return nine[4];
}
