// What every place has: theme, keys, tabs, rows to select, and the parts that are fetched when they
// are wanted first: dialogs, actions, charts.

import { admit, live, pause, refresh } from "./live.js";
import { retell } from "./times.js";

const $ = (/** @type {string} */ selector, /** @type {ParentNode} */ root = document) => /** @type {HTMLElement | null} */ (root.querySelector(selector));

const overlays = () => import("./overlays.js");
const acts = () => import("./acts.js");
const spare = () => import("./spare.js");
/** One promise for all who wait: those of several imports may be kept in any order, as keys then. @type {Promise<unknown> | null} */
let fetched = null;
const rows = () => (fetched ??= import("./rows.js"));

/** @type {Record<string, (button: HTMLElement) => void>} */
const ACTS = {
  theme: (button) => spare().then((found) => found.turn(button)),
  live: () => pause(),
  admit: () => admit(),
  open: async (button) => (await overlays()).open(button.dataset.url ?? "", button),
  close: async () => (await overlays()).close(),
  copy: async (button) => (await acts()).copy(button),
};

addEventListener("click", (event) => {
  const target = /** @type {Element} */ (event.target);
  const button = /** @type {HTMLElement | null} */ (target.closest("[data-act]"));
  if (!button) return target.classList.contains("veil") ? ACTS.close(/** @type {HTMLElement} */ (target)) : undefined;
  if (button instanceof HTMLAnchorElement) event.preventDefault();
  ACTS[button.dataset.act ?? ""]?.(button);
});

addEventListener("submit", async (event) => {
  const form = /** @type {HTMLFormElement} */ (event.target);
  if (!form.dataset.method) return;
  event.preventDefault();
  (await acts()).act(form, event.submitter);
});

addEventListener("change", (event) => {
  const field = /** @type {HTMLInputElement} */ (event.target);
  if (!field.matches("[data-submits]")) return;
  sessionStorage.field = `${location.pathname} ${field.name}`;
  field.form?.requestSubmit();
});

addEventListener("shown", () => (parts(), retell()));

// Who is about to select a row comes by it first.
for (const kind of ["pointerover", "focusin"]) addEventListener(kind, ({ target }) => void (target instanceof Element && target.closest("main tr") && rows()));

addEventListener("input", (event) => {
  const field = /** @type {HTMLInputElement} */ (event.target);
  const final = field.dataset.word && $("[data-final]", field.form ?? document);
  if (final) /** @type {HTMLButtonElement} */ (final).disabled = field.value.trim() !== field.dataset.word;
});

const PLACES = /** @type {Record<string, string>} */ ({ o: "", j: "jobs", f: "failures", q: "queues", w: "workers", m: "messages", i: "insights", s: "settings" });
let went = 0;

/** @type {Record<string, (event: KeyboardEvent) => void>} */
const KEYS = {
  "/": (event) => {
    event.preventDefault();
    const field = $("#main input[type=search]");
    if (field) field.focus();
    else $(".find")?.click();
  },
  "?": () => $("[data-url$='dialogs/keys']")?.click(),
  g: () => (went = Date.now()),
  r: () => spare().then((found) => found.retry()),
  p: () => pause(),
  u: () => spare().then((found) => found.undo()),
};

addEventListener("keydown", (event) => {
  const target = /** @type {HTMLElement} */ (event.target);
  if ((event.metaKey || event.ctrlKey) && event.key.toLowerCase() === "k") {
    event.preventDefault();
    return $(".find")?.click();
  }
  if (event.key === "Escape") return void overlays().then((found) => found.close());
  const typing = target.matches("input:not([type=checkbox]), textarea, select, [role=combobox]");
  if (typing || event.metaKey || event.ctrlKey || event.altKey || $(".veil:not([hidden])")) return;
  if (Date.now() - went < 1200 && event.key in PLACES) return location.assign(`${document.body.dataset.root}/${PLACES[event.key]}`);
  if (KEYS[event.key]) KEYS[event.key](event);
  else if ($("[data-row]")) rows().then(() => dispatchEvent(new CustomEvent("key", { detail: event })));
});

const narrow = matchMedia("(max-width: 760px)");
narrow.addEventListener("change", parts);

/** Fetch what a page needs that not every page has. */
function parts() {
  if ($("pr-chart")) import("./chart.js");
  if ($("table.cards") && narrow.matches) import("./cards.js").then(({ label }) => label());
  if ($("[role=tablist]")) import("./tabs.js");
  if ($("#search")) import("./jobs.js");
  if ($("#send")) import("./runs.js");
  $("form[data-checks]")?.addEventListener("focusin", () => import("./checks.js"), { once: true });
  if ($("#log")) import("./log.js");
}

// What a narrow window lays out in a row begins with what was chosen.
if (innerWidth < 761) $(".states [aria-current], .tabs [aria-current], .catl [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
addEventListener("acted", () => refresh(true));
setInterval(retell, 1000);
parts();
if (sessionStorage.field) spare().then((found) => found.resume());
retell();
live();
