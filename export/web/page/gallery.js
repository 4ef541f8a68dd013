// Test images to click: those that the model gets right, wrong, and those that quantization changed.

/** Draw pixels 0 to 255 into a canvas of the image's size. */
export function paint(canvas, pixels, [height, width, channels = 1]) {
  canvas.width = width;
  canvas.height = height;
  const colours = new Uint8ClampedArray(4 * width * height);
  for (let i = 0; i < width * height; i++) {
    for (let channel = 0; channel < 3; channel++) {
      colours[4 * i + channel] = pixels[i * channels + Math.min(channel, channels - 1)];
    }
    colours[4 * i + 3] = 255;
  }
  canvas.getContext("2d").putImageData(new ImageData(colours, width, height), 0, 0);
}

/** Put a button for each image into the lists of their groups; `choose` gets the entry and its pixels. */
export function fillGallery(entries, pixels, shape, labels, choose) {
  const size = shape.reduce((product, axis) => product * axis, 1);
  entries.forEach((entry, place) => {
    const image = pixels.subarray(place * size, (place + 1) * size);
    const button = document.createElement("button");
    const canvas = document.createElement("canvas");
    paint(canvas, image, shape);
    button.type = "button";
    button.setAttribute("aria-label", `test image ${entry.index}: ${sentenceOf(entry, labels)}`);
    button.title = sentenceOf(entry, labels);
    button.append(canvas);
    button.addEventListener("click", () => choose(entry, image));
    document.querySelector(`[data-group="${entry.group}"]`).append(button);
  });
}

/** Return what an image is and what the models say. */
export function sentenceOf(entry, labels) {
  const [truth, found, source] = [entry.truth, entry.found, entry.source].map((number) => labels[number]);
  const before = found === source ? "" : `, and ${source} before quantization`;
  return found === truth ? `${truth}, and so the model says${before}` : `${truth}; the model says ${found}${before}`;
}
