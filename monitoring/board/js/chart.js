// <pr-chart data-spec='{...}'>: bars (stacked), lines or both, drawn to the width of its box.
//
// The specification: label (says the finding), h (height), ticks, unit ("ms", "%", "MB" or none),
// log with range, x (words under the axis), names (what each point is called) or t0 and dt (when the
// first one begins, in ms, and seconds between two), series of
// {name, c (colour), v (values; null is a gap), type: "bar" | "line", dash}, open (the last point
// still fills), marks of {i, t, c}, limit {v, t}, gaps of [from, to].

const NS = "http://www.w3.org/2000/svg";

/**
 * @param {string} name
 * @param {Record<string, any>} [told]
 * @param {string} [text]
 */
export function el(name, told = {}, text) {
  const made = document.createElementNS(NS, name);
  for (const key in told) made.setAttribute(key, told[key]);
  if (text !== undefined) made.textContent = text;
  return made;
}

/**
 * @param {number | null | undefined} value
 * @param {string} [unit]
 */
export function shown(value, unit) {
  if (value === null || value === undefined) return "no data";
  if (unit === "ms") {
    if (value >= 3600000) return `${+(value / 3600000).toFixed(1)} h`;
    if (value >= 60000) return `${+(value / 60000).toFixed(value < 600000 ? 1 : 0)} min`;
    return value >= 1000 ? `${+(value / 1000).toFixed(value < 10000 ? 1 : 0)} s` : `${value < 10 ? +value.toPrecision(2) : Math.round(value)} ms`;
  }
  if (unit === "%") return `${value.toFixed(1)} %`;
  return value.toLocaleString("en").replace(/,/g, "\u202f") + (unit ? ` ${unit}` : "");
}

class Chart extends HTMLElement {
  static observedAttributes = ["data-spec"];

  /** The point whose values are shown. @type {number | null} */
  at = null;
  /** @type {any} */
  spec = {};
  svg = el("svg", { role: "img" });
  tip = document.createElement("div");
  cross = el("g");
  W = 0;
  H = 0;
  t = 8;
  b = 24;
  l = 44;
  r = 8;
  n = 0;
  max = 1;
  step = 1;

  connectedCallback() {
    if (this.W) return;
    this.tip.className = "tip";
    this.tip.hidden = true;
    this.tip.setAttribute("aria-live", "polite");
    this.prepend(this.svg, this.tip);
    this.tabIndex = 0;
    this.setAttribute("role", "group");
    new ResizeObserver(() => this.clientWidth !== this.W && this.draw()).observe(this);
    this.addEventListener("pointermove", (event) => {
      const x = event.clientX - this.getBoundingClientRect().left;
      this.show(Math.floor((x - this.l) / this.step));
    });
    this.addEventListener("pointerleave", () => this.show(-1));
    this.addEventListener("keydown", (event) => {
      const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (by) {
        event.preventDefault();
        this.show(Math.max(0, Math.min(this.n - 1, (this.at ?? this.n) + by)));
      }
      if (event.key === "Escape") this.show(-1);
    });
    this.closest("figure")?.querySelector("details")?.addEventListener("toggle", () => this.tell());
    this.draw();
  }

  attributeChangedCallback() {
    if (this.W) this.draw();
    this.tell();
  }

  /** @param {number} value */
  y(value) {
    const { log, range } = this.spec;
    const high = this.H - this.t - this.b;
    if (!log) return this.t + high * (1 - value / this.max);
    const [from, to] = range.map(Math.log10);
    return this.t + high * (1 - (Math.log10(Math.max(value, range[0])) - from) / (to - from));
  }

  /** What a point is called. @param {number} i @returns {string} */
  name(i) {
    const { names, t0, dt } = this.spec;
    const at = new Date(t0 + i * dt * 1000);
    const day = dt * this.n > 90000 ? `${at.toUTCString().slice(5, 11)} ` : "";
    return names?.[i] ?? (dt < 86400 ? `${day}${at.toISOString().slice(11, 16)} UTC` : day.trim());
  }

  /** The middle of a point. @param {number} i */
  x(i) {
    return this.l + (i + 0.5) * this.step;
  }

  draw() {
    const s = (this.spec = JSON.parse(this.dataset.spec ?? "{}"));
    this.W = this.clientWidth;
    if (!this.W || !s.series) return;
    this.H = s.h || 200;
    this.t = s.marks?.length ? 24 : 8;
    this.n = s.series[0].v.length;
    this.max = s.ticks.at(-1) || 1;
    this.l = s.left ?? 44;
    this.step = (this.W - this.l - this.r) / Math.max(1, this.n);
    this.setAttribute("aria-label", `${s.label} Left and right arrows read the values.`);
    this.svg.setAttribute("aria-label", s.label);
    this.svg.setAttribute("viewBox", `0 0 ${this.W} ${this.H}`);
    this.svg.setAttribute("height", String(this.H));
    this.svg.replaceChildren(...this.axes(), ...this.bars(), ...this.lines(), ...this.marks(), this.cross);
    if (this.at !== null) this.show(this.at);
  }

