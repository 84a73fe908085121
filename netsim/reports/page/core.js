// What every figure uses: the data, elements, numbers as text, colours, and when to draw.

const data = JSON.parse(document.getElementById("data").textContent);
const byId = (id) => document.getElementById(id);
let current = 0; // index of the run that sections of one run show
const run = () => data.runs[current];
const several = data.runs.length > 1;

// Okabe and Ito's palette: told apart by colour-blind readers.
const INK = {
  orange: "#e69f00",
  sky: "#56b4e9",
  green: "#009e73",
  yellow: "#f0e442",
  blue: "#0072b2",
  red: "#d55e00",
  pink: "#cc79a7",
  grey: "#8a97a5",
};
const OUTCOME = {
  on_time: INK.green,
  late: INK.orange,
  outage: INK.red,
  aborted: INK.pink,
  not_ready: INK.grey,
};
const LINES = [
  INK.blue,
  INK.orange,
  INK.green,
  INK.pink,
  INK.sky,
  INK.red,
  "#7a5195",
  "#8c6d31",
  "#6b7683",
  "#b8577a",
  "#3f7f93",
  "#a5a52a",
];
const DASHES = ["solid", "dash", "dot", "dashdot"];
const dark = () => document.documentElement.dataset.theme === "dark";
const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const runColour = (i) => (dark() && i % LINES.length === 0 ? "#5aa9e6" : LINES[i % LINES.length]);
const words = (name) => name.replaceAll("_", " ");

// An element; children are elements or text. Text is never parsed.
function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value !== null && value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children);
  return element;
}

// Text for plotly, which would read a little HTML in it.
const plain = (text) => String(text).replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

const short = (text, most = 18) => (text.length > most ? `${text.slice(0, most - 1)}…` : text);

function number(value, digits = 3) {
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  const size = Math.abs(value);
  const text =
    size !== 0 && (size >= 1e6 || size < 1e-4)
      ? value.toExponential(digits - 1)
      : Number(value.toPrecision(digits)).toLocaleString("en", { maximumFractionDigits: 6 });
  return text.replaceAll("-", "−");
}

function si(value, unit) {
  if (value === null || value === undefined) return "–";
  const size = Math.abs(value);
  for (const [factor, prefix] of [
    [1e12, "T"],
    [1e9, "G"],
    [1e6, "M"],
    [1e3, "k"],
    [1, ""],
    [1e-3, "m"],
    [1e-6, "µ"],
  ])
    if (size >= factor * 0.9995) return `${number(value / factor)} ${prefix}${unit}`;
  return `${number(value)} ${unit}`;
}

