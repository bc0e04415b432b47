// Every estimate of the record as a table: a click on a header sorts by it, a word in the field keeps the rows that have it.

function makeCells(place, data) {
  const search = element("input", { type: "search", id: "cells-search", autocomplete: "off" });
  const heads = data.headers.map((title, column) => {
    const button = element("button", { type: "button" }, title);
    button.addEventListener("click", () => sortBy(column));
    return element("th", { scope: "col" }, button);
  });
  const body = element("tbody");
  const table = element("table", {}, element("thead", {}, element("tr", {}, ...heads)), body);
  place.append(
    element("p", {}, element("label", { for: "cells-search" }, "Rows with "), search),
    element("div", { class: "scroll", role: "region", "aria-label": "Every cell", tabindex: "0" }, table),
  );
  const rows = data.rows.map((cells) => ({ cells, words: cells.join(" ").toLowerCase(), shown: null }));
  let order = { column: -1, down: false };

  function sortBy(column) {
    order = { column, down: order.column === column && !order.down };
    heads.forEach((head, i) =>
      i === column ? head.setAttribute("aria-sort", order.down ? "descending" : "ascending") : head.removeAttribute("aria-sort"),
    );
    const sign = order.down ? -1 : 1;
    rows.sort((a, b) => {
      const [x, y] = [a.cells[column], b.cells[column]];
      // Missing values come last in both orders.
      if (x === null || y === null) return (x === null) - (y === null);
      return sign * (typeof x === "number" ? x - y : x < y ? -1 : x > y ? 1 : 0);
    });
    draw();
  }

  function draw() {
    const wanted = search.value.trim().toLowerCase().split(/\s+/);
    body.replaceChildren(
      ...rows.filter((row) => wanted.every((word) => row.words.includes(word))).map((row) => (row.shown ??= drawn(row.cells))),
    );
  }

  function drawn(cells) {
    const made = cells.map((value) => {
      const text = value === null ? "–" : typeof value === "number" ? number(value) : value;
      return element("td", {}, element("bdi", {}, text));
    });
    return element("tr", { "data-target": cells[2] }, ...made);
  }

  search.addEventListener("input", draw);
  place.closest("details").addEventListener("toggle", draw, { once: true });
}
