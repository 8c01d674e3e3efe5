// The theme, keys that few press, and where the focus goes on when what had it is gone. Fetched when
// that happens, so that no page has it with it.

const $ = (/** @type {string} */ selector) => /** @type {HTMLElement | null} */ (document.querySelector(selector));

const FOCUSED = "a[href], button:not([disabled]), input:not([type=hidden]), select, summary";

/**
 * Give the focus to what stands in the place of what had it.
 * @param {Element[]} around What it was, and all that it was in, from the inside out.
 */
export function land(around) {
  if (document.activeElement !== document.body) return;
  for (const each of around) {
    const next = each.isConnected && /** @type {HTMLElement | null} */ (each.querySelector(FOCUSED));
    if (next) return next.focus({ preventScroll: true });
  }
}

/** Go on at the field whose change has led to this page. */
export function resume() {
  const [path, name] = (sessionStorage.getItem("field") ?? "").split(" ");
  sessionStorage.removeItem("field");
  if (path !== location.pathname) return;
  $(`#main [data-submits][name="${CSS.escape(name)}"]`)?.focus({ preventScroll: true });
}

/** Retry the selection, or the row that the keys are at, or else what the page is of. */
export function retry() {
  const button = $(".bulk:not([hidden]) .acts:not([hidden]) [data-key-r]") ?? $("tr.is-cursor [data-key-r]") ?? $("#main [data-key-r]");
  button?.click();
}

/** Undo what was done last, as long as that is offered. */
export function undo() {
  $("#toasts .toast:not(.bad):last-child button")?.click();
}

const THEMES = ["system", "light", "dark"];

/** The next theme. @param {HTMLElement} button */
export function turn(button) {
  const now = document.documentElement.dataset.theme ?? "system";
  const theme = THEMES[(THEMES.indexOf(now) + 1) % 3];
  if (theme === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  document.cookie = `postroom_theme=${theme}; path=${document.body.dataset.root || "/"}; max-age=31536000; samesite=strict`;
  button.setAttribute("aria-label", `Theme: ${theme}`);
  button.title = `Theme: ${theme}`;
}
