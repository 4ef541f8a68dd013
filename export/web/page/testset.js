// A test set from files: IDX as MNIST comes, or .npy, each packed with gzip or not.

import { unpacked } from "./blobs.js";

const GZIP = [0x1f, 0x8b];
const BYTES = 0x08;
const NUMPY = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];

/** Return { shape, data, idx }: an array of bytes from a file, and the file's own bytes unpacked. */
export async function readArray(file) {
  let bytes = new Uint8Array(await file.arrayBuffer());
  if (startsWith(bytes, GZIP)) {
    bytes = await unpacked(bytes, "gzip");
  }
  return { ...(startsWith(bytes, NUMPY) ? fromNumpy(bytes) : fromIdx(bytes)), bytes };
}

function startsWith(bytes, start) {
  return start.every((value, place) => bytes[place] === value);
}

function fromIdx(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 8 || view.getUint16(0) !== 0 || bytes[2] !== BYTES) {
    throw new Error("it is neither an IDX file of bytes nor a .npy file");
  }
  const shape = Array.from({ length: bytes[3] }, (_, axis) => view.getUint32(4 + 4 * axis));
  return checked(shape, bytes.subarray(4 + 4 * shape.length));
}

function fromNumpy(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const isFirst = bytes[6] === 1;
  const start = isFirst ? 10 : 12;
  const size = isFirst ? view.getUint16(8, true) : view.getUint32(8, true);
  const header = new TextDecoder("latin1").decode(bytes.subarray(start, start + size));
  const shape = /'shape': \(([\d, ]*)\)/.exec(header)?.[1].split(",").map((axis) => axis.trim()).filter(Boolean).map(Number);
  if (!shape || !/'descr': '\|[ui]1'/.test(header) || !/'fortran_order': False/.test(header)) {
    throw new Error("the .npy file holds no array of bytes");
  }
  return checked(shape, bytes.subarray(start + size));
}

function checked(shape, data) {
  if (data.length !== shape.reduce((product, axis) => product * axis, 1)) {
    throw new Error(`it holds ${data.length} bytes, not an array of ${shape.join(" × ")}`);
  }
  return { shape, data };
}

/** Return a digest in hexadecimal, or "" where the browser has none for this page. */
export async function sha256(bytes) {
  if (!globalThis.crypto?.subtle) {
    return "";
  }
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
