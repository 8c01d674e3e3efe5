// The list of jobs: fetches what its parts need once somebody turns to them.

const $ = (/** @type {string} */ selector) => document.querySelector(selector);

/** @type {Record<string, () => Promise<unknown>>} */
const PARTS = { "#q": () => import("./suggest.js"), "#brush": () => import("./brush.js") };

/** @type {WeakSet<Element>} */
const awaited = new WeakSet();

/** Wait for the pointer or the focus to come to a part. */
function wait() {
  for (const [selector, fetched] of Object.entries(PARTS)) {
    const part = $(selector);
    if (!part || awaited.has(part)) continue;
    awaited.add(part);
    if (part.matches(":hover, :focus-within")) fetched();
    for (const kind of ["focusin", "pointerover"]) part.addEventListener(kind, fetched, { once: true });
  }
}

addEventListener("submit", async (event) => {
  const form = /** @type {HTMLFormElement} */ (event.target);
  if (!form.matches("[data-view]")) return;
  event.preventDefault();
  (await import("./views.js")).save(form);
  (await import("./overlays.js")).close();
});

addEventListener("shown", wait);
wait();
if (localStorage.getItem("postroom-views")) import("./views.js");
