// What <job-monitor> shows of queues and of what is stuck.

import { badge, button, count, duration, h, percent, shape, some, svg } from "./monitor-dom.js";

/** @typedef {import("./monitor-sse.js").State} State */
/** @typedef {import("./monitor-sse.js").QueueRow} QueueRow */
/** @typedef {{jobId: string, queueName: string, jobName: string, stuckDuration: number, severity: "critical" | "high" | "medium" | "low", startedAt: string | null, attemptsMade: number, reason: string, entryId: string | null}} Stuck */

const SEVERITIES = /** @type {const} */ ({
  critical: ["crit", "solid", "Critical"],
  high: ["high", "bad", "High"],
  medium: ["med", "warn", "Medium"],
  low: ["low", "", "Low"],
});

/** @type {Record<string, string>} */
const REASONS = {
  slower_than_usual: "It takes three times as long as others of its type.",
  past_timeout: "It is over its timeout.",
  abandoned: "Its worker is gone, and no other one has taken it over.",
};

const COUNTS = /** @type {const} */ (["waiting", "active", "completed", "failed", "delayed"]);
const MOST_STUCK = 10;

/** How things stand, in a sentence. @param {State} state */
export function verdict({ stuck, queues }) {
  const paused = queues.filter((each) => each.paused);
  const said = [stuck ? `${some(stuck, "job is", "jobs are")} stuck` : "", paused.length > 1 ? `${count(paused.length)} queues are paused` : paused.length ? `${paused[0].queueName} is paused` : ""].filter(Boolean);
  return said.length ? `${said.join(", ")}.` : "No job is stuck, and no queue is paused.";
}

/** @param {State} state */
export function numbers({ totals, successRate, processingRate }) {
  const value = (/** @type {string} */ name, /** @type {string} */ shown, /** @type {string} */ note = "", bad = false) =>
    h("div", { class: "kpi", "data-key": name }, h("dt", {}, name), h("dd", { class: bad ? "v t-bad" : "v" }, shown), note && h("dd", { class: "n" }, note));
  return h(
    "dl",
    { class: "kpis panel", id: "numbers" },
    COUNTS.map((name) => value(name[0].toUpperCase() + name.slice(1), count(totals[name]))),
    value("Success rate", percent(successRate), "of the last 1\u202f000", successRate < 90),
    value("Processing rate", count(processingRate), "ended in the last minute"),
  );
}

/**
 * @param {Stuck[]} stuck The longest first.
 * @param {number} all How many there are.
 * @param {boolean} mayAct
 */
export function stuckJobs(stuck, all, mayAct) {
  if (!stuck.length) return null;
  return h(
    "section",
    { class: "panel", id: "stuck", "aria-labelledby": "sh" },
    h("header", {}, h("h3", { id: "sh" }, "Stuck jobs"), h("span", { class: "sub" }, `${count(all)}, longest first`)),
    h("ul", { class: "stuck" }, stuck.slice(0, MOST_STUCK).map((each) => stuckJob(each, mayAct))),
    all > MOST_STUCK && h("footer", {}, `and ${count(all - MOST_STUCK)} more`),
  );
}

/** @param {Stuck} job @param {boolean} mayAct */
function stuckJob(job, mayAct) {
  const [mark, colour, word] = SEVERITIES[job.severity] ?? SEVERITIES.low;
  return h(
    "li",
    { "data-key": `${job.queueName}/${job.jobId}` },
    badge(mark, colour, word),
    h("div", {}, h("p", {}, h("b", { class: "mtype" }, job.jobName || "?"), " in ", job.queueName), h("p", { class: "muted" }, `Runs for ${duration(job.stuckDuration)}. ${REASONS[job.reason] ?? ""}`), h("p", { class: "faint brk" }, `${job.jobId}, attempt ${job.attemptsMade}`)),
    mayAct && !job.entryId && button("Retry\u2026", { "data-act": "retry", "data-queue": job.queueName, "data-job": job.jobId, "data-type": job.jobName, "aria-label": `Retry ${job.jobName} ${job.jobId}` }),
  );
}

/**
 * @param {State} state
 * @param {boolean} mayAct
 */
export function queueTable({ queues }, mayAct) {
  const heads = ["Queue", "Load", ...COUNTS.map((name) => name[0].toUpperCase() + name.slice(1)), ...(mayAct ? ["Actions"] : [])];
  return h(
    "section",
    { class: "panel", id: "queues", "aria-labelledby": "qh" },
    h("header", {}, h("h3", { id: "qh" }, "Queues"), h("span", { class: "sub" }, count(queues.length))),
    queues.length
      ? h(
          "div",
          { class: "scroll tall", tabindex: "0", role: "region", "aria-label": "Table of queues" },
          h(
            "table",
            { role: "table", "aria-labelledby": "qh" },
            h("thead", { role: "rowgroup" }, h("tr", { role: "row" }, heads.map((name, at) => h("th", { role: "columnheader", scope: "col", class: at > 1 && "num" }, name)))),
            h("tbody", { role: "rowgroup" }, queues.map((row) => queueRow(row, mayAct))),
          ),
        )
      : h("p", { class: "body muted" }, "There are no queues yet. They show as soon as something is sent."),
  );
}

/** @param {QueueRow} row @param {boolean} mayAct */
function queueRow(row, mayAct) {
  const name = row.queueName;
  const told = (/** @type {string} */ act) => ({ "data-act": act, "data-queue": name, "aria-label": `${act[0].toUpperCase()}${act.slice(1)} ${name}` });
  return h(
    "tr",
    { role: "row", "data-key": name },
    h("td", { role: "cell", class: "full" }, h("span", { class: "qname brk" }, name), row.paused && badge("pause", "hold", "Paused")),
    h("td", { role: "cell", class: "bar full" }, load(row)),
    COUNTS.map((each) => h("td", { role: "cell", class: row[each] ? "num" : "num faint", "data-l": each[0].toUpperCase() + each.slice(1) }, count(row[each]))),
    mayAct && h("td", { role: "cell", class: "full" }, h("div", { class: "acts end" }, row.paused ? button("Resume", told("resume")) : button("Pause\u2026", told("pause")), button("Clear\u2026", told("clear")))),
  );
}

/** Its length is the logarithm of all, its parts are shares. @param {QueueRow} row */
function load({ waiting, active, delayed }) {
  const all = waiting + active + delayed;
  const full = 100 * Math.min(1, Math.log10(1 + all) / Math.log10(4001));
  let at = 0;
  const parts = Object.entries({ w: waiting, r: active, d: delayed }).map(([kind, number]) => {
    if (!number) return null;
    const width = Math.max(1, (full * number) / all);
    const part = svg("rect", { class: kind, x: at.toFixed(1), width: width.toFixed(1), height: 8 });
    at += width + 0.6;
    return part;
  });
  return svg("svg", { class: "segbar", viewBox: "0 0 100 8", preserveAspectRatio: "none", role: "img", "aria-label": `${some(all, "job")} to do` }, parts);
}

/**
 * One sentence, a reason, perhaps a button.
 * @param {string} colour
 * @param {string} title
 * @param {string} [why]
 * @param {Node | false} [more]
 */
export function note(colour, title, why = "", more = false) {
  return h("div", { class: `note ${colour}` }, shape(colour === "bad" ? "crit" : "info"), h("div", {}, h("b", {}, title), why && h("p", {}, why)), more);
}
