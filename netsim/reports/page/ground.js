// The map: sites with their cells, UEs where they are, coloured by what their upload does.

const STATE = {
  no_upload: ["no upload", INK.grey, "circle-open"],
  computing: ["computing", INK.sky, "circle-open"],
  sending: ["sending", INK.blue, "circle"],
  on_time: ["on time", OUTCOME.on_time, "circle"],
  late: ["late", OUTCOME.late, "triangle-up"],
  outage: ["outage", OUTCOME.outage, "x"],
  aborted: ["aborted", OUTCOME.aborted, "diamond"],
};
const TRAIL = 25; // frames
const MANY_SITES = 12; // from which on the map has the whole width
const manySites = () => data.runs.some((r) => (r.ground?.sites.gnb.length ?? 0) > MANY_SITES);
const CELL = {
  none: ["Cells plain", null],
  on_time: ["Cells by share on time", (v) => `${number(100 * v, 2)}%`],
  outage: ["Cells by outage", (v) => `${number(100 * v, 2)}%`],
  median_finish_s: ["Cells by median arrival", (v) => `${number(v, 2)} s`],
  energy_j: ["Cells by energy", (v) => si(v, "J")],
  uploads: ["Cells by uploads", (v) => number(v, 3)],
  ues: ["Cells by UEs", (v) => number(v, 3)],
};
const CELL_STEPS = ["#deebf7", "#9ecae1", "#6baed6", "#3182bd", "#08519c"];
let cellsBy = "none";

function groundSection() {
  if (!data.runs.some((r) => r.ground)) return;
  let at = 0,
    timer = null;
  const play = make(
    "button",
    { type: "button", id: "map-play", onclick: () => (timer ? stop() : start()) },
    "▶ Play",
  );
  const slide = slider("map-slider", "Simulated time", 1, 0, (v) => {
    stop();
    go(v);
  });
  slide.row.prepend(play);
  const wide = manySites();
  const network = data.runs.some((r) => r.gnbs.gnb.length > 1);
  if (network) cellsBy = "on_time";
  const by = Object.entries(CELL).map(([value, [text]]) => [value, text]);
  const element = section("map", "On the map", {
    size: wide ? "" : "half",
    say: "Sites with their Voronoi cells; every mark is a UE, coloured by what its upload of the round is doing or how it ended.",
    controls: network
      ? [
          pick("Colour of the cells", by, cellsBy, (value) => {
            cellsBy = value;
            again();
          }),
        ]
      : [],
  });
  element.append(slide.row);
  const tall = wide && innerWidth > 900 ? 680 : 440;
  const again = figure(
    element,
    "map-plot",
    "Map of sites and UEs",
    () => ({
      traces: run().ground ? [...background(run().ground), ...marks(run().ground, at)] : [],
      layout: chart(run().ground),
      height: tall,
    }),
    tall,
  );
  const remark = make("div");
  element.append(remark);
  const plot = byId("map-plot");
  function go(to) {
    const { ground } = run();
    if (!ground) return;
    at = Math.min(to, ground.time_s.length - 1);
    slide.input.max = ground.time_s.length - 1;
    slide.input.value = at;
    slide.output.textContent =
      `${number(ground.time_s[at], 5)} s` + (ground.round[at] === null ? "" : `, round ${ground.round[at]}`);
    if (!plot.data) return;
    const fresh = marks(ground, at),
      first = plot.data.length - fresh.length;
    const each = (field) => fresh.map((t) => t[field]);
    Plotly.restyle(
      plot,
      { x: each("x"), y: each("y"), text: each("text") },
      fresh.map((_, i) => first + i),
    );
  }
  function start() {
    play.textContent = "❚❚ Pause";
    timer = setInterval(() => go((at + 1) % run().ground.time_s.length), 160);
  }
  function stop() {
    clearInterval(timer);
    timer = null;
    play.textContent = "▶ Play";
  }
  function fresh() {
    stop();
    remark.replaceChildren();
    if (!run().ground) return;
    note(remark, run().ground.note);
    const { round, states, x, moving } = run().ground;
    const there = x.map((row) => row.filter((v) => v !== null).length);
    const fullest = moving ? round[there.indexOf(Math.max(...there))] : null;
    const first = fullest ?? round.find((r) => r !== null);
    const ended = data.states.length - data.outcomes.length;
    go(
      Math.max(
        states.findLastIndex((row, f) => round[f] === first && [...row].some((c) => Number(c) >= ended)),
        0,
      ),
    ); // when all have ended
  }
  fresh();
  return fresh;
}

function background(ground) {
  const { sites, cells } = ground;
  const serving = new Set(ground.gnb.flat());
  const x = [],
    y = [],
    fx = [],
    fy = [];
  cells.forEach((corners, i) => {
    const closed = [...corners, corners[0]];
    const [xs, ys] = serving.has(sites.gnb[i]) ? [fx, fy] : [x, y];
    closed.forEach(([a, b]) => {
      xs.push(a);
      ys.push(b);
    });
    xs.push(null);
    ys.push(null);
  });
  const outline = {
    mode: "lines",
    hoverinfo: "skip",
    showlegend: false,
    line: { color: dark() ? "#3c4a59" : "#c3ccd5", width: 1 },
  };
  const plainFill = dark() ? "rgba(86,180,233,.07)" : "rgba(0,114,178,.05)";
  return [
    ...(cellsBy === "none" ? [] : colouredCells(ground)),
    { ...outline, x, y },
    { ...outline, x: fx, y: fy, ...(cellsBy === "none" ? { fill: "toself", fillcolor: plainFill } : {}) },
    {
      x: sites.x_m,
      y: sites.y_m,
      mode: "markers",
      name: "gNB",
      zorder: 1, // above the UEs, which may be many
      marker: {
        symbol: "star-triangle-up",
        size: sites.gnb.length > 25 ? 10 : 13,
        color: css("--ink"),
        line: { color: css("--panel"), width: 1.5 },
      },
      text: sites.gnb.map((g) => `gNB ${g}`),
      hovertemplate: "%{text}<extra></extra>",
    },
  ];
}

