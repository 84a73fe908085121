// Several runs against the first: a table, and differences with intervals.

const METRIC = {
  length_s: "length of a round",
  on_time: "uploads on time, per round",
  lost: "uploads lost, per round",
  energy_j: "energy per round",
  wasted_energy_j: "energy wasted per round",
  delivered_bits: "bits delivered per round",
  accuracy: "accuracy, mean over the run",
  loss: "loss, mean over the run",
  final_accuracy: "accuracy at the end",
};
const quantity = (value, unit) => (["s", "J", "bit"].includes(unit) ? si(value, unit) : number(value));

function comparisonSection() {
  const { comparison } = data;
  if (!comparison) return;
  if (data.runs.some((r) => r.digest.emulated)) METRIC.delivered_bits = "bits delivered per round (emulated)";
  glance(comparison);
  const element = section("comparison", "Compared", {
    say:
      `Differences from ${comparison.baseline}, paired by ${comparison.by}: the runs met the same fading where scenario and seed agree. ` +
      "Bars are 95% intervals of the mean difference, " +
      (comparison.by === "round"
        ? "by bootstrap from blocks of consecutive rounds"
        : "Student's, or from ten seeds on by bootstrap") +
      "; where one leaves out zero the table is bold." +
      (comparison.by === "round"
        ? " They cover the chance of rounds within one run each, not that of seeds: other sites, UEs and data may give another sign. A sweep over seeds tells."
        : ""),
  });
  const metrics = comparison.rows[0].metric;
  const shown = metrics
    .map((_, k) => k)
    .filter((k) => comparison.rows.some((row) => row.difference[k] !== null && row.left[k]));
  const tall = 24 + 10 * comparison.rows.length; // of one metric, all runs
  figure(
    element,
    "comparison-plot",
    "Relative differences from the first run",
    () => ({
      height: 120 + tall * shown.length,
      traces: comparison.rows.map((row, i) => {
        const kept = shown.filter((k) => row.difference[k] !== null && row.left[k]);
        const share = (values) =>
          kept.map((k) => (values[k] === null ? null : (100 * values[k]) / Math.abs(row.left[k])));
        const middle = share(row.difference),
          low = share(row.low),
          high = share(row.high);
        const colour = runColour(i + 1),
          lift = (i - (comparison.rows.length - 1) / 2) * Math.min(0.2, 0.7 / comparison.rows.length);
        return {
          x: middle,
          y: kept.map((k) => shown.indexOf(k) + lift),
          mode: "markers",
          name: plain(row.label),
          marker: { size: 9, color: colour, symbol: ["circle", "square", "diamond", "triangle-up"][i % 4] },
          error_x: {
            type: "data",
            array: high.map((h, k) => (h === null ? 0 : h - middle[k])),
            arrayminus: low.map((l, k) => (l === null ? 0 : middle[k] - l)),
            thickness: 1.6,
            width: 4,
            color: colour,
          },
          text: kept.map(
            (k) =>
              `<b>${plain(row.label)}</b><br>${METRIC[row.metric[k]]}<br>${quantity(row.left[k], row.unit[k])} → ${quantity(row.right[k], row.unit[k])}` +
              interval(row, k, "<br>"),
          ),
          hovertemplate: "%{text}<extra></extra>",
        };
      }),
      layout: {
        showlegend: true,
        xaxis: {
          title: "difference (%)",
          zeroline: true,
          zerolinecolor: css("--ink"),
          zerolinewidth: 1.5,
        },
        yaxis: {
          tickvals: shown.map((_, i) => i),
          ticktext: shown.map((k) => (innerWidth < 600 ? METRIC[metrics[k]].replace(", ", ",<br>").replace(" wasted ", " wasted<br>") : METRIC[metrics[k]])),
          range: [shown.length - 0.5, -0.5],
          zeroline: false,
        },
      },
    }),
    120 + tall * shown.length,
  );
  const rows = metrics
    .flatMap((metric, k) =>
      comparison.rows.map((row) => {
        const sure = row.low[k] !== null && (row.low[k] > 0 || row.high[k] < 0);
        return row.difference[k] === null
          ? null
          : [
              METRIC[metric],
              row.label,
              quantity(row.left[k], row.unit[k]),
              quantity(row.right[k], row.unit[k]),
              make("span", sure ? { class: "sure" } : {}, quantity(row.difference[k], row.unit[k])),
              interval(row, k, ""),
              String(row.pairs[k]),
            ];
      }),
    )
    .filter(Boolean);
  const numbers = table(
    ["", "run", comparison.baseline, "this run", "difference", "95% interval", "pairs"],
    rows,
  );
  element.append(make("details", {}, make("summary", {}, "The numbers"), numbers));
}

