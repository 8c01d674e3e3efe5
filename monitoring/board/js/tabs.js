// Tabs: one panel at a time; the arrow keys go from one to the next.

const tabsOf = (/** @type {HTMLElement} */ tab) => /** @type {HTMLElement[]} */ ([...(tab.parentElement ?? document).querySelectorAll("[role=tab]")]);

/** @param {HTMLElement} tab */
function choose(tab) {
  for (const each of tabsOf(tab)) {
    each.setAttribute("aria-selected", String(each === tab));
    each.tabIndex = each === tab ? 0 : -1;
    const panel = document.getElementById(each.getAttribute("aria-controls") ?? "");
    if (panel) panel.hidden = each !== tab;
  }
}

addEventListener("click", (event) => {
  const tab = /** @type {HTMLElement | null} */ (/** @type {Element} */ (event.target).closest("[role=tab]"));
  if (tab) choose(tab);
});

addEventListener("keydown", (event) => {
  const tab = /** @type {HTMLElement} */ (event.target);
  const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  if (!by || !tab.matches("[role=tab]")) return;
  const tabs = tabsOf(tab);
  const next = tabs[(tabs.indexOf(tab) + by + tabs.length) % tabs.length];
  next.focus();
  choose(next);
});
