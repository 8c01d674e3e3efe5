// Dialogs, the palette and the sheet of places: fetched when they are opened, so that no page has
// them with it. Focus goes in, Tab stays inside, Escape and the veil close, focus comes back.

const body = document.body;
/** @type {HTMLElement | null} */
let back = null;
/** @type {AbortController | null} */
let search = null;
/** What was typed last, until it is answered. @type {Promise<void> | null} */
let asked = null;

const PAUSE = 60; // ms without a key, before it is asked

/** Done when the sheet of what is opened is there. */
export const styled = new Promise((done) => {
  const link = document.createElement("link");
  link.rel = "stylesheet";
  link.href = new URL("overlays.css", import.meta.url).href;
  link.onload = link.onerror = () => done(null);
  document.head.append(link);
});

const inside = () => /** @type {HTMLElement[]} */ ([...body.querySelectorAll(".veil a[href], .veil button:not([disabled]), .veil input:not([type=hidden]), .veil select, .veil textarea")]);

/**
 * Open what the server shows at an address.
 * @param {string} url Of a dialog.
 * @param {HTMLElement} from What opened it; a form's fields and the selected rows go along.
 */
export async function open(url, from) {
  const address = new URL(url, location.href);
  if (from.hasAttribute("data-rows")) for (const row of body.querySelectorAll("tr:has([data-row]:checked)")) address.searchParams.append("id", row.getAttribute("data-key") ?? "");
  const [answer] = await Promise.all([fetch(address, { headers: { Accept: "text/html" }, cache: "no-store" }), styled]);
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const veil = /** @type {HTMLElement | null} */ (page.querySelector(".veil"));
  if (!veil) {
    const { toast } = await import("./acts.js");
    return toast("This could not be opened. Reload the page.", true);
  }
  const at = /** @type {HTMLElement} */ (document.activeElement ?? body);
  const origin = from.closest(".veil") ? back : at === body ? from : at;
  close();
  back = origin;
  body.append(veil);
  const first = /** @type {HTMLElement | null} */ (veil.querySelector("[data-first]"));
  (first ?? inside()[0])?.focus({ preventScroll: first instanceof HTMLButtonElement }); // what is read begins at its top
  if (first instanceof HTMLInputElement) first.select();
}

/** Close what is open. */
export function close() {
  const veil = body.querySelector(".veil");
  if (!veil) return;
  veil.remove();
  (back?.checkVisibility() ? back : document.getElementById("main"))?.focus({ preventScroll: true });
  back = null;
}

addEventListener("keydown", (event) => {
  const veil = body.querySelector(".veil");
  if (!veil) return;
  if (event.key === "Tab") trap(event);
  if (veil.querySelector("[role=combobox]")) choose(event);
});

/** @param {KeyboardEvent} event */
function trap(event) {
  const all = inside();
  const at = all.indexOf(/** @type {HTMLElement} */ (document.activeElement));
  if (event.shiftKey ? at > 0 : at >= 0 && at < all.length - 1) return;
  event.preventDefault();
  all.at(event.shiftKey ? -1 : 0)?.focus();
}

/** Arrows and Enter in the palette; Enter waits for what was typed last. @param {KeyboardEvent} event */
async function choose(event) {
  if (event.key === "Enter" && asked) {
    event.preventDefault();
    await asked;
    return /** @type {HTMLElement | null} */ (body.querySelector(".veil [role=option][aria-selected=true]"))?.click();
  }
  const options = /** @type {HTMLElement[]} */ ([...body.querySelectorAll(".veil [role=option]")]);
  const at = options.findIndex((each) => each.getAttribute("aria-selected") === "true");
  const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (event.key === "Enter" && options[at]) {
    event.preventDefault();
    options[at].click();
  }
  if (!by || !options.length) return;
  event.preventDefault();
  const next = options[(at + by + options.length) % options.length];
  for (const each of options) each.setAttribute("aria-selected", String(each === next));
  body.querySelector(".veil [role=combobox]")?.setAttribute("aria-activedescendant", next.id);
  next.scrollIntoView({ block: "nearest" });
}

addEventListener("click", (event) => {
  const option = /** @type {HTMLElement | null} */ (/** @type {Element} */ (event.target).closest(".veil [role=option]"));
  if (option?.dataset.href) location.assign(option.dataset.href);
});

addEventListener("input", (event) => {
  const field = /** @type {HTMLInputElement} */ (event.target);
  if (!field.matches(".veil [role=combobox]")) return;
  search?.abort();
  search = new AbortController();
  const mine = find(field, search.signal).finally(() => {
    if (asked === mine) asked = null;
  });
  asked = mine;
});

/**
 * @param {HTMLInputElement} field
 * @param {AbortSignal} signal
 */
async function find(field, signal) {
  await new Promise((done) => setTimeout(done, PAUSE));
  const address = new URL(field.dataset.url ?? "", location.href);
  address.searchParams.set("q", field.value);
  try {
    const answer = await fetch(address, { signal, headers: { Accept: "text/html" } });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const id of ["found", "found-foot"]) {
      const fresh = page.getElementById(id);
      if (fresh) document.getElementById(id)?.replaceWith(fresh);
    }
    field.setAttribute("aria-activedescendant", body.querySelector(".veil [aria-selected=true]")?.id ?? "");
  } catch {
    // Typing went on: the next answer counts.
  }
}