function interval(row, k, before) {
  return row.low[k] === null
    ? ""
    : `${before}${quantity(row.low[k], row.unit[k])} to ${quantity(row.high[k], row.unit[k])}`;
}

// A card for each run; a press shows that run in the sections of one run.
function runCards(found, learnt, at, share) {
  const cards = data.runs.map((one, i) => {
    const mark = make("span", { class: "swatch" });
    mark.style.background = runColour(i);
    const first = learnt ? at("accuracy", i, (v) => number(v)) : at("on_time_share", i, share);
    const rest = [
      learnt ? `${at("on_time_share", i, share)} on time` : `${at("outage_share", i, share)} outage`,
      at("energy_j", i, (v) => si(v, "J")),
      at("simulated_s", i, seconds),
    ];
    return make(
      "button",
      { type: "button", "data-run": i, "aria-pressed": String(i === current), onclick: () => choose(i) },
      make("span", {}, mark, one.label),
      make("strong", {}, make("small", {}, learnt ? "accuracy" : "on time"), first),
      make("span", { class: "detail" }, rest.map((text) => text.replaceAll(" ", "\u00a0")).join(" · ")),
    );
  });
  return make("div", { class: "each", role: "group", "aria-label": "Run shown below" }, ...cards);
}

// What the runs are and came to: one row each, and the keys in which their scenarios differ.
function glance({ glance: found, differs, target }) {
  const element = section("glance", "At a glance", { say: "What each run came to, and what it was given." });
  const at = (name, i, shown) => (found[name][i] === null ? "–" : shown(found[name][i]));
  const share = (value) => `${number(100 * value, 2)}%`;
  const learnt = found.accuracy.some((a) => a !== null);
  const columns = [
    ...(learnt
      ? [
          ["accuracy", "accuracy", (v) => number(v)],
          ["time_to_accuracy_s", `to ${target}, time`, seconds],
          ["energy_to_accuracy_j", `to ${target}, energy`, (v) => si(v, "J")],
          ["rounds_to_accuracy", `to ${target}, rounds`, String],
        ]
      : []),
    ["on_time_share", "on time", share],
    ["outage_share", "outage", share],
    ["upload_p50_s", "median upload", seconds],
    ["energy_j", "energy", (v) => si(v, "J")],
    ["wasted_share", "wasted", share],
    ["simulated_s", "simulated", seconds],
  ];
  const rows = data.runs.map((one, i) => {
    const mark = make("span", { class: "swatch" });
    mark.style.background = runColour(i);
    return [make("span", {}, mark, one.label), ...columns.map(([name, , shown]) => at(name, i, shown))];
  });
  element.append(runCards(found, learnt, at, share));
  element.append(table(["run", ...columns.map(([, title]) => title)], rows));
  const keys = Object.entries(differs);
  if (!keys.length) return note(element, "the scenarios are the same but for name and seed");
  const few = keys.length <= 6;
  const list = table(
    ["key", ...data.runs.map((one) => one.label)],
    keys.map(([key, values]) => [key, ...values]),
  );
  element.append(make("details", { open: few }, make("summary", {}, `${keys.length} ${keys.length === 1 ? "key differs" : "keys differ"}`), list));
}
