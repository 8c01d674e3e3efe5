// Keeps a page as it is now: when something has changed, or after a while, the page is asked for
// again and patched. Slower when nobody touches it, and not at all while it is hidden or paused.

import { holding, patch } from "./patch.js";

const PACE = Number(document.body.dataset.seconds);
const SECONDS = { busy: PACE, quiet: 4 * PACE, idle: 10, idleAfter: 300, amber: 3 * PACE + 10, stale: 30 };

const $ = (/** @type {string} */ selector) => /** @type {HTMLElement | null} */ (document.querySelector(selector));

const state = {
  tag: document.body.dataset.tag ?? "",
  seen: performance.now(),
  asked: 0,
  touched: performance.now(),
  ticked: -Infinity,
  streaming: false,
  paused: false,
  busy: false,
  again: false,
  held: false,
  failures: 0,
  away: false,
};

const isRefused = (/** @type {Document} */ page) => "refused" in page.body.dataset;

/** Ask for the page now, and show what has changed. @param {boolean} [fresh] Not what the server remembers. */
export async function refresh(fresh = false) {
  if (state.held) return;
  if (state.busy) {
    state.again ||= fresh;
    return;
  }
  state.busy = true;
  state.asked = performance.now();
  try {
    await load(fresh);
    state.seen = performance.now();
    state.failures = 0;
    state.away = false;
  } catch (wrong) {
    state.failures += 1;
    state.away = wrong instanceof Document;
    import("./away.js").then(({ tell }) => tell(wrong), () => {});
  }
  state.busy = false;
  age();
  if (!state.again) return;
  state.again = false;
  await refresh(true);
}

/** @param {boolean} fresh */
async function load(fresh) {
  /** @type {Record<string, string>} */
  const headers = { Accept: "text/html" };
  if (fresh) headers["Cache-Control"] = "no-cache";
  else if (state.tag) headers["If-None-Match"] = state.tag;
  const address = document.body.dataset.address ?? location.href;
  const answer = await fetch(address, { headers, cache: "no-store", signal: AbortSignal.timeout(20000) });
  if (answer.status === 304) return;
  if (answer.redirected && new URL(answer.url).pathname.endsWith("/login")) return location.reload();
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  if (!page.body.dataset.version) throw new Error(`${answer.status}`);
  if (page.body.dataset.version !== document.body.dataset.version) return location.reload();
  // What is shown stays, and what is typed there: it is worth more than to be told why.
  if (answer.status === 503 && !isRefused(document)) {
    state.tag = "";
    throw page;
  }
  if (isRefused(page) !== isRefused(document)) return location.reload();
  state.tag = page.body.dataset.tag ?? "";
  show(page);
}

/** @param {Document} page */
function show(page) {
  document.title = page.title;
  /** @type {Element[]} */
  const around = [];
  for (let at = document.activeElement; at && at !== document.body; at = at.parentElement) around.push(at);
  for (const part of page.querySelectorAll("[data-live]")) {
    const old = document.getElementById(part.id);
    if (!old) continue;
    if (part.id === "main") old.className = part.className;
    patch(old, part);
  }
  const sprite = $(".sprite");
  for (const each of page.querySelectorAll(".sprite symbol")) if (!document.getElementById(each.id)) sprite?.append(each);
  if (around[0]?.isConnected === false) import("./spare.js").then(({ land }) => land(around));
  dispatchEvent(new CustomEvent("shown"));
}

/** Let the rows in that wait behind their button. */
export function admit() {
  holding.open = true;
  refresh(true).finally(() => (holding.open = false));
}

/** Stop or go on. */
export function pause() {
  state.paused = !state.paused;
  const button = $("[data-act=live]");
  button?.setAttribute("aria-pressed", String(state.paused));
  if (!state.paused) refresh();
  age();
}

/**
 * Ask for nothing more, or go on: what a page shows may be gone once an action is done that leads
 * elsewhere.
 * @param {boolean} held
 */
export async function hold(held) {
  state.held = held;
  while (held && state.busy) await new Promise((done) => setTimeout(done, 20));
}

function due() {
  const now = performance.now();
  const idle = now - state.touched > SECONDS.idleAfter * 1000;
  const patience = Math.min(SECONDS.busy * 2 ** state.failures, SECONDS.idle);
  const quiet = state.streaming && now - state.ticked > SECONDS.quiet * 1000;
  const pace = idle || quiet ? SECONDS.idle : patience;
  return !document.hidden && !state.paused && now - state.asked >= pace * 1000;
}

function age() {
  const seconds = Math.round((performance.now() - state.seen) / 1000);
  const line = $("#age");
  if (!line) return;
  line.textContent = state.paused ? `Paused, ${seconds} s old` : seconds > SECONDS.amber || state.away ? `${seconds} s old` : `Live, ${SECONDS.busy} s`;
  const dot = $(".live .dot");
  dot?.classList.toggle("off", state.paused);
  $(".live")?.classList.toggle("t-warn", (seconds > SECONDS.amber || state.away) && !state.paused);
  const old = (seconds > SECONDS.stale || state.away) && !state.paused;
  $("#main")?.classList.toggle("stale", old);
  const notice = $("#stale");
  if (notice) notice.hidden = !old;
}

/** One stream in all pages of this browser; a stream of its own where there are no shared workers. */
function listen() {
  const { stream } = document.body.dataset;
  if (!stream) return;
  const heard = (/** @type {string} */ word) => {
    state.streaming = word !== "lost";
    if (word === "tick") state.ticked = performance.now();
  };
  if ("SharedWorker" in window) {
    const { port } = new SharedWorker(new URL("tick.js", import.meta.url), { name: "postroom", type: "module" });
    port.onmessage = ({ data }) => heard(data);
    port.postMessage({ word: "watch", url: stream });
    addEventListener("pagehide", () => port.postMessage({ word: "leave" }));
    addEventListener("pageshow", ({ persisted }) => persisted && location.reload());
    return;
  }
  import("./alone.js").then(({ listen }) => listen(stream, heard));
}

/** Begin to keep the page as it is now. */
export function live() {
  listen();
  for (const kind of ["pointerdown", "keydown", "scroll", "focus"])
    addEventListener(kind, () => (state.touched = performance.now()), { passive: true });
  document.addEventListener("visibilitychange", () => !document.hidden && due() && refresh());
  setInterval(() => (due() ? refresh() : age()), Math.min(500, PACE * 500));
}