// Cells filled by a quantity of theirs, in steps of equal width that the legend names.
function colouredCells(ground) {
  const { gnbs } = run();
  const shown = CELL[cellsBy][1];
  const values = ground.sites.gnb.map((gnb) => gnbs[cellsBy][gnbs.gnb.indexOf(gnb)] ?? null);
  const known = values.filter((v) => v !== null);
  if (!known.length) return [];
  const low = Math.min(...known),
    high = Math.max(...known);
  const steps = high > low ? CELL_STEPS.length : 1;
  const width = (high - low) / steps;
  return Array.from({ length: steps }, (_, k) => {
    const colour = CELL_STEPS[steps === 1 ? 2 : k];
    const x = [],
      y = [];
    ground.cells.forEach((corners, i) => {
      if (values[i] === null) return;
      const step = width ? Math.min(Math.floor((values[i] - low) / width), steps - 1) : 0;
      if (step !== k) return;
      [...corners, corners[0]].forEach(([a, b]) => {
        x.push(a);
        y.push(b);
      });
      x.push(null);
      y.push(null);
    });
    const from = shown(low + k * width),
      to = shown(low + (k + 1) * width);
    return {
      x: x.length ? x : [null],
      y: y.length ? y : [null],
      mode: "lines",
      fill: "toself",
      fillcolor: `${colour}${dark() ? "70" : "a0"}`,
      line: { width: 0, color: colour },
      hoverinfo: "skip",
      name: from === to ? from : `${from} to ${to}`,
      legend: "legend2",
      showlegend: true,
    };
  });
}

function marks(ground, at) {
  const [x0, y0] = ground.origin_m,
    step = ground.step_m;
  const row = (frame) => Math.min(frame, ground.x.length - 1);
  const place = (grid, frame, i, low) => {
    const q = grid[row(frame)][i];
    return q === null ? null : low + q * step;
  };
  const trail = { x: [], y: [] };
  if (ground.moving)
    ground.ues.forEach((_, i) => {
      for (let f = Math.max(0, at - TRAIL); f <= at; f++) {
        trail.x.push(place(ground.x, f, i, x0));
        trail.y.push(place(ground.y, f, i, y0));
      }
      trail.x.push(null);
      trail.y.push(null);
    });
  const traces = [
    {
      ...trail,
      mode: "lines",
      hoverinfo: "skip",
      showlegend: false,
      line: { color: css("--soft"), width: 1 },
      opacity: 0.45,
    },
  ];
  const used = new Set(ground.states.join(""));
  data.states.forEach((state, code) => {
    const [name, color, symbol] = STATE[state];
    const mine = ground.ues
      .map((_, i) => i)
      .filter((i) => ground.states[at][i] === String(code) && ground.x[row(at)][i] !== null);
    traces.push({
      x: [null, ...mine.map((i) => place(ground.x, at, i, x0))],
      y: [null, ...mine.map((i) => place(ground.y, at, i, y0))],
      name, // null: keeps its legend
      visible: used.has(String(code)),
      mode: "markers",
      marker: {
        color,
        symbol,
        size: ground.ues.length > 80 ? 6 : 10,
        line: {
          width: symbol.endsWith("open") ? 1.6 : 0.6,
          color: symbol.endsWith("open") ? color : css("--panel"),
        },
      },
      text: [
        "",
        ...mine.map(
          (i) =>
            `<b>${plain(ueName(ground.ues[i]))}</b> at gNB ${ground.gnb[Math.min(at, ground.gnb.length - 1)][i] ?? "–"}<br>${name}<br>` +
            `x ${number(place(ground.x, at, i, x0), 4)} m, y ${number(place(ground.y, at, i, y0), 4)} m`,
        ),
      ],
      hovertemplate: "%{text}<extra></extra>",
    });
  });
  return traces;
}

function chart(ground) {
  if (!ground) return {};
  const [x0, y0, x1, y1] = ground.window_m;
  const axis = {
    showgrid: false,
    zeroline: false,
    ticks: "outside",
    tickcolor: css("--line"),
    constrain: "domain",
  };
  return {
    xaxis: { ...axis, range: [x0, x1], title: "x (m)" },
    yaxis: { ...axis, range: [y0, y1], title: "y (m)", scaleanchor: "x" },
    legend: { orientation: "h", x: 0, y: 1.01, yanchor: "bottom", font: { size: 11.5 } },
    legend2: { orientation: "h", x: 0, y: innerWidth < 600 ? -0.3 : -0.12, yanchor: "top", font: { size: 11.5 }, itemwidth: 30 },
  };
}
