// A span of a chart that is drawn with the pointer, or Enter on one of its points, narrows a list to
// what was sent in it. Fetched when the pointer or the focus comes to the chart first.

const $ = (/** @type {string} */ selector) => /** @type {HTMLElement | null} */ (document.querySelector(selector));

let began = -1;

/** @param {PointerEvent} event @returns {[any, number]} The chart, and its point. */
function point(event) {
  const chart = /** @type {any} */ ($("#brush pr-chart"));
  const i = Math.floor((event.clientX - chart.getBoundingClientRect().left - chart.l) / chart.step);
  return [chart, Math.max(0, Math.min(chart.n - 1, i))];
}

/** Narrow the list. @param {any} chart @param {number} from @param {number} to */
function narrow(chart, from, to) {
  const { t0, dt } = chart.spec;
  const iso = (/** @type {number} */ i) => new Date(t0 + i * dt * 1000).toISOString().slice(0, 19) + "Z";
  const address = new URL(location.href);
  address.searchParams.delete("cursor");
  address.searchParams.delete("q");
  address.searchParams.set("q", `${$("#brush")?.dataset.q ?? ""} since:${iso(from)} until:${iso(to + 1)}`.trim());
  location.assign(address);
}

addEventListener("pointerdown", (event) => {
  if (/** @type {Element} */ (event.target).closest("#brush pr-chart")) [, began] = point(event);
});
addEventListener("pointermove", (event) => {
  if (began < 0) return;
  const [chart, i] = point(event);
  chart.querySelector(".brush")?.remove();
  const band = document.createElementNS("http://www.w3.org/2000/svg", "rect");
  const [from, to] = [Math.min(began, i), Math.max(began, i) + 1];
  for (const [name, value] of Object.entries({ class: "brush", x: chart.l + from * chart.step, width: (to - from) * chart.step, y: chart.t, height: chart.H - chart.t - chart.b })) band.setAttribute(name, String(value));
  chart.svg.append(band);
});
addEventListener("pointerup", (event) => {
  if (began < 0) return;
  const [chart, i] = point(event);
  const from = began;
  began = -1;
  chart.querySelector(".brush")?.remove();
  if (i !== from) narrow(chart, Math.min(i, from), Math.max(i, from));
});
addEventListener("keydown", (event) => {
  const chart = /** @type {any} */ (document.activeElement);
  if (event.key === "Enter" && chart?.matches("#brush pr-chart") && chart.at !== null) narrow(chart, chart.at, chart.at);
});

$("#brush")?.setAttribute("data-own", "ready");
