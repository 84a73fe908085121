// Who took part: subscriptions, arrivals by UE, outage by distance, handovers, staleness.

function subscriptionSection() {
  let by = "outcome";
  const element = section("subscriptions", "Who took part", {
    size: manySites() ? "" : "half",
    say: "Every column is a round, every row a UE; blank where the plan left the UE out.",
    controls: [
      choice(
        "Colour",
        [
          ["outcome", "Outcome"],
          ["module", "Module"],
        ],
        by,
        (v) => {
          by = v;
          again();
        },
      ),
    ],
  });
  const again = figure(
    element,
    "subscriptions-plot",
    "Subscriptions by UE and round",
    () => {
      const map = run().subscriptions;
      const rows = map[by];
      const used = [...new Set(rows.join(""))].filter((c) => c !== ".").sort();
      const names = by === "outcome" ? [...data.outcomes, "not_ready"] : null;
      const label = (c) =>
        names ? words(names[Number(c)]) : c === "+" ? "several modules" : moduleName(parseInt(c, 36));
      const colour = (c, i) =>
        names ? OUTCOME[names[Number(c)]] : c === "+" ? INK.grey : shade(i, used.length);
      const n = Math.max(used.length, 1);
      const z = rows.map((row) => [...row].map((c) => (c === "." ? null : used.indexOf(c))));
      const scale = used.flatMap((c, i) => [
        [i / n, colour(c, i)],
        [(i + 1) / n, colour(c, i)],
      ]);
      const text = rows.map((row, i) =>
        [...row].map((c, j) =>
          c === "." ? "" : `<b>${plain(ueName(map.ues[i]))}</b>, round ${map.rounds[j]}<br>${label(c)}`,
        ),
      );
      const legend = used.map((c, i) => ({
        x: [null],
        y: [null],
        mode: "markers",
        name: label(c),
        marker: { symbol: "square", size: 11, color: colour(c, i) },
        hoverinfo: "skip",
      }));
      return {
        height: 486,
        traces: [
          {
            type: "heatmap",
            z,
            x: map.rounds.map(String),
            y: map.ues.map(String),
            text,
            colorscale: scale.length ? scale : undefined,
            zmin: -0.5,
            zmax: n - 0.5,
            showscale: false,
            xgap: map.rounds.length > 80 ? 0 : 1,
            ygap: map.ues.length > 60 ? 0 : 1,
            hoverongaps: false,
            hovertemplate: "%{text}<extra></extra>",
          },
          ...legend,
        ],
        layout: {
          xaxis: { title: "round", type: "category", showgrid: false, nticks: 12, tickangle: 0 },
          yaxis: { title: "UE", type: "category", showgrid: false, autorange: "reversed", nticks: 14 },
        },
      };
    },
    486,
  );
  const remark = make("div");
  element.append(remark);
  const fresh = () => {
    remark.replaceChildren();
    note(remark, run().subscriptions.note);
  };
  fresh();
  return fresh;
}

// Modules in order of their number: steps that colour-blind readers and grey prints keep in order.
function shade(i, n) {
  const steps = dark()
    ? ["#fde725", "#7ad151", "#22a884", "#3a9ab5", "#7b7fd6", "#b07cd8"]
    : ["#ecca3c", "#7ac151", "#22a884", "#2a788e", "#414487", "#440154"];
  return steps[n < 2 ? 3 : Math.round((i * 5) / (n - 1))];
}

function finishSection() {
  const element = section("finish", "When updates arrive", {
    size: "half",
    say: "Share of the uploads that were on time, by their time since the start of the round.",
  });
  figure(
    element,
    "finish-plot",
    "Distribution of arrival times",
    () => ({
      height: 300,
      traces: data.runs.map((r, i) => ({
        x: r.finish.value,
        y: r.finish.probability,
        mode: "lines",
        name: plain(r.label),
        showlegend: several,
        line: { width: 2.4, color: runColour(i), dash: DASHES[Math.floor(i / 6)] },
        text: r.finish.probability.map(
          (p, k) =>
            `${several ? `${plain(r.label)}<br>` : ""}${number(100 * p)}% within ${seconds(r.finish.value[k])}`,
        ),
        hovertemplate: "%{text}<extra></extra>",
      })),
      layout: {
        xaxis: { title: "time in the round (s)", rangemode: "tozero" },
        yaxis: { title: "share of arrivals", range: [0, 1.02], tickformat: ".0%" },
        margin: { l: 8, r: 12, t: several ? 48 : 14, b: 8 },
      },
    }),
    300,
  );
}

function distanceSection() {
  const element = section("distance", "Outage by distance", {
    size: "half",
    say: "Share of uploads in outage, with 95% intervals.",
  });
  figure(
    element,
    "distance-plot",
    "Outage by distance to the serving gNB",
    () => ({
      height: 300,
      traces: data.runs.map((r, i) => {
        const { distance_m: x, outage: y, low, high, uploads } = r.distance;
        return {
          x,
          y,
          mode: "lines+markers",
          name: plain(r.label),
          showlegend: several,
          line: { width: 1.6, color: runColour(i), dash: DASHES[Math.floor(i / 6)] },
          marker: { size: 6 },
          error_y: {
            type: "data",
            array: y.map((v, k) => high[k] - v),
            arrayminus: y.map((v, k) => v - low[k]),
            thickness: 1,
            width: 2,
            color: runColour(i),
          },
          text: y.map(
            (v, k) =>
              `${several ? `${plain(r.label)}<br>` : ""}around ${number(x[k])} m: ${number(100 * v, 2)}% of ${uploads[k].toLocaleString("en")}<br>95% interval ${number(100 * low[k], 2)} to ${number(100 * high[k], 2)}%`,
          ),
          hovertemplate: "%{text}<extra></extra>",
        };
      }),
      layout: {
        xaxis: { title: "distance to the gNB (m)", rangemode: "tozero" },
        yaxis: { title: "outage", rangemode: "tozero", tickformat: ".0%" },
        margin: { l: 8, r: 12, t: several ? 48 : 14, b: 8 },
      },
    }),
    300,
  );
}

