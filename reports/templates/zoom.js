// Line charts that can be zoomed. They have the same Vega-Lite specifications as the pictures, and are drawn here by Vega's
// expression interpreter, which needs no eval.

const FACTOR = 0.7;
const STEP = 0.15;
const KEYS = {
  ArrowLeft: (chart) => chart.move(-STEP, 0),
  ArrowRight: (chart) => chart.move(STEP, 0),
  ArrowUp: (chart) => chart.move(0, STEP),
  ArrowDown: (chart) => chart.move(0, -STEP),
  "+": (chart) => chart.scale(FACTOR),
  "-": (chart) => chart.scale(1 / FACTOR),
  0: (chart) => chart.whole(),
};
const OPTIONS = { mode: "vega-lite", ast: true, actions: false, renderer: "svg", tooltip: false, defaultStyle: false };

// data: of reports/export/interactive.py; hidden(): names of targets that are not shown.
function makeZoom(data, hidden) {
  const charts = [];
  for (const [id, spec] of Object.entries(data.charts)) {
    const figure = document.getElementById(id);
    if (!figure) continue;
    charts.push(makeChart(figure, (width) => prepared(spec, data, new Set(hidden()), width)));
  }
  return { redraw: () => charts.forEach((chart) => chart.redraw()) };
}

// The specification to draw: without hidden targets, with names instead of tokens, and larger where there is room. Its
// colours are those of the pictures, which the style sheet maps to dark ones.
function prepared(spec, data, hidden, width) {
  const gone = new Set(Object.keys(data.looks).filter((token) => hidden.has(data.looks[token].target)));
  const taller = Math.max(1, Math.min(2, width / 550));
  const datasets = {};
  for (const [name, { fields, rows }] of Object.entries(spec.datasets)) {
    datasets[name] = rows
      .filter((row) => !row.some((value) => gone.has(value)))
      .map((row) => Object.fromEntries(fields.map((field, i) => [field, row[i]])));
  }
  // Names are used only as the text of text marks. Everywhere else the token identifies a target.
  datasets.labels = datasets.labels.map((row) => ({ ...row, name: data.looks[row.name].label, y: row.y * taller }));
  return { ...spec, datasets, width, height: spec.height * taller };
}

function makeChart(figure, prepare) {
  const title = figure.firstElementChild.textContent;
  const button = element("button", { type: "button", "aria-expanded": "false", "aria-label": `Zoom: ${title}` }, "Zoom");
  const bar = element("div", { class: "bar" }, button);
  const hint = "Drag or use the arrow keys to move, wheel or + and − to zoom, 0 to reset, Esc to close.";
  const live = element("div", { class: "live", role: "group", tabindex: "0", "aria-label": `${title}. ${hint}` });
  const tools = element("span", { class: "tools" });
  for (const [text, words, key] of [["+", "Zoom in", "+"], ["−", "Zoom out", "-"], ["All", "Reset zoom", "0"]]) {
    const tool = element("button", { type: "button", "aria-label": `${words}: ${title}`, title: words }, text);
    tool.addEventListener("click", () => drawn && KEYS[key](chart));
    tools.append(tool);
  }
  tools.append(element("span", { class: "hint" }, hint));
  figure.querySelector("svg").after(bar);

  let drawn = null;
  // Counts drawings and closings: a drawing that ends after the next one began is discarded.
  let turn = 0;

  async function draw() {
    const mine = ++turn;
    const holder = element("div");
    live.replaceChildren(holder);
    const made = await vegaEmbed(holder, prepare(live.clientWidth), OPTIONS);
    if (mine !== turn) made.finalize();
    else drawn = made;
  }

  function show(open) {
    turn += 1;
    drawn?.finalize();
    drawn = null;
    figure.classList.toggle("zoomed", open);
    button.setAttribute("aria-expanded", String(open));
    button.textContent = open ? "Close" : "Zoom";
    button.setAttribute("aria-label", `${open ? "Close" : "Zoom"}: ${title}`);
    if (!open) {
      live.remove();
      tools.remove();
      return;
    }
    bar.before(live);
    bar.append(tools);
    draw();
  }

  // Sets new bounds of each axis, given in pixels of the old ones: this also works on logarithmic axes.
  async function bounds(change) {
    for (const axis of ["x", "y"]) {
      const scale = drawn.view.scale(axis);
      drawn.view.signal(`zoom_${axis}`, change ? change(axis, scale.range()).map((at) => scale.invert(at)) : null);
    }
    await drawn.view.runAsync();
  }

  const chart = {
    scale: (factor) =>
      bounds((_axis, [from, to]) => [from, to].map((end) => (from + to) / 2 + (end - (from + to) / 2) * factor)),
    move: (across, up) =>
      bounds((axis, [from, to]) => [from, to].map((end) => end + (to - from) * (axis === "x" ? across : up))),
    whole: () => bounds(null),
    redraw: () => live.isConnected && show(true),
  };
  button.addEventListener("click", () => show(!live.isConnected));
  figure.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && live.isConnected) {
      show(false);
      button.focus();
    } else if (event.target === live && drawn && KEYS[event.key] && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      KEYS[event.key](chart);
    }
  });
  return chart;
}
