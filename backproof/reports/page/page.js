// Tables that sort and filter. Without it they are whole, in the order of computation.
"use strict";
for (const table of document.querySelectorAll("table.sorted")) {
  const body = table.tBodies[0], rows = [...body.rows];
  const value = (row, column) => {
    const cell = row.cells[column], given = cell.dataset.v;
    return given === undefined ? cell.textContent.trim() : given === "" ? -Infinity : Number(given);
  };
  [...table.tHead.rows[0].cells].forEach((head, column) => {
    const button = document.createElement("button");
    button.textContent = head.textContent;
    head.replaceChildren(button);
    button.addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") === "ascending";
      for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const sign = down ? -1 : 1;
      const order = rows.map((row, place) => [value(row, column), place, row]);
      order.sort(([a, i], [b, j]) => (a < b ? -sign : a > b ? sign : i - j));
      body.append(...order.map(([, , row]) => row));
    });
  });
  const line = document.createElement("p"), input = document.createElement("input"), told = document.createElement("span");
  line.className = "filter";
  told.className = "soft small";
  input.type = "search";
  input.placeholder = "filter: a pairing, a tensor, a verdict";
  input.setAttribute("aria-label", "filter the table");
  const texts = rows.map((row) => row.textContent.toLowerCase());
  const show = () => {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    let seen = 0;
    rows.forEach((row, place) => {
      row.hidden = !words.every((word) => texts[place].includes(word));
      seen += !row.hidden;
    });
    told.textContent = seen === rows.length ? `${seen} lines` : `${seen} of ${rows.length} lines`;
  };
  input.addEventListener("input", show);
  line.append(input, told);
  table.closest(".scroll").before(line);
  show();
}
// A printed page has nothing to click on, and a link into a folded part opens it.
addEventListener("beforeprint", () => document.querySelectorAll("details").forEach((each) => { each.open = true; }));
const opened = () => {
  const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  for (let each = target; each; each = each.parentElement) if (each.tagName === "DETAILS") each.open = true;
  if (target) target.scrollIntoView();
};
addEventListener("hashchange", opened);
opened();
