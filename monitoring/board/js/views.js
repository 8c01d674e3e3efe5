// Views of a list that somebody saved: in this browser, under names.

const $ = (/** @type {string} */ selector) => /** @type {HTMLElement | null} */ (document.querySelector(selector));

const KEY = "postroom-views";

/** @returns {[string, string][]} Names and addresses. */
function views() {
  try {
    const kept = JSON.parse(localStorage.getItem(KEY) ?? "[]");
    return Array.isArray(kept) ? kept.filter((each) => Array.isArray(each) && each.length === 2) : [];
  } catch {
    return [];
  }
}

/** @param {[string, string][]} kept */
function keep(kept) {
  localStorage.setItem(KEY, JSON.stringify(kept.slice(0, 30)));
  tell();
}

/** @param {HTMLElement} button */
const forget = (button) => keep(views().filter(([name]) => name !== button.dataset.forget));

/** Show the views. */
function tell() {
  const place = $("#views");
  const kept = views();
  if (!place) return;
  place.replaceChildren();
  if (!kept.length) return;
  const head = document.createElement("h2");
  head.textContent = "Saved views";
  place.append(head);
  for (const [name, query] of kept) {
    const line = document.createElement("div");
    const link = document.createElement("a");
    const gone = document.createElement("button");
    link.href = `${location.pathname}${query.startsWith("?") ? query : ""}`;
    link.textContent = name;
    if (location.search === query) link.setAttribute("aria-current", "true");
    gone.type = "button";
    gone.className = "btn icon sm quiet";
    gone.textContent = "×";
    gone.dataset.forget = name;
    gone.setAttribute("aria-label", `Forget ${name}`);
    line.append(link, gone);
    place.append(line);
  }
}

/** Save the page as it is. @param {HTMLFormElement} form With a name. */
export function save(form) {
  const name = /** @type {HTMLInputElement} */ (form.elements[0]).value.trim();
  const query = new URLSearchParams(location.search);
  query.delete("cursor");
  if (name) keep([...views().filter(([each]) => each !== name), [name, query.size ? `?${query}` : ""]]);
}

addEventListener("click", (event) => {
  const button = /** @type {HTMLElement | null} */ (/** @type {Element} */ (event.target).closest("[data-forget]"));
  if (button) forget(button);
});

tell();
