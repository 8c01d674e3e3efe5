// Actions: a form says which route it is sent to, and what is said once it is done.

import { clear, complain, request } from "./forms.js";
import { hold } from "./live.js";
import { close, open } from "./overlays.js";

/** @typedef {{method: string, url: string, body?: unknown}} Undo A request. */

/** @type {Promise<string> | null} */
let csrf = null;

const root = document.body.dataset.root ?? "";

/** What shows that a request comes from a page of ours. */
export const token = () =>
  (csrf ??= fetch(`${root}/api/session`, { cache: "no-store" })
    .then((answer) => answer.json())
    .then((session) => session.csrfToken ?? ""));

/**
 * Send a form to the API.
 *
 * Its `action` and `data-method` name the route. Fields are members of the JSON body, `a.b` one
 * within another; `data-query` fields are parameters. `data-said` is said when it is done;
 * `data-undo` is the request that undoes it, as JSON; `data-next` the dialog that is opened then.
 * @param {HTMLFormElement} form
 * @param {HTMLElement | null} [button] What was pressed; its name and value are sent too, and its
 *   `formaction` and `data-goes` come before those of the form.
 */
export async function act(form, button) {
  const { url, body } = request(form, button);
  const pressed = /** @type {HTMLButtonElement | null} */ (button ?? form.querySelector("button:not([type=button])"));
  if (pressed) pressed.disabled = true;
  const done = form.dataset.progress ? (await import("./progress.js")).watch(form) : () => {};
  const goes = button?.dataset.goes ?? form.dataset.goes;
  if (goes) await hold(true);
  const result = await send(form.dataset.method ?? "POST", url, body);
  done();
  if (pressed) pressed.disabled = false;
  if (document.activeElement === document.body) pressed?.focus({ preventScroll: true });
  if (result.error) return stay(form, result.error);
  clear(form);
  const said = fill(form.dataset.said ?? "Done.", result.answer);
  const undo = form.dataset.undo ? JSON.parse(form.dataset.undo) : null;
  if (form.closest(".veil")) close();
  if (goes) return location.assign(fill(goes, result.answer, encodeURIComponent));
  toast(said, false, undo);
  dispatchEvent(new CustomEvent("acted", { detail: result.answer }));
  if (form.dataset.next) open(form.dataset.next, document.body);
}

/**
 * @param {string} method
 * @param {URL | string} url
 * @param {unknown} body Sent as JSON; undefined sends none.
 * @returns {Promise<{answer?: any, error?: {message: string, remedy: string, field?: string}}>}
 */
export async function send(method, url, body) {
  try {
    const headers = { "X-CSRF-Token": await token(), ...(body === undefined ? {} : { "Content-Type": "application/json" }) };
    const answer = await fetch(url, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
    const told = answer.headers.get("content-type")?.includes("json") ? await answer.json() : {};
    if (answer.ok) return { answer: told };
    csrf = null;
    return { error: told.error ?? { message: `The server answered ${answer.status}.`, remedy: "Try again." } };
  } catch {
    return { error: { message: "The server does not answer.", remedy: "Nothing was changed as far as this page knows; look before you try again." } };
  }
}

/**
 * @param {HTMLFormElement} form
 * @param {import("./forms.js").Wrong} error
 */
function stay(form, error) {
  hold(false);
  if (!complain(form, error)) toast(`${form.dataset.not ?? "Not done"}: ${error.message} ${error.remedy}`, true);
}

/**
 * Fill `{name}` in a sentence or an address from an answer.
 * @param {string} text
 * @param {any} answer
 * @param {(value: any) => string} [write] How what it tells is written, as in an address.
 */
function fill(text, answer, write = String) {
  return text.replace(/\{([\w.]+)\}/g, (_, path) => write(path.split(".").reduce((/** @type {any} */ at, /** @type {string} */ name) => at?.[name], answer) ?? ""));
}

const SECONDS = 10;

/**
 * One line at the edge, with one button where it can be undone.
 * @param {string} text
 * @param {boolean} [bad] Stays until it is closed.
 * @param {Undo | null} [undo] The request that undoes it.
 */
export function toast(text, bad = false, undo = null) {
  const box = document.getElementById("toasts");
  if (!box) return;
  const line = document.createElement("div");
  line.className = bad ? "toast bad" : "toast";
  const words = document.createElement("span");
  words.textContent = text;
  const button = document.createElement("button");
  button.type = "button";
  button.className = "btn sm";
  button.textContent = undo ? "Undo" : "Close";
  button.onclick = () => (undo ? revert(undo, line) : drop(line));
  line.append(words, button);
  box.append(line);
  if (bad) return;
  let left = SECONDS;
  const timer = setInterval(() => {
    if (line.matches(":hover, :focus-within")) return;
    left -= 1;
    if (left <= 0 || !line.isConnected) {
      clearInterval(timer);
      line.remove();
    }
  }, 1000);
}

/**
 * @param {Undo} undo
 * @param {HTMLElement} line
 */
async function revert(undo, line) {
  const { error } = await send(undo.method, undo.url, undo.body);
  drop(line);
  toast(error ? `Not undone: ${error.message} ${error.remedy}` : "Undone.", !!error);
  dispatchEvent(new CustomEvent("acted"));
}

/** Take a line away; the focus goes back to the page. @param {HTMLElement} line */
function drop(line) {
  const had = line.contains(document.activeElement);
  line.remove();
  if (had) document.getElementById("main")?.focus({ preventScroll: true });
}

/** Copy what an element names. @param {HTMLElement} button */
export async function copy(button) {
  const text = button.dataset.copy ?? document.getElementById(button.dataset.from ?? "")?.textContent ?? "";
  await navigator.clipboard.writeText(text);
  toast("Copied.");
}
