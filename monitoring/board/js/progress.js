// How far a long action has come: what is left of what it began with, asked once a second.

/**
 * @param {HTMLFormElement} form With `data-progress`, where what is left is told, and `data-total`.
 * @returns {() => void} Ends it.
 */
export function watch(form) {
  const box = /** @type {HTMLElement | null} */ (form.querySelector(".progress"));
  const bar = box?.querySelector("progress");
  const number = box?.querySelector("b");
  if (!box || !bar || !number) return () => {};
  const total = Number(form.dataset.total);
  const timer = setInterval(async () => {
    box.hidden = false;
    const answer = await fetch(form.dataset.progress ?? "", { cache: "no-store" }).catch(() => null);
    if (!answer?.ok) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const done = Math.max(bar.value, total - Number(page.getElementById("left")?.textContent));
    bar.value = done;
    number.textContent = String(done);
  }, 1000);
  return () => clearInterval(timer);
}
