// Tables that a narrow window shows as cards: each value gets the name of its column, and each part
// the role that it loses when it is no longer laid out as one of a table.

const ROLES = { TABLE: "table", THEAD: "rowgroup", TBODY: "rowgroup", TR: "row", TH: "columnheader", TD: "cell" };

/** Name the values of all tables that are shown as cards. */
export function label() {
  for (const table of /** @type {NodeListOf<HTMLTableElement>} */ (document.querySelectorAll("table.cards"))) {
    const names = [...(table.tHead?.rows[0]?.cells ?? [])].map((cell) => (cell.querySelector("button") ?? cell).textContent?.trim() ?? "");
    for (const part of [table, ...table.querySelectorAll("thead, tbody, tr, th, td")]) part.setAttribute("role", ROLES[/** @type {keyof typeof ROLES} */ (part.tagName)]);
    for (const row of table.tBodies[0]?.rows ?? []) {
      if (row.classList.contains("sub-row")) continue;
      for (const cell of row.cells) if (names[cell.cellIndex] && !cell.hasAttribute("data-l") && cell.cellIndex) cell.setAttribute("data-l", names[cell.cellIndex]);
    }
  }
}
