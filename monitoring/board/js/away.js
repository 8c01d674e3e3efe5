// Says why a page is old: by what the server answered, or that it does not answer.

import { patch } from "./patch.js";

const notice = [...document.querySelectorAll("#stale b, #stale p")];
const usual = notice.map((each) => each.textContent ?? "");

/** @param {unknown} wrong The document that the server sent instead of the page, or why it sent none. */
export function tell(wrong) {
  const page = wrong instanceof Document ? wrong : null;
  const said = [...(page?.querySelectorAll("h1, h1 + p") ?? [])].map((each) => each.textContent ?? "");
  const words = said.length ? [said[0], `${said[1] ?? ""} ${usual[1]}`] : usual;
  for (const [at, each] of notice.entries()) if (each.textContent !== words[at]) each.textContent = words[at];
  const [old, fresh] = [document, page].map((each) => each?.getElementById("health"));
  if (old && fresh) patch(old, fresh);
}