function seconds(value) {
  if (value === null || value === undefined) return "–";
  if (Math.abs(value) < 600) return `${number(value)} s`;
  const minutes = Math.floor(value / 60);
  return minutes < 120
    ? `${minutes} min ${Math.round(value % 60)} s`
    : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

const percent = (part, whole) => (whole ? `${number((100 * part) / whole, 2)}%` : "–");
const sum = (values) => values.reduce((total, v) => total + (v ?? 0), 0);

// A UE as a reader knows it: by its name in the trace, if it has one.
function ueName(ue) {
  const { ue: known, name } = run().ues;
  const at = name ? known.indexOf(ue) : -1;
  return at >= 0 && name[at] !== null ? `UE ${ue} (${name[at]})` : `UE ${ue}`;
}

// A module as the paper tells it from others: by its rank.
function moduleName(module, r = run()) {
  const rank = r.ranks?.[module];
  return rank ? `module ${module} (rank ${rank})` : `module ${module}`;
}

// Sections and figures. A figure is drawn when it comes near the window, and again when it is stale.

const figures = [];
const touch = matchMedia("(pointer: coarse)").matches;
const watcher = new IntersectionObserver(
  (entries) =>
    entries.forEach((e) => {
      const f = figures.find((g) => g.box === e.target);
      f.near = e.isIntersecting;
      update(f);
    }),
  { rootMargin: "500px" },
);

function section(id, title, { size = "", say = "", controls = [] } = {}) {
  const element = make("section", { id, class: size, "aria-labelledby": `${id}-title` });
  element.append(
    make(
      "div",
      { class: "top" },
      make("h2", { id: `${id}-title` }, title),
      make("div", { class: "controls" }, ...controls),
    ),
  );
  if (say) element.append(make("p", { class: "say" }, say));
  byId("sections").append(element);
  return element;
}

function note(element, text) {
  if (text) element.append(make("p", { class: "note" }, text[0].toUpperCase() + text.slice(1) + "."));
}

// draw() gives { traces, layout, height }.
function figure(element, id, label, draw, height = 320) {
  const box = make("div", { class: "plot", id, role: "img", "aria-label": label });
  box.style.minHeight = `${height}px`;
  const save = make(
    "button",
    {
      type: "button",
      class: "save",
      "aria-label": `Save as SVG: ${label}`,
      title: "Save as SVG",
      onclick: () => Plotly.downloadImage(box, { format: "svg", filename: `netsim-${id}` }),
    },
    "SVG",
  );
  element.append(box, save);
  const made = { box, draw, near: false, stale: true };
  figures.push(made);
  watcher.observe(box);
  return () => {
    made.stale = true;
    update(made);
  };
}

function update(figure) {
  if (!figure.near || !figure.stale) return;
  figure.stale = false;
  const { traces, layout = {}, height = 320 } = figure.draw();
  figure.box.style.minHeight = `${height}px`;
  Plotly.react(figure.box, traces, styled(layout, height), {
    responsive: true,
    displaylogo: false,
    displayModeBar: touch ? false : "hover",
    showSendToCloud: false,
    plotlyServerURL: "",
    toImageButtonOptions: { format: "svg", filename: `netsim-${figure.box.id}` },
    modeBarButtons: [["zoom2d", "pan2d", "zoomIn2d", "zoomOut2d", "resetScale2d", "toImage"]],
  });
}

function redraw() {
  figures.forEach((f) => {
    f.stale = true;
    update(f);
  });
}

// On paper all figures are there.
addEventListener("beforeprint", () =>
  figures.forEach((f) => {
    f.near = true;
    update(f);
  }),
);

function styled(layout, height) {
  const axis = {
    gridcolor: css("--grid"),
    zerolinecolor: css("--grid"),
    linecolor: css("--line"),
    automargin: true,
    fixedrange: touch,
  };
  const names = new Set(["xaxis", "yaxis", ...Object.keys(layout).filter((name) => /^[xy]axis\d+$/.test(name))]);
  const axes = Object.fromEntries([...names].map((name) => [name, { ...axis, ...layout[name] }]));
  for (const a of Object.values(axes))
    if (typeof a.title === "string") a.title = { text: a.title, standoff: 8, font: { size: 12.5 } };
  return {
    height,
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    hovermode: "closest",
    dragmode: touch ? false : "zoom",
    font: { family: getComputedStyle(document.body).fontFamily, size: 12.5, color: css("--ink") },
    margin: { l: 8, r: 12, t: 34, b: 8 },
    legend: { orientation: "h", x: 0, y: 1, yanchor: "bottom", xanchor: "left", font: { size: 12 } },
    hoverlabel: {
      bgcolor: css("--panel"),
      bordercolor: css("--line"),
      font: { color: css("--ink"), size: 12.5 },
      align: "left",
    },
    modebar: { bgcolor: "rgba(0,0,0,0)", color: css("--soft"), activecolor: css("--accent") },
    ...layout,
    ...axes,
  };
}

// A row of buttons of which one is pressed; calls back with its value.
function choice(label, options, chosen, changed) {
  const buttons = options.map(([value, text]) =>
    make(
      "button",
      {
        type: "button",
        "data-value": value,
        "aria-pressed": String(value === chosen),
        onclick: () => press(value),
      },
      text,
    ),
  );
  function press(value) {
    buttons.forEach((b) => b.setAttribute("aria-pressed", String(b.dataset.value === value)));
    changed(value);
  }
  return make("div", { class: "choice", role: "group", "aria-label": label }, ...buttons);
}

// A list of which one is chosen; calls back with its value. For more options than fit on a row.
function pick(label, options, chosen, changed) {
  const list = make("select", { "aria-label": label, onchange: (event) => changed(event.target.value) });
  for (const [value, text] of options) list.append(make("option", { value, selected: value === chosen }, text));
  return list;
}

// A slider over `count` positions with its reading beside it.
function slider(id, label, count, at, changed) {
  const input = make("input", {
    type: "range",
    id,
    min: 0,
    max: Math.max(count - 1, 0),
    value: at,
    "aria-label": label,
  });
  const output = make("output", { for: id });
  input.addEventListener("input", () => changed(Number(input.value)));
  return { input, output, row: make("div", { class: "slide" }, input, output) };
}

function table(headers, rows) {
  const head = make("tr", {}, ...headers.map((h) => make("th", { scope: "col" }, h)));
  const body = rows.map((row) =>
    make("tr", {}, ...row.map((cell, i) => make(i ? "td" : "th", i ? {} : { scope: "row" }, cell))),
  );
  return make(
    "div",
    { class: "wide" },
    make("table", {}, make("thead", {}, head), make("tbody", {}, ...body)),
  );
}
