// Charts of the figures, drawn by Vega's expression interpreter, which needs no eval. A chart is drawn when it comes into
// sight. Line charts can be zoomed.

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
// A chart that is not zoomed is at most this wide, pixels.
const MOST_WIDTH = 480;
const OPTIONS = { mode: "vega-lite", ast: true, actions: false, renderer: "svg", tooltip: false, defaultStyle: false };

// data: of reports/export/interactive.py; hidden(): names of targets that are not shown.
function makeCharts(data, hidden) {
  const charts = new Map();
  const watcher = new IntersectionObserver((entries) => {
    for (const entry of entries) if (entry.isIntersecting) charts.get(entry.target)?.first();
  }, { rootMargin: "400px" });
  for (const [id, spec] of Object.entries(data.charts)) {
    const plot = document.querySelector(`#${CSS.escape(id)} > .plot`);
    if (!plot) continue;
    const zoomable = spec.layer.some((layer) => layer.params);
    charts.set(plot, makeChart(plot, zoomable, data, (width, zoomed) => prepared(spec, data, new Set(hidden()), width, zoomed)));
    watcher.observe(plot);
  }
  return { redraw: () => charts.forEach((chart) => chart.redraw()) };
}

// The specification to draw: without hidden targets, and larger where there is room. Its colours are those of the light
// theme, which the style sheet maps to dark ones.
function prepared(spec, data, hidden, width, zoomed) {
  const gone = new Set(Object.keys(data.looks).filter((token) => hidden.has(data.looks[token].target)));
  const taller = zoomed ? Math.max(1, Math.min(2, width / 550)) : 1;
  const datasets = {};
  for (const [name, { fields, rows }] of Object.entries(spec.datasets)) {
    datasets[name] = rows
      .filter((row) => !row.some((value) => gone.has(value)))
      .map((row) => Object.fromEntries(fields.map((field, i) => [field, row[i]])));
  }
  if (datasets.labels) datasets.labels = datasets.labels.map((row) => ({ ...row, y: row.y * taller }));
  const layer = zoomed ? spec.layer : spec.layer.map(({ params, ...rest }) => rest);
  return { ...spec, layer, config: data.config, datasets, width, height: spec.height * taller };
}

// Names never reach Vega: a token stands for each until the picture is drawn.
function name(holder, looks) {
  for (const text of holder.querySelectorAll("text")) {
    const look = looks[text.textContent];
    if (look) text.textContent = look.label;
  }
}

function makeChart(plot, zoomable, data, prepare) {
  const figure = plot.parentElement;
  const title = figure.firstElementChild.textContent;
  const hint = "Drag or use the arrow keys to move, wheel or + and − to zoom, 0 to reset, Esc to close.";
  const button = element("button", { type: "button", "aria-expanded": "false", "aria-label": `Zoom: ${title}` }, "Zoom");
  const bar = element("div", { class: "bar" }, button);
  const tools = element("span", { class: "tools" });
  for (const [text, words, key] of [["+", "Zoom in", "+"], ["−", "Zoom out", "-"], ["All", "Reset zoom", "0"]]) {
    const tool = element("button", { type: "button", "aria-label": `${words}: ${title}`, title: words }, text);
    tool.addEventListener("click", () => drawn && KEYS[key](chart));
    tools.append(tool);
  }
  tools.append(element("span", { class: "hint" }, hint));
  if (zoomable) plot.after(bar);

  let drawn = null;
  let zoomed = false;
  // Counts drawings: one that ends after the next one began is discarded.
  let turn = 0;

  async function draw() {
    const mine = ++turn;
    const holder = element("div");
    drawn?.finalize();
    drawn = null;
    plot.replaceChildren(holder);
    const width = zoomed ? plot.clientWidth : Math.min(plot.clientWidth, MOST_WIDTH);
    const made = await vegaEmbed(holder, prepare(width, zoomed), OPTIONS);
    if (mine !== turn) {
      made.finalize();
      return;
    }
    drawn = made;
    name(holder, data.looks);
    holder.querySelector("svg")?.setAttribute("role", "img");
    holder.querySelector("svg")?.setAttribute("aria-label", `${title}: the table below has the numbers`);
  }

  function show(open) {
    zoomed = open;
    figure.classList.toggle("zoomed", open);
    plot.classList.toggle("live", open);
    button.setAttribute("aria-expanded", String(open));
    button.textContent = open ? "Close" : "Zoom";
    button.setAttribute("aria-label", `${open ? "Close" : "Zoom"}: ${title}`);
    if (open) {
      plot.setAttribute("role", "group");
      plot.setAttribute("tabindex", "0");
      plot.setAttribute("aria-label", `${title}. ${hint}`);
      bar.append(tools);
    } else {
      for (const attribute of ["role", "tabindex", "aria-label"]) plot.removeAttribute(attribute);
      tools.remove();
    }
    draw();
  }

  // Sets new bounds of each axis, given in pixels of the old ones: this also works on logarithmic axes.
  async function bounds(change) {
    for (const axis of ["x", "y"]) {
      const scale = drawn.view.scale(axis);
      drawn.view.signal(`zoom_${axis}`, change ? change(axis, scale.range()).map((at) => scale.invert(at)) : null);
    }
    await drawn.view.runAsync();
    name(plot, data.looks);
  }

  const chart = {
    scale: (factor) =>
      bounds((_axis, [from, to]) => [from, to].map((end) => (from + to) / 2 + (end - (from + to) / 2) * factor)),
    move: (across, up) =>
      bounds((axis, [from, to]) => [from, to].map((end) => end + (to - from) * (axis === "x" ? across : up))),
    whole: () => bounds(null),
    first: () => turn || draw(),
    redraw: () => turn && draw(),
  };
  button.addEventListener("click", () => show(!zoomed));
  figure.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && zoomed) {
      show(false);
      button.focus();
    } else if (event.target === plot && zoomed && drawn && KEYS[event.key] && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      KEYS[event.key](chart);
    }
  });
  return chart;
}
