// Drives Chromium on a page from a file: node visit.mjs PAGE SCREENSHOT_FOLDER [FILE …], the files being a test set's.
// Prints what it found as JSON; tests judge it.
import { createRequire } from "node:module";
import { readFile } from "node:fs/promises";
import { pathToFileURL } from "node:url";

const [folder, path, pictures, ...testSet] = process.argv.slice(2);
const require = createRequire(`${folder}/`);
const { chromium } = require("playwright-core");
const axe = await readFile(require.resolve("axe-core/axe.min.js"), "utf8");
const browser = await chromium.launch({
  executablePath: "/usr/bin/chromium",
  args: [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream",
  ],
});
const DESKTOP = { width: 1100, height: 900 };
const PHONE = { width: 390, height: 844 };
const VIEWS = {
  desktop_light: { viewport: DESKTOP, colorScheme: "light" },
  desktop_dark: { viewport: DESKTOP, colorScheme: "dark" },
  phone_light: { viewport: PHONE, colorScheme: "light", isMobile: true, hasTouch: true },
  phone_dark: { viewport: PHONE, colorScheme: "dark", isMobile: true, hasTouch: true },
};
const found = { requests: [], errors: [], views: {} };

async function opened(view) {
  const context = await browser.newContext(view);
  const page = await context.newPage();
  page.on("request", (request) => found.requests.push(request.url()));
  page.on("pageerror", (error) => found.errors.push(error.message));
  page.on("console", (message) => message.type() === "error" && found.errors.push(message.text()));
  await page.addInitScript(() => {
    window.shift = 0;
    new PerformanceObserver((list) => list.getEntries().forEach((entry) => (window.shift += entry.value))).observe({
      type: "layout-shift",
      buffered: true,
    });
  });
  await page.goto(pathToFileURL(path).href);
  await page.waitForSelector("html[data-state=ready]");
  return page;
}

/** Draw lines through points given as shares of the pad. */
async function draw(page, strokes) {
  const box = await page.locator("#pad").boundingBox();
  for (const [first, ...others] of strokes) {
    await page.mouse.move(box.x + first[0] * box.width, box.y + first[1] * box.height);
    await page.mouse.down();
    for (const [x, y] of others) {
      await page.mouse.move(box.x + x * box.width, box.y + y * box.height, { steps: 8 });
    }
    await page.mouse.up();
  }
  await page.waitForTimeout(100);
  return page.textContent("#answer");
}

const DIGITS = {
  1: [[[0.52, 0.2], [0.5, 0.8]]],
  7: [[[0.32, 0.25], [0.68, 0.25], [0.48, 0.8]]],
  4: [[[0.35, 0.2], [0.3, 0.5], [0.68, 0.5]], [[0.64, 0.2], [0.62, 0.82]]],
  0: [[[0.5, 0.2], [0.33, 0.35], [0.3, 0.55], [0.4, 0.78], [0.55, 0.8], [0.68, 0.62], [0.68, 0.38], [0.5, 0.2]]],
};

for (const [name, view] of Object.entries(VIEWS)) {
  const page = await opened(view);
  const drawn = {};
  const hasPad = (await page.locator("#pad").count()) > 0;
  for (const [digit, strokes] of hasPad ? Object.entries(DIGITS) : []) {
    await page.click("#clear");
    drawn[digit] = await draw(page, strokes);
  }
  await page.waitForTimeout(700);
  const state = await page.evaluate(async () => ({
    live: document.getElementById("live").textContent,
    time: document.getElementById("time").textContent,
    shift: window.shift,
    overflow: document.documentElement.scrollWidth - innerWidth,
    selfTest: await window.edgemnist.selfTest(),
  }));
  await page.click("#prove");
  await page.waitForFunction(() => document.getElementById("proved").textContent);
  await page.evaluate(axe);
  const violations = (await page.evaluate(() => axe.run())).violations.map((one) => one.id);
  await page.screenshot({ path: `${pictures}/${name}.png`, fullPage: true });
  found.views[name] = { drawn, ...state, proved: await page.textContent("#proved"), violations };
  await page.context().close();
}

const page = await opened(VIEWS.desktop_light);
if (await page.locator("#pad").count()) {
  // by keyboard alone: to the pad, down with the pen, a line, and up
  for (let i = 0; i < 20 && (await page.evaluate(() => document.activeElement.id)) !== "pad"; i++) {
    await page.keyboard.press("Tab");
  }
  for (let i = 0; i < 9; i++) {
    await page.keyboard.press("ArrowUp");
  }
  await page.keyboard.press(" ");
  for (let i = 0; i < 18; i++) {
    await page.keyboard.press("ArrowDown");
  }
  await page.keyboard.press(" ");
  await page.waitForTimeout(100);
  found.keyboard = await page.textContent("#answer");
  const image = page.locator('[data-group="right"] button').nth(3);
  await image.focus();
  await page.keyboard.press("Enter");
  found.gallery = { answer: await page.textContent("#answer"), note: await page.textContent("#note") };
  await page.click("#camera");
  await page.waitForSelector("dialog[open]");
  await page.keyboard.press("Escape");
  found.cameraCloses = (await page.locator("dialog[open]").count()) === 0;
}
if (testSet.length) {
  await page.setInputFiles("#test-set", testSet);
  await page.waitForFunction(() => /differ|cannot/.test(document.getElementById("proved").textContent), null, { timeout: 120000 });
  found.testSet = await page.textContent("#proved");
}
found.fetches = await page.evaluate(() => fetch("https://example.org/").then(() => "allowed", () => "refused"));
found.errors = found.errors.filter((text) => !text.includes("example.org"));
found.requests = found.requests.filter((url) => !url.includes("example.org"));
await page.emulateMedia({ media: "print" });
found.printed = await page.evaluate(() => ({
  tools: getComputedStyle(document.querySelector(".tools")).display,
  proof: document.querySelector("#proof table").getBoundingClientRect().height > 50,
}));
await page.pdf({ path: `${pictures}/print.pdf` });
await page.screenshot({ path: `${pictures}/print.png`, fullPage: true });
await browser.close();
console.log(JSON.stringify(found));
