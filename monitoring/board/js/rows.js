// Rows that can be selected, and the keys that go through them.

const $ = (/** @type {string} */ selector, /** @type {ParentNode} */ root = document) => /** @type {HTMLElement | null} */ (root.querySelector(selector));
const boxes = () => /** @type {HTMLInputElement[]} */ ([...document.querySelectorAll("[data-row]")]);
const rows = () => boxes().map((each) => each.closest("tr"));
const cursor = () => rows().find((each) => each?.dataset.key === current) ?? null;

let marked = -1;
/** The key of the row that the keys are at: an update of the page takes its class away. @type {string | undefined} */
let current;

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
  if (!box.matches("[data-all], [data-row]")) return;
  every(false);
  count();
});

addEventListener("shown", () => (count(), cursor()?.classList.add("is-cursor")));

addEventListener("click", ({ target }) => /** @type {Element} */ (target).closest("[data-act=every]") && every(true));
addEventListener("acted", () => {
  for (const each of /** @type {NodeListOf<HTMLInputElement>} */ (document.querySelectorAll("[data-row], [data-all]"))) each.checked = false;
  every(false);
  count();
});

/** @param {boolean} on Whether the actions are for all that match, and not for the selected rows. */
function every(on) {
  for (const each of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll(".bulk .every, .bulk .some"))) each.hidden = on === each.classList.contains("some");
  if (on) $(".bulk .every button")?.focus();
}

/** Show how many rows are selected. */
function count() {
  const all = boxes();
  const on = all.filter((each) => each.checked);
  for (const each of all) each.closest("tr")?.setAttribute("aria-selected", String(each.checked));
  const bulk = $(".bulk");
  if (!bulk) return;
  bulk.hidden = !on.length;
  if (bulk.hidden && bulk.contains(document.activeElement)) $("#main")?.focus({ preventScroll: true });
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
  Enter: () => [document.body, $("#main")].includes(/** @type {HTMLElement} */ (document.activeElement)) && cursor()?.querySelector("a")?.click(),
};

addEventListener("key", (event) => KEYS[/** @type {CustomEvent} */ (event).detail.key]?.());

/** @param {number} by */
function step(by) {
  const all = rows();
  const at = all.indexOf(cursor());
  const next = all[Math.max(0, Math.min(all.length - 1, at + by))];
  if (!next) return;
  cursor()?.classList.remove("is-cursor");
  current = next.dataset.key;
  next.classList.add("is-cursor");
  next.scrollIntoView({ block: "nearest" });
}

// Who was quicker than this file: its row is selected, but not the others.
const whole = /** @type {HTMLInputElement | null} */ ($("[data-all]"));
if (whole?.checked) whole.dispatchEvent(new Event("change", { bubbles: true }));
count();