  /** A horizontal line. @param {number} value @param {string} kind */
  level(value, kind) {
    const y = Math.round(this.y(value)) + 0.5;
    return el("line", { class: kind, x1: this.l, x2: this.W - this.r, y1: y, y2: y });
  }

  *axes() {
    const { ticks, log, unit, x, gaps } = this.spec;
    for (const value of ticks) {
      yield this.level(value, value === 0 || (log && value === ticks[0]) ? "base" : "grid");
      yield el("text", { x: this.l - 8, y: this.y(value) + 4, "text-anchor": "end" }, shown(value, unit));
    }
    const wide = this.W - this.l - this.r;
    const each = Math.ceil(x.length / Math.max(2, Math.floor(wide / 74)));
    for (let i = 0; i < x.length; i += each) {
      const last = x.length - 1;
      const anchor = i === 0 ? "start" : i === last ? "end" : "middle";
      yield el("text", { x: this.l + (last ? i / last : 0) * wide, y: this.H - 6, "text-anchor": anchor }, x[i]);
    }
    for (const [from, to] of gaps ?? []) yield el("rect", { class: "gap", x: this.l + from * this.step, width: (to - from) * this.step, y: this.t, height: this.H - this.t - this.b });
  }

  *bars() {
    const { series, open } = this.spec;
    const base = new Array(this.n).fill(0);
    const width = Math.max(1, this.step * (this.step > 5 ? 0.74 : 0.9));
    for (const { type, c, v } of series) {
      if (type === "line") continue;
      for (let i = 0; i < this.n; i += 1) {
        if (!v[i]) continue;
        const low = this.y(base[i]);
        base[i] += v[i];
        const high = this.y(base[i]);
        const gap = low - high > 3 && base[i] > v[i] ? 1 : 0;
        const kind = open && i === this.n - 1 ? `${c} open` : c;
        yield el("rect", { class: kind, x: this.x(i) - width / 2, width, y: high, height: Math.max(0.8, low - high - gap), rx: Math.min(1.5, width / 3) });
      }
    }
  }

  *lines() {
    const { series, open } = this.spec;
    const whole = open ? this.n - 1 : this.n;
    const point = (/** @type {number[]} */ v, /** @type {number} */ i) => `${this.x(i).toFixed(1)} ${this.y(v[i]).toFixed(1)}`;
    for (const { type, c, v, dash } of series) {
      if (type !== "line") continue;
      let path = "";
      const has = (/** @type {number} */ i) => (v[i] ?? null) !== null;
      for (let i = 0; i < whole; i += 1) if (has(i)) path += `${has(i - 1) ? "L" : "M"}${point(v, i)}${has(i - 1) || has(i + 1) ? "" : "m-2 0h4"}`;
      yield el("path", { class: `ln ${c}${dash ? " dash" : ""}`, d: path });
      const [from, to] = whole && v[whole - 1] !== null ? [`M${point(v, whole - 1)}L`, "h0"] : ["M", "m-4 0h8"];
      if (open && v[whole] !== null) yield el("path", { class: `ln dash ${c}`, d: `${from}${point(v, whole)}${to}` });
    }
  }

  *marks() {
    const { limit, marks } = this.spec;
    if (limit) {
      yield this.level(limit.v, "limit");
      yield el("text", { class: "limit-t", x: this.l + 4, y: this.y(limit.v) - 5 }, limit.t);
    }
    let free = Infinity;
    // The newest first: of words that would run into each other, its are kept.
    for (const { i, t, c = "" } of [...(marks ?? [])].reverse()) {
      const x = Math.round(this.l + i * this.step) + 0.5;
      const right = x > this.W * 0.66;
      yield el("line", { class: `mark ${c}`, x1: x, x2: x, y1: 16, y2: this.H - this.b });
      if (free - x < 70) continue;
      free = x;
      yield el("text", { class: `mark-t ${c}`, x: x + (right ? 3 : -3), y: 11, "text-anchor": right ? "end" : "start" }, t);
    }
  }

  /** @param {number} i */
  async show(i) {
    (await import("./values.js")).show(this, i);
  }

  async tell() {
    const box = this.closest("figure")?.querySelector("details");
    if (box?.open) (await import("./values.js")).tell(this, box);
  }
}

// A page may have the charts of two servers.
if (!customElements.get("pr-chart")) customElements.define("pr-chart", Chart);
