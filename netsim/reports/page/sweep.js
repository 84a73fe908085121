// The page of a sweep: response curves with bands over seeds, and what each step did.

const MOST_PANELS = 12;
const { keys, metrics } = data;
const UNITS = { hz: "Hz", s: "s", m: "m", bps: "bit/s", bits: "bit", w: "W", j: "J", dbm: "dBm", db: "dB", km2: "/km²" };

// A key as a reader would call it: scheme.kind is the scheme, radio.bandwidth_hz the bandwidth.
function shownKey(key) {
  const parts = key.split(".");
  const last = parts.at(-1);
  if (["kind", "model", "rank"].includes(last) && parts.length > 1)
    return last === "rank" ? `rank of ${words(parts[0])} ${parts[1]}` : words(parts.at(-2));
  const name = last.split("_");
  if (name.length > 1 && name.at(-1) in UNITS) name.pop();
  if (name.at(-1) === "per") name.pop();
  return name.join(" ");
}
function shownValue(value, key = "") {
  if (typeof value !== "number") return String(value);
  const unit = UNITS[key.split("_").at(-1)];
  if (!unit) return number(value);
  return ["Hz", "bit/s", "bit", "W", "J", "s"].includes(unit) ? si(value, unit) : `${number(value)} ${unit}`;
}
const valuesOf = (key) => [...new Set(metrics[0].response[key])];
const isNumeric = (key) => valuesOf(key).every((value) => typeof value === "number");

let shown = metrics[0];
// Across: the numeric key with most values; the others make small multiples and lines.
let across = [...keys].sort((a, b) => isNumeric(b) - isNumeric(a) || valuesOf(b).length - valuesOf(a).length)[0];

function scaled(metric, value) {
  return value === null ? null : metric.unit === "share" ? 100 * value : value;
}
function axisTitle(metric) {
  const unit = metric.unit === "share" ? "%" : metric.unit;
  return unit ? `${metric.label} (${unit})` : metric.label;
}

// Rows of the response that agree in every key but `across`, as panels.
function panels(metric) {
  const others = keys.filter((key) => key !== across);
  const found = new Map();
  metric.response.mean.forEach((_, i) => {
    const setting = others.map((key) => `${shownKey(key)} ${shownValue(metric.response[key][i], key)}`).join(", ");
    if (!found.has(setting)) found.set(setting, []);
    found.get(setting).push(i);
  });
  return [...found].slice(0, MOST_PANELS);
}

function band(metric, rows, axis, colour) {
  const { response } = metric;
  const at = (name) => rows.map((i) => scaled(metric, response[name][i]));
  const x = across ? rows.map((i) => response[across][i]) : ["all runs"];
  const numeric = across && isNumeric(across);
  const place = { xaxis: `x${axis}`, yaxis: `y${axis}`, showlegend: false };
  const low = at("low"),
    high = at("high"),
    mean = at("mean");
  const text = rows.map(
    (i, k) =>
      `<b>${plain(across ? `${shownKey(across)} ${shownValue(response[across][i], across)}` : "all runs")}</b><br>` +
      `${plain(metric.label)}: ${number(mean[k])}` +
      (low[k] === null ? "" : ` (${number(low[k])} to ${number(high[k])})`) +
      `<br>${response.seeds[i]} seeds` +
      (response.missing[i] ? `, ${response.missing[i]} without a value` : ""),
  );
  const line = {
    ...place,
    x,
    y: mean,
    text,
    hovertemplate: "%{text}<extra></extra>",
    mode: numeric ? "lines+markers" : "markers",
    line: { color: colour, width: 2.2 },
    marker: { color: colour, size: 8 },
  };
  const known = rows.map((_, k) => k).filter((k) => low[k] !== null);
  if (!numeric)
    return [
      {
        ...line,
        x: x.map((value) => shownValue(value, across ?? "")),
        error_y: {
          type: "data",
          symmetric: false,
          array: high.map((h, k) => (h === null ? 0 : h - mean[k])),
          arrayminus: low.map((l, k) => (l === null ? 0 : mean[k] - l)),
          color: colour,
          thickness: 1.8,
          width: 5,
        },
      },
    ];
  const edge = { ...place, x: known.map((k) => x[k]), mode: "lines", line: { width: 0 }, hoverinfo: "skip" };
  return [
    { ...edge, y: known.map((k) => low[k]) },
    { ...edge, y: known.map((k) => high[k]), fill: "tonexty", fillcolor: `${colour}2e` },
    line,
  ];
}

