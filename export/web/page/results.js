// What the model says: a bar for each class, or the values.

const MOST_ROWS = 20;

export class Results {
  #labels;
  #rows;
  #elements;
  #saying = 0;

  constructor(labels, elements) {
    this.#labels = labels;
    this.#elements = elements;
    const count = Math.min(labels.length, MOST_ROWS);
    this.#rows = Array.from({ length: count }, (_, place) => newRow(labels[place]));
    elements.bars.replaceChildren(...this.#rows.map((row) => row.item));
  }

  /** Show shares of 0 to 1, one a class. */
  show(shares) {
    const order = [...shares.keys()].sort((a, b) => shares[b] - shares[a] || a - b);
    const shown = shares.length > MOST_ROWS ? order.slice(0, MOST_ROWS) : [...shares.keys()];
    shown.forEach((number, place) => {
      const row = this.#rows[place];
      row.label.textContent = this.#labels[number];
      row.bar.style.width = `${100 * Math.min(1, Math.max(0, shares[number]))}%`;
      row.share.textContent = percent(shares[number]);
      row.item.classList.toggle("best", number === order[0]);
    });
    this.#elements.answer.textContent = this.#labels[order[0]];
    this.#elements.confidence.textContent = percent(shares[order[0]]);
    this.#say(`${this.#labels[order[0]]}, ${percent(shares[order[0]])}`);
  }

  /** Show that there is nothing to say. */
  clear() {
    for (const row of this.#rows) {
      row.bar.style.width = "0";
      row.share.textContent = "";
      row.item.classList.remove("best");
    }
    this.#elements.answer.textContent = "–";
    this.#elements.confidence.textContent = "";
    this.#say("");
  }

  /** Tell screen readers, once it has not changed for a while. */
  #say(text) {
    clearTimeout(this.#saying);
    this.#saying = setTimeout(() => {
      this.#elements.live.textContent = text;
    }, 500);
  }
}

/** The output of a model that is no classifier: its first values. */
export class Values {
  #list;
  #live;

  constructor(list, live) {
    this.#list = list;
    this.#live = live;
  }

  show(values) {
    const items = Array.from(values.slice(0, MOST_ROWS), (value) => {
      const item = document.createElement("li");
      item.className = "value";
      item.textContent = value.toPrecision(4);
      return item;
    });
    this.#list.replaceChildren(...items);
    this.#live.textContent = `${values.length} values, the first is ${values[0].toPrecision(4)}`;
  }

  clear() {
    this.#list.replaceChildren();
    this.#live.textContent = "";
  }
}

/** Return a classifier's real output as shares of 1, one a class; logits by a softmax. */
export function sharesOf(values, labels) {
  if (labels && values.length === 1) {
    return Float32Array.of(1 - values[0], values[0]); // the probability of the second of two classes
  }
  const isLogits = labels && values.some((value) => value < 0 || value > 1.01);
  if (!isLogits) {
    return values;
  }
  const most = Math.max(...values);
  const powers = values.map((value) => Math.exp(value - most));
  const sum = powers.reduce((a, b) => a + b, 0);
  return powers.map((power) => power / sum);
}

function newRow(label) {
  const item = document.createElement("li");
  const [name, track, bar, share] = ["name", "track", "bar", "share"].map((className) => {
    const element = document.createElement("span");
    element.className = className;
    return element;
  });
  name.textContent = label;
  track.append(bar);
  item.append(name, track, share);
  return { item, label: name, bar, share };
}

export function percent(share) {
  return `${(100 * share).toFixed(share > 0.999 || share < 0.001 ? 0 : 1)} %`;
}
