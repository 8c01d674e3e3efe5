// The trends of <job-monitor>: what ended in a day, a week or a month, as a chart and by queue.

import "./chart.js";
import { button, count, duration, h, percent, some } from "./monitor-dom.js";

/** @typedef {"24h" | "7d" | "30d"} Period */
/** @typedef {{queueName: string, successful: number, failed: number, total: number, successRate: number, avgProcessingTime: number}} Trend */
/** @typedef {{at: string, successful: number, failed: number}} Point */
/** @typedef {{period: Period, rows: Trend[], points: Point[]}} Read */

const PERIODS = /** @type {const} */ ({
  "24h": { words: "24 hours", step: "hour", hours: 1, points: "24", labels: 4 },
  "7d": { words: "7 days", step: "hour", hours: 1, points: "168", labels: 7 },
  "30d": { words: "30 days", step: "day", hours: 24, points: "30", labels: 6 },
});

/**
 * What the API tells of a period.
 * @param {import("./monitor-api.js").Api} api
 * @param {Period} period
 * @returns {Promise<Read>}
 */
export async function readTrends(api, period) {
  const { step, points } = PERIODS[period];
  const [rows, series] = await Promise.all([api.json("/admin/jobs/trends", { query: { period } }), api.json("/api/series", { query: { step, points } })]);
  return { period, rows, points: series.points };
}

/**
 * @param {Period} period What is chosen; it shows as soon as it is read.
 * @param {Read} read
 */
export function trends(period, read) {
  const choices = /** @type {Period[]} */ (Object.keys(PERIODS)).map((each) => button(each, { "data-act": "period", "data-period": each, "aria-pressed": String(each === period), "aria-label": `Last ${PERIODS[each].words}` }));
  return h(
    "section",
    { class: "panel", id: "trends", "aria-labelledby": "th" },
    h("header", {}, h("h3", { id: "th" }, "Trends"), h("div", { class: "acts push", role: "group", "aria-label": "Period" }, choices)),
    h("div", { class: "body" }, figure(read.period, read.points)),
    table(read.rows),
  );
}

/** @param {Period} period @param {Point[]} points */
function figure(period, points) {
  const { words, hours, labels } = PERIODS[period];
  const sum = (/** @type {"successful" | "failed"} */ name) => points.reduce((all, each) => all + each[name], 0);
  const most = Math.max(1, ...points.map((each) => each.successful + each.failed));
  const when = (/** @type {string} */ at) => (period === "24h" ? at.slice(11, 16) : period === "30d" ? at.slice(5, 10) : `${at.slice(5, 10)} ${at.slice(11, 16)}`);
  const begin = Date.parse(points[0].at);
  const later = (/** @type {number} */ share) => new Date(begin + share * points.length * hours * 3_600_000).toISOString();
  const spec = {
    label: `${some(sum("successful"), "job")} succeeded and ${count(sum("failed"))} failed for good in the last ${words}.`,
    h: 170,
    ticks: ticks(most),
    x: Array.from({ length: labels + 1 }, (_, i) => when(later(i / labels)).slice(0, 5)),
    names: points.map(({ at }) => `${when(at)} UTC`),
    open: true,
    series: [
      { name: "Succeeded", c: "o", v: points.map((each) => each.successful) },
      { name: "Failed for good", c: "f", v: points.map((each) => each.failed) },
    ],
  };
  return h(
    "figure",
    {},
    h("pr-chart", { "data-spec": JSON.stringify(spec) }),
    h(
      "div",
      { class: "fig-foot" },
      h("span", { class: "legend-row" }, spec.series.map(({ name, c }) => h("span", {}, h("i", { class: `k ${c}` }), name))),
      h("details", { class: "astable" }, h("summary", {}, "Show as table"), h("div", { class: "scroll", "data-keep": true, tabindex: "0", role: "region", "aria-label": "Trends as a table" })),
    ),
  );
}

/** Two to four round values up to the largest or over it. @param {number} most From 1. */
function ticks(most) {
  const rough = most / 3;
  const ten = 10 ** Math.floor(Math.log10(rough));
  const step = Math.max(1, ten * ([1, 2, 5, 10].find((each) => each * ten >= rough) ?? 10));
  return Array.from({ length: Math.ceil(most / step) + 1 }, (_, i) => i * step);
}

/** @param {Trend[]} rows */
function table(rows) {
  const ran = rows.filter((each) => each.total);
  if (!ran.length) return h("p", { class: "body muted" }, "Nothing has ended in this time.");
  const heads = ["Queue", "Succeeded", "Failed for good", "Success rate", "Average run"];
  const row = (/** @type {Trend} */ each) => [count(each.successful), count(each.failed), percent(each.successRate), duration(each.avgProcessingTime)];
  return h(
    "div",
    { class: "scroll tall", tabindex: "0", role: "region", "aria-label": "Trends by queue" },
    h(
      "table",
      { role: "table", "aria-label": "Trends by queue" },
      h("thead", { role: "rowgroup" }, h("tr", { role: "row" }, heads.map((name, at) => h("th", { role: "columnheader", scope: "col", class: at > 0 && "num" }, name)))),
      h("tbody", { role: "rowgroup" }, ran.map((each) => h("tr", { role: "row", "data-key": each.queueName }, h("td", { role: "cell", class: "full qname brk" }, each.queueName), row(each).map((text, at) => h("td", { role: "cell", class: "num", "data-l": heads[at + 1] }, text))))),
    ),
  );
}
