// Elements made from values. What the server tells becomes text, and attributes without meaning.

/** @typedef {Node | string | number | null | undefined | false} Child */
/** @typedef {Record<string, string | number | boolean | null | undefined>} Told */

/**
 * @param {string} name
 * @param {Told} [told] Attributes; false, null and undefined are left out.
 * @param {...(Child | Child[])} inside
 */
export function h(name, told = {}, ...inside) {
  return fill(document.createElement(name), told, inside);
}

/**
 * The same in SVG.
 * @param {string} name
 * @param {Told} [told]
 * @param {...(Child | Child[])} inside
 */
export function svg(name, told = {}, ...inside) {
  return fill(document.createElementNS("http://www.w3.org/2000/svg", name), told, inside);
}

/**
 * @template {Element} T
 * @param {T} made
 * @param {Told} told
 * @param {(Child | Child[])[]} inside
 */
function fill(made, told, inside) {
  for (const [key, value] of Object.entries(told))
    if (value !== false && value !== null && value !== undefined) made.setAttribute(key, value === true ? "" : String(value));
  for (const each of inside.flat()) if (each !== null && each !== undefined && each !== false) made.append(each instanceof Node ? each : String(each));
  return made;
}

const SHAPES = {
  crit: "M4.6 0h4.8L14 4.6v4.8L9.4 14H4.6L0 9.4V4.6zM6 3v5h2V3zm0 6.2v2h2v-2z",
  high: "M7 .6 14 13H0zM6.1 5v4h1.8V5zm0 5v1.7h1.8V10z",
  med: "M7 0l7 7-7 7-7-7z",
  low: "M7 1.5A5.5 5.5 0 1 0 7 12.5 5.5 5.5 0 1 0 7 1.5zm0 2.2a3.3 3.3 0 1 1 0 6.6 3.3 3.3 0 1 1 0-6.6z",
  ok: "M7 .5a6.5 6.5 0 1 0 0 13 6.5 6.5 0 1 0 0-13zM5.9 10.3 2.9 7.3l1.2-1.2 1.8 1.8 4-4 1.2 1.2z",
  pause: "M7 .5a6.5 6.5 0 1 0 0 13 6.5 6.5 0 1 0 0-13zM4.4 4h1.8v6H4.4zm3.4 0h1.8v6H7.8z",
  info: "M7 .5a6.5 6.5 0 1 0 0 13 6.5 6.5 0 1 0 0-13zM6.1 3h1.8v1.8H6.1zm0 2.8h1.8V11H6.1z",
};

/** @param {keyof typeof SHAPES} name */
export const shape = (name) => svg("svg", { class: "sh", viewBox: "0 0 14 14", "aria-hidden": "true" }, svg("path", { d: SHAPES[name], "fill-rule": "evenodd" }));

/**
 * A shape, a word and a colour.
 * @param {keyof typeof SHAPES} mark
 * @param {string} colour
 * @param {string} word
 */
export const badge = (mark, colour, word) => h("span", { class: `bdg ${colour}` }, shape(mark), word);

/**
 * @param {string} label
 * @param {Told} told
 * @param {string} [classes]
 */
export const button = (label, told, classes = "sm") => h("button", { type: "button", class: `btn ${classes}`, ...told }, label);

const NUMBERS = new Intl.NumberFormat("en", { maximumFractionDigits: 1 });

/** A number with thin spaces for thousands. @param {number} value */
export const count = (value) => NUMBERS.format(value).replace(/,/g, "\u202f");

/** A percentage; 100 and 0 only where they are exact. @param {number} share */
export const percent = (share) => (share === 0 || share === 100 ? `${share} %` : `${Math.min(99.9, Math.max(0.1, share)).toFixed(1)} %`);

/** @param {number} number @param {string} one @param {string} [many] */
export const some = (number, one, many = `${one}s`) => `${count(number)} ${number === 1 ? one : many}`;

/** Such as `48 ms`, `1.4 s`, `24 min`, `1 h 12 min`. @param {number} ms */
export function duration(ms) {
  if (ms < 1000) return `${ms < 1 ? +ms.toPrecision(2) : Math.round(ms)} ms`;
  if (ms < 60_000) return `${+(ms / 1000).toFixed(ms < 10_000 ? 1 : 0)} s`;
  const minutes = Math.floor(ms / 60_000);
  if (minutes < 60) return `${minutes} min`;
  if (minutes >= 2880) return `${Math.floor(minutes / 1440)} d`;
  return minutes % 60 ? `${Math.floor(minutes / 60)} h ${minutes % 60} min` : `${minutes / 60} h`;
}
