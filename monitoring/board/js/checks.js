// A form that is checked while somebody fills it: the server says what it would change, and what is
// wrong with it.

import { token } from "./acts.js";
import { isChanged, mark, request } from "./forms.js";

const PAUSE = 300; // ms without a key

let timer = 0;
/** @type {AbortController | null} */
let asked = null;

addEventListener("input", (event) => {
  const field = /** @type {HTMLInputElement} */ (event.target);
  const { form } = field;
  if (!form?.dataset.checks) return;
  if (field.name.split(".")[0] === form.dataset.patch) field.classList.toggle("changed", isChanged(field));
  clearTimeout(timer);
  timer = window.setTimeout(() => check(form), PAUSE);
});

addEventListener("reset", (event) => {
  const form = /** @type {HTMLFormElement} */ (event.target);
  if (!form.dataset.checks) return;
  for (const field of form.querySelectorAll(".changed")) field.classList.remove("changed");
  timer = window.setTimeout(() => check(form));
});

/** @param {HTMLFormElement} form */
async function check(form) {
  asked?.abort();
  asked = new AbortController();
  const { signal } = asked;
  try {
    const answer = await fetch(form.dataset.checks ?? "", {
      method: "POST",
      headers: { "X-CSRF-Token": await token(), "Content-Type": "application/json", Accept: "text/html" },
      body: JSON.stringify(request(form).body),
      signal,
    });
    if (!answer.ok) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.getElementById("checked");
    if (!fresh) return;
    document.getElementById("checked")?.replaceWith(fresh);
    mark(form, fresh.dataset.wrong ? JSON.parse(fresh.dataset.wrong) : { message: "", remedy: "" });
  } catch {
    // Somebody typed on, or the server is away: saving says what is wrong.
  }
}

// What was typed while this was on its way.
for (const form of document.forms)
  if (form.dataset.checks && [...form.elements].some((each) => /** @type {HTMLInputElement} */ (each).name && isChanged(/** @type {HTMLInputElement} */ (each)))) check(form);
