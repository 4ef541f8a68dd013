// What the page carries: JSON, and binary parts packed with gzip and written in base 85.

/** Return the JSON of a script element. */
export function factsIn(id) {
  return JSON.parse(document.getElementById(id).textContent);
}

/** Return the bytes of a script element; none if there is no such part. */
export async function bytesIn(id) {
  const element = document.getElementById(id);
  if (!element) {
    return new Uint8Array();
  }
  return unpacked(fromBase85(element.textContent.replaceAll("\n", "")), "gzip");
}

const DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%.()*+-;,=>?@^_`{|}~";

/** Return the bytes of a text in base 85: four for five characters, fewer for the last. */
function fromBase85(text) {
  const values = new Uint8Array(128);
  [...DIGITS].forEach((character, value) => {
    values[character.charCodeAt(0)] = value;
  });
  const bytes = new DataView(new ArrayBuffer(4 * Math.ceil(text.length / 5)));
  for (let i = 0; i < text.length; i += 5) {
    let number = 0;
    for (let j = i; j < i + 5; j++) {
      number = number * 85 + (j < text.length ? values[text.charCodeAt(j)] : 84);
    }
    bytes.setUint32((i / 5) * 4, number);
  }
  return new Uint8Array(bytes.buffer, 0, Math.floor((text.length * 4) / 5));
}

/** Return packed bytes unpacked, by what every browser has for it. */
export async function unpacked(bytes, format) {
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream(format));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** Return bytes one after the other. */
export function joined(...parts) {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let place = 0;
  for (const part of parts) {
    whole.set(part, place);
    place += part.length;
  }
  return whole;
}