function heldSection() {
  const element = section("held", "Who held the rounds up", {
    say: "How often a UE's upload was the last, and how often its computing kept the others waiting; beside it why that may be.",
  });
  const box = make("div");
  element.append(box);
  const fresh = () => {
    const { held_up: held } = run();
    const most = 8;
    box.replaceChildren(
      held.ue.length
        ? table(
            ["UE", "last upload", "kept waiting", "class", "distance", "clock"],
            held.ue
              .slice(0, most)
              .map((ue, i) => [
                short(ueName(ue)),
                String(held.sending[i]),
                String(held.computing[i]),
                short(held.class[i] ?? "–"),
                si(held.distance_m[i], "m"),
                si(held.cpu_hz[i], "Hz"),
              ]),
          )
        : make("p", { class: "say" }, "No upload was made."),
    );
    const { total } = run().ues;
    const silent = [
      held.never_chosen ? `${held.never_chosen} of ${total} UEs were never chosen by the scheme` : "",
      held.never_ready ? `${held.never_ready} were chosen but never ready to send, or never there` : "",
    ];
    note(box, silent.filter(Boolean).join("; "));
  };
  fresh();
  return fresh;
}

function movementSection() {
  const moved = (r) => r.movement.handovers.ue.length > 0,
    stale = (r) => r.movement.staleness.staleness.some((s) => s > 0);
  if (data.runs.some(moved)) {
    const element = section("handovers", "Handovers", {
      size: data.runs.some(stale) ? "half" : "",
      say: "Per UE; a ping-pong returns to the cell it came from within 1 s.",
    });
    figure(
      element,
      "handovers-plot",
      "Handovers per UE",
      () => {
        const { handovers: h } = run().movement;
        const order = byRank(h.handovers).slice(0, 60);
        const bar = (name, values, color) => ({
          type: "bar",
          name,
          x: order.map((_, i) => i + 1),
          y: order.map((i) => values[i]),
          marker: { color },
          textposition: "none",
          text: order.map(
            (i) =>
              `<b>${plain(ueName(h.ue[i]))}</b><br>${h.handovers[i]} handovers, ${h.ping_pongs[i]} ping-pongs<br>${si(h.bits_lost[i], "bit")} lost`,
          ),
          hovertemplate: "%{text}<extra></extra>",
        });
        return {
          height: 280,
          traces: [
            bar(
              "lasting",
              h.handovers.map((n, i) => n - h.ping_pongs[i]),
              INK.sky,
            ),
            bar("ping-pong", h.ping_pongs, INK.orange),
          ],
          layout: {
            barmode: "stack",
            xaxis: { title: "UEs, most handovers first" },
            yaxis: { title: "handovers" },
          },
        };
      },
      280,
    );
  }
  if (data.runs.some(stale)) {
    const element = section("staleness", "Staleness", {
      size: data.runs.some(moved) ? "half" : "",
      say: "Versions between a UE's download and the aggregation of its update.",
    });
    figure(
      element,
      "staleness-plot",
      "Staleness of updates",
      () => {
        const { staleness: s } = run().movement;
        return {
          height: 280,
          traces: [
            {
              type: "bar",
              x: s.staleness,
              y: s.uploads,
              marker: { color: INK.sky },
              hovertemplate: "%{y} updates, %{x} versions old<extra></extra>",
            },
          ],
          layout: { xaxis: { title: "versions", dtick: 1 }, yaxis: { title: "updates" } },
        };
      },
      280,
    );
  }
}

// What went on in each cell; of one cell there is nothing to compare.
function cellSection() {
  if (!data.runs.some((r) => r.gnbs.gnb.length > 1)) return;
  const element = section("cells", "Cells", {
    say: "Per gNB, the busiest first: the UEs it served at the start, how their uploads ended, and what they spent.",
  });
  const box = make("div");
  element.append(box);
  const share = (value) => `${number(100 * value, 2)}%`;
  const fresh = () => {
    const { gnbs } = run();
    const rows = gnbs.gnb.map((gnb, i) => [
      `gNB ${gnb}`,
      String(gnbs.ues[i] ?? 0),
      gnbs.uploads[i].toLocaleString("en"),
      share(gnbs.on_time[i]),
      share(gnbs.outage[i]),
      seconds(gnbs.median_finish_s[i]),
      si(gnbs.energy_j[i], "J"),
    ]);
    const headers = ["cell", "UEs", "uploads", "on time", "outage", "median arrival", "energy"];
    const few = rows.slice(0, 8);
    const rest = rows.slice(8);
    box.replaceChildren(
      table(headers, few),
      rest.length ? make("details", {}, make("summary", {}, `${rest.length} more cells`), table(headers, rest)) : "",
    );
    note(box, gnbs.total > rows.length ? `${rows.length} of ${gnbs.total} cells are on this page` : "");
  };
  fresh();
  return fresh;
}
