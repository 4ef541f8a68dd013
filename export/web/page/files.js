// Pictures that are chosen, dropped or pasted.

const MOST_PIXELS = 30_000_000;

/** Call `taken` with each picture in RGBA that the user gives, or `failed` with a sentence. */
export function acceptPictures({ chooser, target }, taken, failed) {
  const accept = async (files) => {
    const file = [...files].find((one) => one.type.startsWith("image/"));
    if (!file) {
      failed("That is no picture.");
      return;
    }
    try {
      taken(await decoded(file));
    } catch (error) {
      failed(`The picture cannot be read: ${error.message}`);
    }
  };
  chooser.addEventListener("change", () => {
    accept(chooser.files);
    chooser.value = "";
  });
  target.addEventListener("dragover", (event) => event.preventDefault());
  target.addEventListener("drop", (event) => {
    event.preventDefault();
    accept(event.dataTransfer.files);
  });
  document.addEventListener("paste", (event) => {
    if (event.clipboardData.files.length) {
      event.preventDefault();
      accept(event.clipboardData.files);
    }
  });
}

async function decoded(file) {
  const picture = await createImageBitmap(file, { premultiplyAlpha: "none", colorSpaceConversion: "none" });
  const { width, height } = picture;
  if (width * height > MOST_PIXELS) {
    throw new Error(`it has more than ${MOST_PIXELS} pixels`);
  }
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [width, height];
  const context = canvas.getContext("2d");
  context.drawImage(picture, 0, 0);
  return context.getImageData(0, 0, width, height);
}
