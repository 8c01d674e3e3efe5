// What a form sends, and where it says what was wrong with it.

/**
 * The request that a form stands for.
 *
 * With `data-patch="data"` the fields `data.*` become a merge patch: only what was changed, and null
 * for what was emptied.
 * @param {HTMLFormElement} form
 * @param {HTMLElement | null} [button] What was pressed; its name and value are sent too.
 * @returns {{url: URL, body: Record<string, any> | undefined}}
 */
export function request(form, button) {
  const url = new URL(button?.getAttribute("formaction") ?? form.action, location.href);
  const { patch } = form.dataset;
  /** @type {Record<string, any>} */
  const body = patch ? { [patch]: {} } : {};
  let has = !!patch;
  for (const field of /** @type {HTMLInputElement[]} */ ([...form.elements])) {
    const off = !field.name || field.disabled || (["checkbox", "radio"].includes(field.type) && !field.checked);
    if (off || (field.localName === "button" && field !== button)) continue;
    const path = field.name.split(".");
    if (patch && path[0] === patch) {
      if (isChanged(field)) put(body, path, changeOf(field));
    } else if (field.value === "" && field.hasAttribute("data-optional")) continue;
    else if (field.hasAttribute("data-query")) url.searchParams.append(field.name, field.value);
    else {
      has = true;
      put(body, path, valueOf(field));
    }
  }
  return { url, body: has || form.hasAttribute("data-body") ? body : undefined };
}

/** Whether somebody changed a field since it was shown. @param {HTMLInputElement} field */
export function isChanged(field) {
  return field.value !== original(field);
}

/** @param {HTMLInputElement} field */
function original(field) {
  const chosen = field instanceof HTMLSelectElement && [.../** @type {HTMLSelectElement} */ (field).options].find((each) => each.defaultSelected);
  return chosen ? chosen.value : (field.defaultValue ?? "");
}

/** @param {HTMLInputElement} field */
function changeOf(field) {
  if (field.value === "" && field.hasAttribute("data-optional")) return null;
  const value = valueOf(field);
  return field.dataset.type === "json" ? difference(parsed(original(field)), value) : value;
}

/**
 * What makes one JSON value of another, as a merge patch (RFC 7396).
 * @param {any} before
 * @param {any} after
 * @returns {any}
 */
function difference(before, after) {
  if (!isObject(before) || !isObject(after)) return after;
  /** @type {Record<string, any>} */
  const found = {};
  for (const name of Object.keys(before)) if (!(name in after)) found[name] = null;
  for (const [name, value] of Object.entries(after)) if (JSON.stringify(before[name]) !== JSON.stringify(value)) found[name] = difference(before[name], value);
  return found;
}

/** @param {unknown} value */
const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);

/** @param {string} text JSON; anything else is a text. */
function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** @param {HTMLInputElement} field */
function valueOf(field) {
  const { value } = field;
  switch (field.dataset.type ?? field.type) {
    case "number":
      return value === "" ? null : Number(value);
    case "boolean":
      return value === "true";
    case "checkbox":
      return value === "on" ? true : value;
    case "json":
      return parsed(value);
    default:
      return value;
  }
}

/**
 * @param {Record<string, any>} into
 * @param {string[]} path The last name may be `*`: what it holds belongs to the object itself.
 * @param {unknown} value
 */
function put(into, path, value) {
  const [name, ...rest] = path;
  if (rest[0] === "*" && !isObject(value)) into[name] = value;
  else if (rest.length) put((into[name] ??= {}), rest, value);
  else if (name === "*") Object.assign(into, value);
  else if (name.endsWith("[]")) (into[name.slice(0, -2)] ??= []).push(value);
  else into[name] = value;
}

/** @typedef {{message: string, remedy: string, field?: string | null}} Wrong What the API says. */

/**
 * Say at the field, and above the buttons, why it was not done.
 * @param {HTMLFormElement} form
 * @param {Wrong} error
 * @returns {boolean} Whether the form has a place for it.
 */
export function complain(form, error) {
  const field = mark(form, error);
  const place = placeOf(form);
  if (place) {
    place.textContent = `${form.dataset.not ?? "Not done"}: ${error.message} ${error.remedy}`;
    place.hidden = false;
  }
  field?.focus();
  return !!(place || field);
}

/**
 * Mark the field that is wrong, or the group that it would be in.
 * @param {HTMLFormElement} form
 * @param {Wrong} error
 */
export function mark(form, error) {
  clear(form);
  for (let path = error.field ?? ""; path; path = path.slice(0, Math.max(0, path.lastIndexOf(".")))) {
    const named = CSS.escape(path);
    const field = /** @type {HTMLElement | null} */ (form.querySelector(`[data-field="${named}"], [name="${named}"]:not([type=hidden])`));
    if (!field) continue;
    field.setAttribute("aria-invalid", "true");
    const about = (field.getAttribute("aria-describedby") ?? "").split(" ").filter(Boolean);
    field.setAttribute("aria-describedby", [...new Set([...about, `${field.id}-e`])].join(" "));
    const line = lineOf(form, named, field);
    line.hidden = false;
    line.textContent = error.message.split(`${error.field}: `).at(-1) ?? "";
    return field;
  }
  return null;
}

/**
 * Where a field says what is wrong with it; made when it is needed first.
 * @param {HTMLFormElement} form
 * @param {string} named
 * @param {HTMLElement} field
 * @returns {HTMLElement}
 */
function lineOf(form, named, field) {
  const known = /** @type {HTMLElement | null} */ (form.querySelector(`[data-error-for="${named}"]`)) ?? document.getElementById(`${field.id}-e`);
  if (known) return known;
  const made = document.createElement("span");
  made.className = "err";
  made.id = `${field.id}-e`;
  field.closest(".field")?.append(made);
  return made;
}

/** @param {HTMLFormElement} form */
const placeOf = (form) => /** @type {HTMLElement | null} */ (form.querySelector("[data-error]"));

/** Take back what was said was wrong. @param {HTMLFormElement} form */
export function clear(form) {
  const place = placeOf(form);
  if (place) place.hidden = true;
  for (const field of form.querySelectorAll("[aria-invalid=true]")) field.removeAttribute("aria-invalid");
  for (const line of form.querySelectorAll(".field > .err")) /** @type {HTMLElement} */ (line).hidden = true;
}