// Numbers that were chosen by factors lie evenly on a logarithmic axis.
function isLogarithmic() {
  if (!across || !isNumeric(across)) return false;
  const values = valuesOf(across).sort((a, b) => a - b);
  if (values.length < 3 || values[0] <= 0) return false;
  return values.at(-1) / values[0] >= 8;
}

function responseFigure() {
  const found = panels(shown);
  const narrow = byId("sections").clientWidth < 700;
  const columns = Math.min(found.length, narrow ? 1 : found.length === 3 || found.length > 4 ? 3 : 2);
  const rows = Math.ceil(found.length / columns);
  const single = found.length === 1;
  const layout = { annotations: [], showlegend: false };
  const gap = 0.09;
  const width = (1 - gap * (columns - 1)) / columns;
  const room = rows > 1 ? 0.34 / rows : 0;
  const height = (1 - room * (rows - 1)) / rows;
  const colour = runColour(0);
  const traces = found.flatMap(([setting, indices], p) => {
    const axis = p ? String(p + 1) : "";
    const column = p % columns,
      row = Math.floor(p / columns);
    const left = column * (width + gap),
      top = 1 - row * (height + room);
    layout[`xaxis${axis}`] = {
      domain: [left, left + width],
      anchor: `y${axis}`,
      title: across && p + columns >= found.length ? shownKey(across) : "",
      type: across && isNumeric(across) ? (isLogarithmic() ? "log" : "linear") : "category",
      ...(across && isNumeric(across)
        ? { tickvals: valuesOf(across), ticktext: valuesOf(across).map((value) => shownValue(value, across)) }
        : {}),
    };
    layout[`yaxis${axis}`] = {
      domain: [Math.max(0, top - height), top],
      anchor: `x${axis}`,
      title: column === 0 ? axisTitle(shown) : "",
      ...(p ? { matches: "y" } : {}),
      rangemode: fromZero(shown),
    };
    if (!single)
      layout.annotations.push({
        text: `<b>${plain(setting)}</b>`,
        xref: "paper",
        yref: "paper",
        x: left,
        y: top,
        xanchor: "left",
        yanchor: "bottom",
        showarrow: false,
        font: { size: 13 },
      });
    return band(shown, indices, axis, colour);
  });
  return { traces, layout, height: 90 + rows * (single ? 330 : 240) };
}

// Accuracies lie near one another, far from 0; of other quantities 0 says how much is left.
const fromZero = (metric) => (metric.name === "accuracy" ? "normal" : "tozero");

// All metrics at once: a small panel each, a line for every setting of the other keys.
function overviewFigure() {
  const narrow = byId("sections").clientWidth < 700;
  const columns = narrow ? 1 : 3;
  const rows = Math.ceil(metrics.length / columns);
  const gap = 0.08,
    room = 0.36 / rows;
  const width = (1 - gap * (columns - 1)) / columns,
    height = (1 - room * (rows - 1)) / rows;
  const layout = { annotations: [], showlegend: keys.length > 1 };
  const numeric = across && isNumeric(across);
  const traces = metrics.flatMap((metric, p) => {
    const axis = p ? String(p + 1) : "";
    const left = (p % columns) * (width + gap),
      top = 1 - Math.floor(p / columns) * (height + room);
    layout[`xaxis${axis}`] = {
      domain: [left, left + width],
      anchor: `y${axis}`,
      type: numeric ? (isLogarithmic() ? "log" : "linear") : "category",
      ...(numeric
        ? { tickvals: valuesOf(across), ticktext: valuesOf(across).map((value) => shownValue(value, across)) }
        : {}),
    };
    layout[`yaxis${axis}`] = {
      domain: [Math.max(0, top - height), top],
      anchor: `x${axis}`,
      nticks: 4,
      rangemode: fromZero(metric),
    };
    layout.annotations.push({
      text: plain(axisTitle(metric)),
      xref: "paper",
      yref: "paper",
      x: left,
      y: top,
      xanchor: "left",
      yanchor: "bottom",
      showarrow: false,
      font: { size: 12.5 },
    });
    return panels(metric).flatMap(([setting, indices], i) => {
      const lines = band(metric, indices, axis, runColour(i));
      lines.at(-1).name = plain(setting);
      lines.at(-1).legendgroup = setting;
      lines.at(-1).showlegend = p === 0 && keys.length > 1;
      lines.at(-1).marker.size = 6;
      return lines;
    });
  });
  layout.margin = { l: 8, r: 12, t: keys.length > 1 ? 58 : 30, b: 26 };
  if (keys.length > 1) layout.legend = { orientation: "h", x: 0, y: 1 + 0.16 / rows, yanchor: "bottom", font: { size: 12 } };
  return { traces, layout, height: 70 + rows * 190 };
}

