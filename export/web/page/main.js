// The page: its parts put together.

import { bytesIn, factsIn, joined } from "./blobs.js";
import { offerCamera } from "./camera.js";
import { FeatureForm, scaled, unscaled } from "./features.js";
import { acceptPictures } from "./files.js";
import { fillGallery, paint, sentenceOf } from "./gallery.js";
import { mnistLike } from "./ink.js";
import { Model, dequantized, hasVectors, quantized } from "./model.js";
import { Pad } from "./pad.js";
import { greyOf, prepared } from "./pictures.js";
import { checkGolden, checkTestSet, measured } from "./proof.js";
import { allBytes, pixelBytes, realValues, runBytes, typed } from "./raw.js";
import { Results, Values, sharesOf } from "./results.js";

const facts = factsIn("facts");
const [input] = facts.signature.inputs;
const shape = input.shape.slice(1);
const find = (id) => document.getElementById(id);
const results = facts.labels
  ? new Results(facts.labels, { bars: find("bars"), answer: find("answer"), confidence: find("confidence"), live: find("live") })
  : new Values(find("bars"), find("live"));

let model = null;
let golden = new Uint8Array();
const ready = start();

window.edgemnist = {
  /** Resolves when the model can run. */
  ready,
  /** Return the output's bytes for an input's. */
  run(bytes) {
    if (!model) {
      throw new Error("the model is not ready: await edgemnist.ready");
    }
    return runBytes(model, bytes);
  },
  labels: facts.labels,
  signature: facts.signature,
  /** Run the inputs whose outputs are on record in both modules, and count the bytes that differ. */
  async selfTest() {
    const found = Object.entries(await modules()).map(([name, one]) => ({ name, ...checkGolden(one, golden, facts.golden) }));
    return { passed: found.every((result) => result.passed), results: found };
  },
};

async function start() {
  [model, golden] = await Promise.all([loaded(hasVectors() ? "simd" : "plain"), bytesIn("golden")]);
}

async function loaded(name) {
  const module = joined(...(await Promise.all([bytesIn(name), bytesIn("rest")])));
  const { instance } = await WebAssembly.instantiate(module, {});
  return new Model(instance, facts);
}

/** Return a model for each of the two modules that runs here. */
async function modules() {
  await ready;
  return hasVectors() ? { simd: model, plain: await loaded("plain") } : { plain: model };
}

function show(bytes) {
  results.show(sharesOf(realValues(model, runBytes(model, bytes)), facts.labels));
}

function note(text) {
  find("note").textContent = text;
}

function setUpImages() {
  const [height, width] = shape;
  const see = (pixels) => {
    paint(find("seen"), pixels, shape);
    show(pixelBytes(pixels, input));
  };
  const forget = () => {
    paint(find("seen"), new Uint8Array(shape.reduce((size, axis) => size * axis, 1)), shape);
    results.clear();
    note("");
  };
  const take = (picture, from) => {
    try {
      see(prepared(picture, shape, facts.preparation));
      note(from);
    } catch {
      forget();
      note("Nothing that stands out is in the picture.");
    }
  };
  const pad = find("pad") && setUpPad(find("pad"), width, height, see, forget);
  const given = (picture) => {
    pad?.clear();
    take(picture, "Your picture.");
  };
  acceptPictures({ chooser: find("picture"), target: find("try") }, given, note);
  offerCamera(
    { open: find("camera"), dialog: find("camera-view"), video: find("video"), take: find("take"), close: find("close") },
    given,
  );
  find("clear").addEventListener("click", () => {
    pad?.clear();
    forget();
    find("pad")?.focus();
  });
  forget();
  bytesIn("gallery").then((pixels) =>
    fillGallery(facts.gallery, pixels, shape, facts.labels, (entry, image) => {
      pad?.clear();
      see(image);
      note(`Test image ${entry.index} is ${sentenceOf(entry, facts.labels)}.`);
      find("try").scrollIntoView({ block: "nearest" });
    }),
  );
}

function setUpPad(canvas, width, height, see, forget) {
  let waiting = false;
  const look = () => {
    waiting = false;
    if (pad.isEmpty) {
      return;
    }
    try {
      see(mnistLike(greyOf(pad.picture()), width, height, false));
      note("");
    } catch {
      forget();
    }
  };
  const pad = new Pad(canvas, () => {
    if (!waiting) {
      waiting = true;
      requestAnimationFrame(look);
    }
  });
  return pad;
}

function setUpFeatures() {
  const form = new FeatureForm(input, { fields: find("fields"), row: find("row") }, (values, problem) => {
    note(problem);
    if (values) {
      show(new Uint8Array(quantized(scaled(values, input), input).buffer));
    } else {
      results.clear();
    }
  });
  const example = () => form.set(unscaled(dequantized(typed(golden.slice(0, allBytes([input])), input), input), input));
  find("example").addEventListener("click", example);
  example();
}

function setUpProof() {
  find("prove").addEventListener("click", async () => {
    const { passed, results: found } = await window.edgemnist.selfTest();
    const parts = found.map(({ name, inputs, bytes, differing }) => `${name}: ${inputs} inputs, ${differing} of ${bytes} output bytes differ`);
    find("proved").textContent = `${passed ? "Passed" : "Failed"}. ${parts.join("; ")}.`;
  });
  find("test-set")?.addEventListener("change", async (event) => {
    const said = find("proved");
    try {
      const reference = await bytesIn("reference");
      const found = await checkTestSet(await modules(), event.target.files, reference, facts.dataset, (share) => {
        said.textContent = `${Math.round(100 * share)} % of the test set…`;
      });
      said.textContent = sentenceOfTestSet(found);
    } catch (error) {
      said.textContent = `The test set cannot be read: ${error.message}.`;
    }
  });
}

function sentenceOfTestSet({ images, compared, isKnown, bytes, differing, correct }) {
  const whose = isKnown ? "the test set on record" : "not the test set on record, whose outputs are others";
  const accuracy = correct === null ? "" : ` ${correct} of ${images} right, ${((100 * correct) / images).toFixed(2)} %.`;
  return `${images} images, ${whose}: ${differing} of ${bytes} output bytes of ${compared} images differ from the reference.${accuracy}`;
}

async function main() {
  try {
    await ready;
  } catch (error) {
    note(`This browser cannot run the model: ${error.message}`);
    return;
  }
  if (input.kind === "image") {
    setUpImages();
  } else {
    setUpFeatures();
  }
  setUpProof();
  document.documentElement.dataset.state = "ready";
  setTimeout(() => {
    const time = measured(model, golden.slice(0, allBytes(facts.signature.inputs)));
    const [value, unit] = time < 1000 ? [time, "µs"] : [time / 1000, "ms"];
    const shown = `${value < 10 ? value.toFixed(1) : value.toFixed(0)} ${unit}`;
    find("time").textContent = `${shown} an inference here${hasVectors() ? "" : ", without SIMD"}`;
  }, 300);
}

main();
