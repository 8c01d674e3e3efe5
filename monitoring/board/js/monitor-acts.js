// What <job-monitor> lets one do: pause, resume, clear, retry. What cannot be undone is asked first.

import { Refused } from "./monitor-api.js";
import { button, count, h, some } from "./monitor-dom.js";

/** @typedef {import("./monitor-api.js").Api} Api */
/** @typedef {{act: string, queue: string, job: string, type: string}} Wanted */
/** @typedef {{title: string, what: string, undo: string, go: string, final?: boolean, more?: Node[]}} Question */

const SOON = { times: 20, ms: 500 };

/**
 * Do what a button is for, perhaps after a question.
 * @param {Api} api
 * @param {ShadowRoot} root Where the question is asked.
 * @param {Wanted} wanted
 * @returns {Promise<string>} What was done, in a sentence; empty if nothing was.
 */
export async function act(api, root, wanted) {
  if (wanted.act === "pause") return pause(api, root, wanted.queue);
  if (wanted.act === "clear") return clear(api, root, wanted.queue);
  if (wanted.act === "retry") return retry(api, root, wanted);
  await api.json(`${queuePath(wanted.queue)}/resume`, { method: "PATCH" });
  return `${wanted.queue} runs again.`;
}

const queuePath = (/** @type {string} */ queue) => `/admin/jobs/queue/${encodeURIComponent(queue)}`;

/** @param {Api} api @param {ShadowRoot} root @param {string} queue */
async function pause(api, root, queue) {
  const answer = await ask(root, { title: `Pause ${queue}?`, what: "No new job of it starts. What runs now goes on to its end.", undo: "Resume undoes it.", go: `Pause ${queue}` });
  if (!answer) return "";
  await api.json(`${queuePath(queue)}/pause`, { method: "PATCH", query: reason(answer) });
  return `${queue} is paused.`;
}

/** @param {Api} api @param {ShadowRoot} root @param {string} queue */
async function clear(api, root, queue) {
  const { found } = await api.json(`${queuePath(queue)}/clear`, { method: "DELETE", query: { dryRun: "true" } });
  const choice = h("select", { name: "type" }, ["all", "completed", "failed"].map((each) => h("option", { value: each }, each === "all" ? "completed and failed" : each)));
  const word = h("input", { name: "word", autocomplete: "off", spellcheck: "false", "data-word": queue });
  const answer = await ask(root, {
    title: `Clear ${queue}?`,
    what: `It has ${some(found.completed, "completed job")} and ${count(found.failed)} failed. Their records are removed; what waits or runs stays.`,
    undo: "This cannot be undone.",
    go: `Clear ${queue}`,
    final: true,
    more: [h("label", {}, "Remove", choice), h("label", {}, `Type ${queue}`, word)],
  });
  if (!answer) return "";
  const { removed } = await api.json(`${queuePath(queue)}/clear`, { method: "DELETE", query: { type: String(answer.get("type")), ...reason(answer) } });
  return `${some(removed.completed, "completed job")} and ${count(removed.failed)} failed of ${queue} are removed.`;
}

/** @param {Api} api @param {ShadowRoot} root @param {Wanted} wanted */
async function retry(api, root, { queue, job, type }) {
  const answer = await ask(root, { title: `Stop and retry ${type}?`, what: "If it still runs, it is stopped first. Its message is sent again as a new job.", undo: "What it has done already may be done twice.", go: `Retry ${type}` });
  if (!answer) return "";
  const why = reason(answer);
  const again = () => api.json(`/admin/jobs/retry/${encodeURIComponent(queue)}/${encodeURIComponent(job)}`, { method: "POST", query: why });
  const { newJobId } = await again().catch(async (error) => {
    if (!isRunning(error)) throw error;
    await api.json(`/admin/jobs/${encodeURIComponent(queue)}/${encodeURIComponent(job)}/stop`, { method: "POST", query: why });
    return patiently(again);
  });
  return `${type} is sent again as ${newJobId}.`;
}

const isRunning = (/** @type {unknown} */ error) => error instanceof Refused && error.status === 409;

/** Until the worker has stopped it. @param {() => Promise<any>} ask */
async function patiently(ask) {
  for (let left = SOON.times; ; left -= 1) {
    try {
      return await ask();
    } catch (error) {
      if (!isRunning(error) || !left) throw error;
    }
    await new Promise((done) => setTimeout(done, SOON.ms));
  }
}

/** @param {FormData} answer @returns {Record<string, string>} */
function reason(answer) {
  const text = String(answer.get("reason") ?? "").trim();
  return text ? { reason: text } : {};
}

/**
 * Ask in a dialog; null if the answer is no.
 * @param {ShadowRoot} root
 * @param {Question} question
 * @returns {Promise<FormData | null>}
 */
function ask(root, { title, what, undo, go, final, more = [] }) {
  const yes = h("button", { class: `btn ${final ? "solid-danger" : "primary"}`, disabled: !!final }, go);
  const form = /** @type {HTMLFormElement} */ (
    h("form", { method: "dialog" }, h("h3", { id: "dh" }, title), h("p", {}, what), more, h("label", {}, "Reason", h("input", { name: "reason", maxlength: "500", autocomplete: "off", autofocus: true })), h("p", { class: "faint" }, undo), h("div", { class: "acts end" }, button("Cancel", { "data-no": true }, ""), yes))
  );
  const dialog = /** @type {HTMLDialogElement} */ (h("dialog", { "aria-labelledby": "dh" }, form));
  form.addEventListener("input", () => {
    const field = /** @type {HTMLInputElement | null} */ (form.querySelector("[data-word]"));
    /** @type {HTMLButtonElement} */ (yes).disabled = !!field && field.value.trim() !== field.dataset.word;
  });
  form.querySelector("[data-no]")?.addEventListener("click", () => dialog.close());
  (root.querySelector(".root") ?? root).append(dialog); // where the tokens are
  dialog.showModal();
  return new Promise((done) => {
    form.addEventListener("submit", () => done(new FormData(form)));
    dialog.addEventListener("close", () => {
      dialog.remove();
      done(null);
    });
  });
}
