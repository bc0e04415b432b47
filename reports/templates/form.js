// The advisor: a form and its answer, in place of the static page's answer.

// Name in `Requirements`, key in the address, label.
const FIELDS = [
  ["rps", "rps", "Requests per second"],
  ["cpu_ms", "cpu", "Pure work per request, ms of CPU"],
  ["reference", "on", "… as measured on"],
  ["queries", "queries", "Database queries per request"],
  ["wait_ms", "wait", "Waiting for other services per request, ms"],
  ["core_price", "core", "Price of a core per month"],
  ["memory_price", "memory", "Price of a GiB of memory per month"],
];
// The largest number accepted: larger ones would lose precision in the sums.
const MOST = 1e9;

// What is wrong with a typed number, as a sentence, or null.
function wrongWith(label, text) {
  const typed = text.trim();
  if (typed === "") return `${label}: please give a number.`;
  const value = Number(typed);
  if (!/^[\d.eE+-]+$/.test(typed) || !Number.isFinite(value)) return `${label}: “${typed}” is not a number.`;
  if (value < 0) return `${label}: it can't be negative.`;
  return value > MOST ? `${label}: it can be at most ${grouped(String(MOST))}.` : null;
}

// data: of reports/export/interactive.py; hidden(): names of targets that are not shown; changed: called after each change by the reader.
function makeAdvisor(place, data, hidden, changed) {
  const inputs = new Map(FIELDS.map(([name]) => [name, makeInput(name, data)]));
  const form = element("form", { class: "advisor", "aria-label": "Your service" });
  for (const [name, , label] of FIELDS) {
    form.append(element("div", {}, element("label", { for: `need-${name}` }, label), inputs.get(name)));
  }
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", () => {
    update();
    changed();
  });
  const terms = element("p", { class: "note" }, data.terms);
  const wrong = element("p", { id: "need-wrong", class: "wrong", role: "status" });
  const sentence = element("p", { "aria-live": "polite" });
  const rest = element("div");
  const result = element("div", { class: "answer" }, element("strong", {}, sentence), rest);
  place.replaceChildren(form, terms, wrong, result);

  function update() {
    const need = { ...data.need };
    const problems = [];
    for (const [name, , label] of FIELDS) {
      const input = inputs.get(name);
      const problem = name === "reference" ? null : wrongWith(label, input.value);
      need[name] = name === "reference" ? input.value : Number(input.value);
      input.setAttribute("aria-invalid", String(problem !== null));
      if (problem) problems.push(problem);
    }
    wrong.textContent = problems.length ? `${problems[0]} The answer below is for the last valid numbers.` : "";
    result.classList.toggle("stale", problems.length > 0);
    if (problems.length) return;
    const found = without(answer(data.basis, need, data.model), hidden());
    const parts = said(found, data.currency);
    sentence.replaceChildren(...parts.map((part) => (part.name ? element("bdi", { class: "name" }, part.name) : part)));
    rest.replaceChildren(...answerParts(found, data));
  }

  const standard = (name) => String(data.need[name]);
  return {
    update,
    // Fields that differ from the page's own requirements: pairs of key in the address and text.
    differing: () =>
      FIELDS.filter(([name]) => inputs.get(name).value !== standard(name)).map(([name, key]) => [key, inputs.get(name).value]),
    // Sets the fields from an address. Fields that it lacks get the page's own values.
    restore(given) {
      for (const [name, key] of FIELDS) {
        const input = inputs.get(name);
        input.value = given.get(key) ?? standard(name);
        // The address may name a target that this record does not have.
        if (name === "reference" && input.selectedIndex < 0) input.value = standard(name);
      }
      update();
    },
  };
}

function makeInput(name, data) {
  const common = { id: `need-${name}`, "aria-describedby": "need-wrong" };
  if (name !== "reference") return element("input", { ...common, type: "text", inputmode: "decimal", autocomplete: "off" });
  return element("select", common, ...data.basis.rates.map(({ target }) => element("option", { value: target }, target)));
}

// The table of bills, what can't be priced, and warnings.
function answerParts(found, data) {
  const parts = [];
  if (found.bills.length) {
    const rows = found.bills.map((bill) => {
      const [first, ...others] = billRow(bill, data.currency).map((text) => element("bdi", {}, text));
      const cells = others.map((text) => element("td", {}, text));
      return element("tr", { "data-target": bill.target }, element("th", { scope: "row" }, first), ...cells);
    });
    const heads = data.headers.map((text) => element("th", { scope: "col" }, text));
    parts.push(
      element(
        "div",
        { class: "scroll", role: "region", "aria-label": data.title, tabindex: "0" },
        element(
          "table",
          {},
          element("caption", {}, data.title),
          element("thead", {}, element("tr", {}, ...heads)),
          element("tbody", {}, ...rows),
        ),
      ),
    );
  }
  for (const [target, reason] of found.unpriced) {
    parts.push(element("p", { "data-target": target }, element("bdi", {}, target), ` can't be priced: ${reason}.`));
  }
  if (found.warnings.length) {
    const items = found.warnings.map((text) =>
      element("li", {}, element("strong", {}, "Extrapolated."), " ", element("bdi", {}, text)),
    );
    parts.push(element("ul", { class: "warnings" }, ...items));
  }
  return parts;
}
