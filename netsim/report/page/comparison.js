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
  const element = section("comparison", "Compared", {
    say:
      `Differences from ${comparison.baseline}, paired by ${comparison.by}: the runs met the same fading where scenario and seed agree. ` +
      "Bars are 95% intervals of the mean difference, " +
      (comparison.by === "round"
        ? "by bootstrap from blocks of consecutive rounds"
        : "Student's, or from ten seeds on by bootstrap") +
      "; where one leaves out zero the table is bold.",
  });
  const metrics = comparison.rows[0].metric;
  const shown = metrics
    .map((_, k) => k)
    .filter((k) => comparison.rows.some((row) => row.difference[k] !== null && row.left[k]));
  figure(
    element,
    "comparison-plot",
    "Relative differences from the first run",
    () => ({
      height: 120 + 34 * shown.length,
      traces: comparison.rows.map((row, i) => {
        const kept = shown.filter((k) => row.difference[k] !== null && row.left[k]);
        const share = (values) =>
          kept.map((k) => (values[k] === null ? null : (100 * values[k]) / Math.abs(row.left[k])));
        const middle = share(row.difference),
          low = share(row.low),
          high = share(row.high);
        const colour = runColour(i + 1),
          lift = (i - (comparison.rows.length - 1) / 2) * 0.2;
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
        xaxis: {
          title: `difference from ${plain(comparison.baseline)} (%)`,
          zeroline: true,
          zerolinecolor: css("--ink"),
          zerolinewidth: 1.5,
        },
        yaxis: {
          tickvals: shown.map((_, i) => i),
          ticktext: shown.map((k) => METRIC[metrics[k]]),
          range: [shown.length - 0.5, -0.5],
          zeroline: false,
        },
      },
    }),
    120 + 34 * shown.length,
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
