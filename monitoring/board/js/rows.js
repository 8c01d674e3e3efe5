// Rows that can be selected, and the keys that go through them.

const $ = (/** @type {string} */ selector, /** @type {ParentNode} */ root = document) => /** @type {HTMLElement | null} */ (root.querySelector(selector));
const boxes = () => /** @type {HTMLInputElement[]} */ ([...document.querySelectorAll("[data-row]")]);
const cursor = () => $("tr.is-cursor");

let marked = -1;

addEventListener("click", (event) => {
  const box = /** @type {HTMLInputElement} */ (event.target);
  if (!box.matches("[data-row]")) return;
  const all = boxes();
  const at = all.indexOf(box);
  if (event.shiftKey && marked >= 0) for (let i = Math.min(at, marked); i <= Math.max(at, marked); i += 1) all[i].checked = box.checked;
  marked = at;
  count();
});

addEventListener("change", (event) => {
  const box = /** @type {HTMLInputElement} */ (event.target);
  if (box.matches("[data-all]")) for (const each of boxes()) each.checked = box.checked;
  if (box.matches("[data-all], [data-row]")) count();
});

addEventListener("shown", count);

/** Show how many rows are selected. */
function count() {
  const all = boxes();
  const on = all.filter((each) => each.checked);
  for (const each of all) each.closest("tr")?.setAttribute("aria-selected", String(each.checked));
  const bulk = $(".bulk");
  if (!bulk) return;
  bulk.hidden = !on.length;
  const number = $(".bulk-n", bulk);
  if (number) number.textContent = String(on.length);
}

/** @param {Element | null | undefined} target @param {boolean} [shiftKey] */
const click = (target, shiftKey = false) => target?.dispatchEvent(new MouseEvent("click", { bubbles: true, cancelable: true, shiftKey }));

/** @type {Record<string, () => void>} */
const KEYS = {
  j: () => step(1),
  k: () => step(-1),
  x: () => click(cursor()?.querySelector("[data-row]")),
  X: () => click(cursor()?.querySelector("[data-row]"), true),
  r: () => click($(".bulk:not([hidden]) [data-key-r]") ?? cursor()?.querySelector("[data-key-r]") ?? $("#main [data-key-r]")),
  Enter: () => document.activeElement === document.body && cursor()?.querySelector("a")?.click(),
};

addEventListener("key", (event) => KEYS[/** @type {CustomEvent} */ (event).detail.key]?.());

/** @param {number} by */
function step(by) {
  const rows = boxes().map((each) => each.closest("tr"));
  const at = rows.indexOf(/** @type {HTMLTableRowElement | null} */ (cursor()));
  const next = rows[Math.max(0, Math.min(rows.length - 1, at + by))];
  if (!next) return;
  rows[at]?.classList.remove("is-cursor");
  next.classList.add("is-cursor");
  next.scrollIntoView({ block: "nearest" });
}
