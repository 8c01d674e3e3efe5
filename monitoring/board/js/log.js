// A log follows while it is scrolled to its end; else a button says how many lines came meanwhile.

const log = () => /** @type {HTMLElement | null} */ (document.querySelector("#log"));
const newer = () => /** @type {HTMLElement | null} */ (document.querySelector("#newer"));

let follows = true;
let seen = 0;

/** Show the end, or say that there is more. */
function follow() {
  const list = log();
  const button = newer();
  if (!list || !button) return;
  const count = list.children.length;
  if (follows) {
    seen = count;
    list.scrollTop = list.scrollHeight;
  }
  button.hidden = count <= seen;
  button.textContent = `${count - seen} new line${count - seen === 1 ? "" : "s"}`;
}

log()?.addEventListener("scroll", () => {
  const list = /** @type {HTMLElement} */ (log());
  follows = list.scrollTop + list.clientHeight >= list.scrollHeight - 8;
  if (follows) follow();
});
newer()?.addEventListener("click", () => {
  const list = log();
  follows = true;
  follow();
  list?.focus({ preventScroll: true }); // the button is hidden now
  list?.lastElementChild?.scrollIntoView({ block: "nearest" });
});
addEventListener("shown", follow);
follow();
