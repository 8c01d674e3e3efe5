// Makes a part of the page look like a newer one and touches nothing that is the same, so that
// focus, selection, scroll and what was typed survive.

/**
 * Make the children of one element equal to those of another.
 * @param {Element} old What is shown.
 * @param {Element} fresh What the server shows now; it is used up.
 */
export function patch(old, fresh) {
  const known = new Map();
  for (const child of old.children) if (keyOf(child)) known.set(keyOf(child), child);
  const held = old.hasAttribute("data-hold") && !holding.open;
  let at = old.firstChild;
  let waiting = 0;
  for (const next of [...fresh.childNodes]) {
    const key = keyOf(next);
    const same = key ? known.get(key) : alike(at, next) ? at : null;
    if (key) known.delete(key);
    if (!same) {
      if (held && key) waiting += 1;
      else old.insertBefore(next, at);
    } else {
      if (same === at) at = at?.nextSibling ?? null;
      else if (!held || !inUse(old)) old.insertBefore(same, at);
      update(same, next);
    }
  }
  while (at) {
    const gone = at;
    at = at.nextSibling;
    if (!keyOf(gone) || known.has(keyOf(gone))) leave(gone, held && (waiting > 0 || inUse(old)));
  }
  if (old.hasAttribute("data-hold")) announce(old, waiting);
}

/** Whether rows that are new are let in; the button that counts them opens it for a moment. */
export const holding = { open: false };

/** @param {Node | null | undefined} node */
function keyOf(node) {
  return node instanceof Element ? node.id || node.getAttribute("data-key") || "" : "";
}

/**
 * @param {Node | null} one
 * @param {Node} other
 */
function alike(one, other) {
  return !!one && one.nodeName === other.nodeName && !keyOf(one) && !keyOf(other);
}

/** Whether a hand is on it: nothing may jump then. @param {Element} list */
function inUse(list) {
  return list.matches(":hover") || list.contains(document.activeElement) || !!list.querySelector("[aria-selected=true]");
}

/**
 * @param {Node} old
 * @param {Node} fresh
 */
function update(old, fresh) {
  if (old.nodeType === Node.TEXT_NODE) {
    if (old.nodeValue !== fresh.nodeValue) {
      old.nodeValue = fresh.nodeValue;
      old.parentElement?.closest("td, dd")?.classList.add("fresh");
    }
  } else if (old instanceof Element && fresh instanceof Element) {
    if (old.hasAttribute("data-keep")) return;
    attributes(old, fresh);
    if (old.localName === "time" || old.localName === "pr-chart") return;
    patch(old, fresh);
  }
}

const OWN = ["open", "aria-selected", "aria-expanded", "hidden", "role", "data-l", "data-own"];

/**
 * @param {Element} old
 * @param {Element} fresh
 */
function attributes(old, fresh) {
  const own = (/** @type {string} */ name) => OWN.includes(name) && !fresh.hasAttribute("data-server");
  const made = old.localName.includes("-"); // an element of ours, which gives itself a role and a name
  for (const { name } of [...old.attributes])
    if (!made && !fresh.hasAttribute(name) && !own(name) && name !== "class") old.removeAttribute(name);
  for (const { name, value } of fresh.attributes)
    if (old.getAttribute(name) !== value && !own(name)) old.setAttribute(name, value);
  if (old.hasAttribute("class") && !fresh.hasAttribute("class")) old.removeAttribute("class");
}

/**
 * @param {ChildNode} gone
 * @param {boolean} stays Somebody reads the list, or those that would take its place wait to be let in.
 */
function leave(gone, stays) {
  if (stays && gone instanceof Element) gone.classList.add("stale");
  else gone.remove();
}

/**
 * @param {Element} list
 * @param {number} waiting
 */
function announce(list, waiting) {
  const button = document.querySelector(`[data-new-for="${list.id}"]`);
  if (!(button instanceof HTMLElement)) return;
  button.hidden = !waiting;
  const noun = button.dataset.noun ?? "row";
  button.textContent = `${waiting} new ${noun}${waiting === 1 ? "" : "s"}`;
}
