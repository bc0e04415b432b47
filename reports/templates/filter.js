// Checkboxes for the targets: columns, rows and sentences of targets that are not checked are hidden. Nothing is computed
// again: factors stay those against the best of all targets.

function makeFilter(place, targets, changed) {
  const boxes = new Map();
  const list = element("fieldset", { class: "filter" }, element("legend", {}, "Targets shown"));
  for (const target of targets) {
    const box = element("input", { type: "checkbox" });
    box.checked = true;
    box.addEventListener("change", () => {
      apply();
      changed();
    });
    boxes.set(target, box);
    list.append(element("label", {}, box, element("bdi", {}, target)));
  }
  place.append(list);

  const hidden = () => targets.filter((target) => !boxes.get(target).checked);

  function apply() {
    const out = new Set(hidden());
    for (const part of document.querySelectorAll("[data-target]")) part.hidden = out.has(part.dataset.target);
    for (const table of document.querySelectorAll(".score")) {
      table.style.setProperty("--n", table.querySelectorAll("thead [data-target]:not([hidden])").length);
    }
    for (const cell of document.querySelectorAll(".matrix [colspan]")) {
      cell.dataset.columns ??= cell.colSpan;
      const heads = cell.closest("table").querySelectorAll("thead [data-target][hidden]");
      cell.colSpan = Number(cell.dataset.columns) - heads.length;
    }
  }

  function hide(names) {
    for (const [target, box] of boxes) box.checked = !names.includes(target);
    apply();
  }

  return { hidden, hide };
}
