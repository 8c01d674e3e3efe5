// The values of a chart: beside the pointer, by the arrow keys, and as a table.

import { el, shown } from "./chart.js";

/**
 * Show the values of a point; of none outside.
 * @param {any} chart
 * @param {number} i
 */
export function show(chart, i) {
  const { spec, tip, cross } = chart;
  cross.replaceChildren();
  tip.hidden = !(i >= 0 && i < chart.n);
  chart.at = tip.hidden ? null : i;
  if (tip.hidden) return;
  const x = chart.x(i);
  const low = chart.H - chart.b;
  cross.append(el("line", { class: "cross", x1: x, x2: x, y1: chart.t, y2: low }));
  const head = document.createElement("b");
  head.textContent = chart.name(i) + (spec.open && i === chart.n - 1 ? ", still filling" : "");
  tip.replaceChildren(head);
  let top = chart.H;
  for (const { name, c, v, type, unit } of spec.series) {
    const row = document.createElement("div");
    const key = document.createElement("span");
    const value = document.createElement("i");
    key.className = `k ${c}${type === "line" ? " line" : ""}`;
    value.textContent = shown(v[i], unit ?? spec.unit);
    row.append(key, name, value);
    tip.append(row);
    if (type !== "line" || v[i] === null) continue;
    cross.append(el("circle", { class: `pt ${c}`, cx: x, cy: chart.y(v[i]), r: 4 }));
    top = Math.min(top, chart.y(v[i]));
  }
  const wide = tip.offsetWidth;
  const left = x + 14 + wide > chart.W ? x - wide - 14 : x + 14;
  tip.style.left = `${Math.max(0, Math.min(chart.W - wide, left))}px`;
  tip.style.top = `${top < chart.H * 0.45 ? low - tip.offsetHeight - 6 : chart.t + 4}px`;
}

/**
 * The same as a table, where its box is open.
 * @param {any} chart
 * @param {HTMLDetailsElement} box
 */
export function tell(chart, box) {
  const { spec, n } = chart;
  const table = document.createElement("table");
  const head = table.createTHead().insertRow();
  for (const name of ["Time", ...spec.series.map((/** @type {any} */ each) => each.name)]) {
    const cell = document.createElement("th");
    cell.scope = "col";
    cell.textContent = name;
    cell.className = name === "Time" ? "" : "num";
    head.append(cell);
  }
  const body = table.createTBody();
  for (let i = 0; i < n; i += 1) {
    const row = body.insertRow();
    row.insertCell().textContent = chart.name(i);
    for (const { v, unit } of spec.series) {
      const cell = row.insertCell();
      cell.className = "num";
      cell.textContent = shown(v[i], unit ?? spec.unit);
    }
  }
  box.querySelector(".scroll")?.replaceChildren(table);
}