let drawOverview = () => {};
function overviewSection() {
  if (!across) return;
  const element = section("all", "All metrics", { size: "full", say: "The same means and bands, a panel for each metric." });
  drawOverview = figure(element, "all-plot", "Responses of all metrics", overviewFigure, 420);
}

// What can be said for sure, in a few lines; and how much cannot.
function inShortSection() {
  if (!keys.length) return;
  const steps = metrics.flatMap((metric) =>
    keys.flatMap((key) => (metric.steps[key] ?? []).map((step) => ({ key, ...step }))),
  );
  if (!steps.length) return;
  const sure = steps.filter((step) => step.sure);
  const most = 8;
  const element = section("short", "In short", { size: "full" });
  const line = ({ key, setting, from, to, sentence }) => {
    const at = Object.entries(setting).map(([k, v]) => `${shownKey(k)} ${shownValue(v, k)}`);
    const where = at.length ? ` (at ${at.join(", ")})` : "";
    return make("li", {}, `${shownKey(key)} ${shownValue(from, key)} → ${shownValue(to, key)}${where}: `, make("b", {}, sentence));
  };
  element.append(
    sure.length
      ? make("ul", { class: "short" }, ...sure.slice(0, most).map(line))
      : make("p", { class: "say" }, "No step changes a metric for sure; more seeds would tell more."),
  );
  const rest = steps.length - sure.length;
  const told = [
    sure.length > most ? `${sure.length - most} more ${sure.length - most === 1 ? "is" : "are"} sure` : "",
    rest ? `${rest} of ${steps.length} steps are inconclusive` : "",
  ];
  note(element, told.filter(Boolean).join("; "));
}

function responseSection() {
  const element = section("response", "Response", {
    size: "full",
    say:
      "Mean over seeds; the band is the 95% interval of the mean (Student's t). " +
      "A step can be sure although bands overlap, since runs of the same seed are compared with each other: see below.",
    controls: [
      pick(
        "Metric",
        metrics.map((m) => [m.name, m.label]),
        shown.name,
        (name) => {
          shown = metrics.find((m) => m.name === name);
          again();
          said();
        },
      ),
      keys.length > 1
        ? choice(
            "Across",
            keys.map((key) => [key, `across ${shownKey(key)}`]),
            across,
            (key) => {
              across = key;
              again();
              drawOverview();
              said();
            },
          )
        : "",
    ],
  });
  const again = figure(element, "response-plot", "Response of a metric to what was varied", responseFigure, 420);
  const cut = panels(shown).length === MOST_PANELS ? `the first ${MOST_PANELS} combinations are drawn` : "";
  note(element, cut);
}

