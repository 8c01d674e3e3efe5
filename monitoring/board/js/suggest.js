// The search of jobs: what the server suggests, taken by Tab, Enter or a click. Fetched when the
// field gets the focus first.

import { styled } from "./overlays.js";

const $ = (/** @type {string} */ selector) => /** @type {HTMLElement | null} */ (document.querySelector(selector));
const all = (/** @type {string} */ selector) => /** @type {HTMLElement[]} */ ([...document.querySelectorAll(selector)]);

const field = () => /** @type {HTMLInputElement} */ ($("#q"));
const popup = () => /** @type {HTMLElement} */ ($("#suggest"));
const options = () => all("#suggest [role=option]");
/** What is there once the answer to what was typed last is. @type {Promise<void>} */
let answered = Promise.resolve();
/** @type {AbortController | null} */
let asking = null;

const suggest = () => (answered = ask());

/** Show what the server suggests for what is typed. */
async function ask() {
  asking?.abort();
  asking = new AbortController();
  const address = new URL(field().dataset.url ?? "", location.href);
  for (const chip of /** @type {HTMLInputElement[]} */ (all("#search .chip input"))) address.searchParams.append("q", chip.value);
  address.searchParams.set("typed", field().value);
  try {
    const [answer] = await Promise.all([fetch(address, { signal: asking.signal, headers: { Accept: "text/html" } }), styled]);
    if (!answer.ok) return;
    const found = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("found");
    if (!found || document.activeElement !== field()) return;
    popup().replaceChildren(found);
    show(true);
  } catch {
    // Typing went on: the next answer counts.
  }
}

/** @param {boolean} on */
function show(on) {
  popup().hidden = !on;
  field().setAttribute("aria-expanded", String(on));
  if (!on) mark(null);
}

/** @param {HTMLElement | null} option */
function mark(option) {
  for (const each of options()) each.setAttribute("aria-selected", String(each === option));
  if (option) field().setAttribute("aria-activedescendant", option.id);
  else field().removeAttribute("aria-activedescendant");
  option?.scrollIntoView({ block: "nearest" });
}

/** @param {HTMLElement} option */
function accept(option) {
  field().value = option.dataset.text ?? "";
  if ("whole" in option.dataset) return field().form?.requestSubmit();
  field().focus();
  suggest();
}

/** Mark the next option. @param {number} by */
async function step(by) {
  if (popup().hidden) suggest();
  await answered;
  const found = options();
  const at = found.findIndex((each) => each.getAttribute("aria-selected") === "true");
  if (found.length) mark(found[(at < 0 && by < 0 ? found.length - 1 : at + by + found.length) % found.length]);
}

addEventListener("input", (event) => event.target === field() && suggest());
addEventListener("focusin", (event) => (event.target === field() ? suggest() : $("#search")?.contains(/** @type {Node} */ (event.target)) || show(false)));
addEventListener("mousedown", (event) => /** @type {Element} */ (event.target).closest("#suggest") && event.preventDefault());

addEventListener("click", (event) => {
  const target = /** @type {Element} */ (event.target);
  const option = /** @type {HTMLElement | null} */ (target.closest("#suggest [role=option]"));
  if (option) accept(option);
});

addEventListener("keydown", (event) => {
  if (event.target !== field()) return;
  const at = options().findIndex((each) => each.getAttribute("aria-selected") === "true");
  const is = !popup().hidden;
  if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    event.preventDefault();
    step(event.key === "ArrowDown" ? 1 : -1);
  } else if (event.key === "Tab" && is && field().value && !event.shiftKey) {
    event.preventDefault();
    answered.then(() => options().length && accept(options()[Math.max(0, at)] ?? options()[0]));
  } else if (event.key === "Enter" && is && at >= 0) {
    event.preventDefault();
    accept(options()[at]);
  } else if (event.key === "Escape" && is) {
    event.stopPropagation();
    show(false);
  } else if (event.key === "Backspace" && !field().value) {
    /** @type {HTMLAnchorElement | undefined} */ ([.../** @type {NodeListOf<HTMLAnchorElement>} */ (document.querySelectorAll("#search .chip a"))].at(-1))?.click();
  }
}, true);

if (document.activeElement === field()) suggest();
