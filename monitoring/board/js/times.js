// Times as people say them, from the exact ones that the server sends.

const UNITS = /** @type {const} */ ([[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]]);

/** @param {number} seconds From 0. */
export function span(seconds) {
  const [length, unit] = UNITS.find(([each]) => seconds >= (each === 1 ? 0 : 2 * each)) ?? UNITS[3];
  return `${Math.floor(seconds / length)} ${unit}`;
}

/** Say all times of the page anew. */
export function retell() {
  for (const each of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("time"))) {
    each.title ||= (each.getAttribute("datetime") ?? "").replace("T", " ").replace(/(\.\d+)?Z$/, " UTC");
    const seconds = (Date.now() - Date.parse(each.getAttribute("datetime") ?? "")) / 1000;
    const form = each.getAttribute("data-f");
    const far = Math.abs(seconds) >= 2 * 86400 && form !== "span";
    if (far || Number.isNaN(seconds)) continue;
    const text = form === "span" ? span(Math.max(0, seconds)) : Math.abs(seconds) < 1 ? "now" : seconds < 0 ? `in ${span(-seconds)}` : `${span(seconds)} ago`;
    if (each.textContent !== text) each.textContent = text;
  }
}
