// What the UEs hold, and what the modules are worth to each of them.

const OWN = { ensemble: "ensemble", best: "each UE's best module", averaged_logits: "averaged logits" };

function dataSection() {
  let by = "label_histogram";
  const element = section("holdings", "What the UEs hold", {
    size: data.runs.some((r) => r.own_rows.curves) ? "half" : "",
    say: "Rows of each UE, by class as the UE takes it, or by domain.",
    controls: [
      choice(
        "Colour",
        [
          ["label_histogram", "Class"],
          ["domain_histogram", "Domain"],
        ],
        by,
        (v) => {
          by = v;
          again();
        },
      ),
    ],
  });
  const told = make("p", { class: "say" });
  element.append(told);
  const again = figure(
    element,
    "holdings-plot",
    "Rows that each UE holds",
    () => {
      const held = run().data;
      told.textContent = [held.reuse, held.note].filter(Boolean).join(" ");
      const histogram = held[by] ?? held.label_histogram;
      const parts = histogram.length ? (histogram[0] ?? []).length : 0;
      const traces = Array.from({ length: parts }, (_, part) => ({
        type: "bar",
        name: `${by === "label_histogram" ? "class" : "domain"} ${part}`,
        x: held.ue.map(String),
        y: histogram.map((counts) => (counts ?? [])[part] ?? 0),
        marker: { color: shade(part, parts) },
        text: held.ue.map((ue, i) => {
          const group = held.data_group?.[i];
          const concept = held.concept?.[i];
          return (
            plain(ueName(ue)) +
            (concept ? `<br>concept group ${concept}` : "") +
            (group === null || group === undefined ? "" : `<br>${plain(group)}`)
          );
        }),
        textposition: "none",
        hovertemplate: "%{text}<br>%{y} rows<extra>%{fullData.name}</extra>",
      }));
      return {
        traces,
        height: 320,
        layout: {
          barmode: "stack",
          bargap: 0.1,
          xaxis: { title: "UE", type: "category", showgrid: false, nticks: innerWidth < 600 ? 6 : 14, tickangle: 0 },
          yaxis: { title: "rows held" },
        },
      };
    },
    320,
  );
}

function ownSection() {
  if (!data.runs.some((r) => r.own_rows.curves)) return;
  let shown = "curves";
  const element = section("own", "On each UE's own rows", {
    size: "half",
    say: "Test rows drawn to what a UE holds, labels as it takes them. Means are weighted by the samples of a round; dashed: the tenth of the UEs that is served worst.",
    controls: [
      choice(
        "Show",
        [
          ["curves", "Over time"],
          ["last", "UEs at the end"],
        ],
        shown,
        (v) => {
          shown = v;
          again();
        },
      ),
    ],
  });
  const again = figure(
    element,
    "own-plot",
    "Accuracy on each UE's own rows",
    () => {
      const { curves = {}, last = {} } = run().own_rows;
      const traces = Object.entries(curves).flatMap(([target, curve], i) =>
        shown === "curves"
          ? ["accuracy", "worst_decile"].map((measure) => ({
              x: curve.time_s,
              y: curve[measure],
              mode: "lines",
              name: OWN[target] + (measure === "accuracy" ? "" : ", worst tenth"),
              line: { color: LINES[i % 6], dash: measure === "accuracy" ? "solid" : "dash" },
              text: curve.round.map((r) => `round ${r}`),
              hovertemplate: "%{text}<br>%{y:.3f}<extra>%{fullData.name}</extra>",
            }))
          : [
              {
                x: [...last[target]].sort((a, b) => a - b),
                y: last[target].map((_, k) => (k + 1) / last[target].length),
                mode: "lines",
                line: { shape: "hv", color: LINES[i % 6] },
                name: OWN[target],
                hovertemplate: "%{x:.3f}<extra>%{fullData.name}</extra>",
              },
            ],
      );
      return {
        traces,
        height: 320,
        layout: {
          xaxis:
            shown === "curves"
              ? { title: AGAINST.time_s, rangemode: "tozero" }
              : { title: "accuracy on a UE's own rows" },
          yaxis: { title: shown === "curves" ? "accuracy" : "share of the UEs" },
        },
      };
    },
    320,
  );
}
