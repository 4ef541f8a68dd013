// The drawing pad: finger, pen or mouse, and the arrow keys.

const SIZE = 280;
const PEN_WIDTH = 20;
const KEY_STEP = 8;
const INK = "#fff";
const PAPER = "#000";

export class Pad {
  #canvas;
  #ink;
  #changed;
  #cursor = { x: SIZE / 2, y: SIZE / 2, down: false, shown: false };
  #last = null;
  #isEmpty = true;

  /** `changed` is called after each stroke's piece with the pad, and at last with `true` when the pen is lifted. */
  constructor(canvas, changed) {
    this.#canvas = canvas;
    this.#changed = changed;
    const sheet = document.createElement("canvas");
    canvas.width = canvas.height = sheet.width = sheet.height = SIZE;
    this.#ink = sheet.getContext("2d", { willReadFrequently: true });
    this.#listen();
    this.clear();
  }

  get isEmpty() {
    return this.#isEmpty;
  }

  clear() {
    this.#ink.fillStyle = PAPER;
    this.#ink.fillRect(0, 0, SIZE, SIZE);
    this.#isEmpty = true;
    this.#show();
  }

  /** Return what is drawn, light on black, in RGBA. */
  picture() {
    return this.#ink.getImageData(0, 0, SIZE, SIZE);
  }

  #listen() {
    const canvas = this.#canvas;
    canvas.addEventListener("pointerdown", (event) => {
      if (event.button === 0) {
        canvas.setPointerCapture(event.pointerId);
        this.#cursor.shown = false;
        this.#last = null;
        this.#drawTo(this.#placeOf(event));
        event.preventDefault();
        canvas.focus({ preventScroll: true });
      }
    });
    canvas.addEventListener("pointermove", (event) => {
      if (this.#last) {
        const pieces = event.getCoalescedEvents?.() ?? [];
        for (const piece of pieces.length ? pieces : [event]) {
          this.#drawTo(this.#placeOf(piece));
        }
      }
    });
    for (const name of ["pointerup", "pointercancel"]) {
      canvas.addEventListener(name, () => this.#lift());
    }
    canvas.addEventListener("keydown", (event) => this.#key(event));
    canvas.addEventListener("blur", () => {
      this.#cursor.shown = this.#cursor.down = false;
      this.#lift();
      this.#show();
    });
  }

  #lift() {
    if (this.#last) {
      this.#last = null;
      this.#changed(true);
    }
  }

  #placeOf(event) {
    const box = this.#canvas.getBoundingClientRect();
    return { x: ((event.clientX - box.left) / box.width) * SIZE, y: ((event.clientY - box.top) / box.height) * SIZE };
  }

  #drawTo(place) {
    const ink = this.#ink;
    const from = this.#last ?? place;
    ink.strokeStyle = INK;
    ink.lineWidth = PEN_WIDTH;
    ink.lineCap = ink.lineJoin = "round";
    ink.beginPath();
    ink.moveTo(from.x, from.y);
    ink.lineTo(place.x, place.y + (from === place ? 0.01 : 0));
    ink.stroke();
    this.#last = place;
    this.#isEmpty = false;
    this.#show();
    this.#changed(false);
  }

  #key(event) {
    const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    const cursor = this.#cursor;
    if (event.key in moves) {
      const [x, y] = moves[event.key];
      cursor.x = Math.min(SIZE, Math.max(0, cursor.x + x * KEY_STEP));
      cursor.y = Math.min(SIZE, Math.max(0, cursor.y + y * KEY_STEP));
    } else if (event.key === " ") {
      cursor.down = !cursor.down;
    } else {
      return;
    }
    event.preventDefault();
    cursor.shown = true;
    if (cursor.down) {
      this.#drawTo({ x: cursor.x, y: cursor.y });
    } else {
      this.#lift();
      this.#show();
    }
  }

  #show() {
    const shown = this.#canvas.getContext("2d");
    shown.drawImage(this.#ink.canvas, 0, 0);
    if (this.#cursor.shown) {
      const { x, y, down } = this.#cursor;
      shown.beginPath();
      shown.arc(x, y, PEN_WIDTH / 2, 0, 2 * Math.PI);
      shown.strokeStyle = "#4aa3ff";
      shown.lineWidth = down ? 6 : 3;
      shown.stroke();
    }
  }
}