// What each step of the key across did, metric by metric.
function said() {
  const box = byId("steps-said");
  const rows = metrics.flatMap((metric) =>
    (metric.steps[across] ?? []).map((step) => {
      const setting = Object.entries(step.setting).map(([k, v]) => `${shownKey(k)} ${shownValue(v, k)}`);
      return {
        metric,
        cells: [
          `${shownValue(step.from, across)} → ${shownValue(step.to, across)}`,
          ...(keys.length > 1 ? [setting.join(", ")] : []),
          make("span", step.sure ? { class: "sure" } : {}, step.sentence),
        ],
      };
    }),
  );
  const mine = rows.filter((row) => row.metric === shown).map((row) => row.cells);
  const rest = rows.filter((row) => row.metric !== shown).map((row) => row.cells);
  const headers = [across ? shownKey(across) : "", ...(keys.length > 1 ? ["at"] : []), "what it did"];
  box.replaceChildren(
    mine.length ? table(headers, mine) : make("p", { class: "note" }, "Differences need at least two seeds."),
    rest.length ? make("details", {}, make("summary", {}, "All other metrics"), table(headers, rest)) : "",
  );
}

function stepsSection() {
  if (!keys.length) return;
  const element = section("steps", "What each step did", {
    size: "full",
    say:
      "Runs of the same seed met the same sites, UEs, data and fading, so each step is judged by pairs. " +
      "Inconclusive: the 95% interval of the mean difference holds zero. Intervals are of one step and one metric each: of twenty such sentences one may be wrong by chance.",
  });
  element.append(make("div", { id: "steps-said" }));
  said();
}

function runsSection() {
  const element = section("runs", "Runs", { size: "full", say: "Each is a run folder of its own." });
  const { runs } = data;
  const failed = runs.error.some(Boolean);
  const rows = runs.id.map((id, i) => [
    make("a", { href: runs.link[i] }, id),
    ...keys.map((key) => shownValue(runs[key][i], key)),
    String(runs.seed[i]),
    runs.status[i],
    ...(failed ? [runs.error[i] ?? ""] : []),
  ]);
  const list = table(["run", ...keys, "seed", "status", ...(failed ? ["error"] : [])], rows);
  element.append(make("details", failed ? { open: true } : {}, make("summary", {}, `${rows.length} runs`), list));
}

function sweepHeading() {
  const { runs } = data;
  const done = runs.status.filter((s) => s === "done").length;
  const seeds = new Set(runs.seed).size;
  byId("title").textContent = keys.length ? `What changes with ${keys.map(shownKey).join(" and ")}` : `Sweep ${data.folder}`;
  byId("lead").textContent =
    `${done} of ${runs.id.length} runs finished, ${seeds} ${seeds === 1 ? "seed" : "seeds"}, folder ${data.folder}` +
    (keys.length ? `; varied: ${keys.map((k) => `${k} (${valuesOf(k)
            .map((value) => shownValue(value, k))
            .join(", ")})`).join("; ")}` : "");
  byId("foot").textContent =
    "Made by netsim. Figures by plotly.js (MIT licence). This page loads nothing from the network.";
  const cards = metrics.slice(0, 6).map((metric) => {
    const means = metric.response.mean.filter((v) => v !== null).map((v) => scaled(metric, v));
    const low = Math.min(...means),
      high = Math.max(...means);
    const unit = metric.unit === "share" ? "%" : metric.unit;
    const range = number(low, 2) === number(high, 2) ? number(low, 2) : `${number(low, 2)} – ${number(high, 2)}`;
    return make(
      "div",
      { class: "card" },
      make("div", { class: "name" }, metric.label[0].toUpperCase() + metric.label.slice(1)),
      make("div", { class: "value range" }, unit ? `${range} ${unit}` : range),
      make("div", { class: "detail" }, "least to greatest mean"),
    );
  });
  byId("cards").replaceChildren(...cards);
}

function setTheme(name) {
  document.documentElement.dataset.theme = name;
  redraw();
}
const system = matchMedia("(prefers-color-scheme: dark)");
document.documentElement.dataset.theme = system.matches ? "dark" : "light";
system.addEventListener("change", (event) => setTheme(event.matches ? "dark" : "light"));
byId("theme").addEventListener("click", () => setTheme(dark() ? "light" : "dark"));

sweepHeading();
inShortSection();
responseSection();
overviewSection();
stepsSection();
runsSection();
for (const [id, text] of [
  ["short", "In short"],
  ["response", "Response"],
  ["all", "All metrics"],
  ["steps", "Steps"],
  ["runs", "Runs"],
])
  if (byId(id)) byId("nav").append(make("a", { href: `#${id}` }, text));
