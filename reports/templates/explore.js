// Connects the parts, and keeps their state in the address: #rps=500&queries=2&hide=python. A fragment without "=" is an
// anchor of the page. `at` keeps the anchor where there is also a state.

const filter = makeFilter(
  document.querySelector("header"),
  read("advisor-data").basis.rates.map(({ target }) => target),
  () => {
    advisor.update();
    charts.redraw();
    write();
  },
);
let charts = { redraw() {} };
unpacked("specs").then((data) => {
  charts = makeCharts(data, filter.hidden);
});
makeCells(document.getElementById("cells"), read("cells-data"));
const write = afterPause(writeNow, 150);
const advisor = makeAdvisor(document.getElementById("advisor"), read("advisor-data"), filter.hidden, write);

function given() {
  const text = location.hash.slice(1);
  return text.includes("=") ? new URLSearchParams(text) : null;
}

function anchor() {
  const found = given();
  return found ? found.get("at") : location.hash.slice(1);
}

function writeNow() {
  const at = anchor();
  const state = new URLSearchParams(advisor.differing());
  for (const target of filter.hidden()) state.append("hide", target);
  if (at && state.size) state.append("at", at);
  const text = state.size ? state.toString() : at;
  history.replaceState(null, "", location.href.split("#")[0] + (text ? `#${text}` : ""));
}

function restore() {
  const state = given();
  // A plain anchor: the browser has already scrolled there, and nothing else changes.
  if (!state && location.hash) {
    write();
    return;
  }
  filter.hide(state ? state.getAll("hide") : []);
  advisor.restore(state ?? new URLSearchParams());
  charts.redraw();
  document.getElementById(state?.get("at"))?.scrollIntoView();
}

advisor.restore(given() ?? new URLSearchParams());
restore();
addEventListener("hashchange", restore);
// The model for the console and the tests.
globalThis.fitmap = { answer, number, fixed };
