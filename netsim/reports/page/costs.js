// Where time and energy went: stacked parts by round or by UE.

const PARTS = [
  ["download_s", "download", INK.grey],
  ["compute_s", "computing", INK.sky],
  ["wait_s", "waiting", "wait"],
  ["airtime_s", "first attempt", INK.green],
  ["retransmit_s", "retransmission", INK.orange],
  ["backhaul_s", "backhaul", INK.yellow],
  ["close_s", "closing", INK.blue],
];
const JOULES = [
  ["compute_useful_j", "computing", INK.sky, ""],
  ["uplink_useful_j", "uplink", INK.green, ""],
  ["compute_wasted_j", "computing, wasted", INK.sky, "/"],
  ["uplink_wasted_j", "uplink, wasted", INK.red, "/"],
  ["receive_j", "receiving", INK.grey, ""],
  ["wait_j", "waiting", "wait", ""],
  ["idle_j", "idle", INK.yellow, ""],
];

// Stacked bars of the parts that are there; `say(i)` heads the hover text of bar i.
function stacked(table, parts, x, order, unit, prefix, say) {
  const total = (i) => sum(parts.map(([c]) => table[prefix + c]?.[i]));
  return parts
    .filter(([c]) => table[prefix + c]?.some((v) => v))
    .map(([c, name, colour, shape]) => ({
      type: "bar",
      name,
      x,
      y: order.map((i) => table[prefix + c][i]),
      marker: {
        color: colour === "wait" ? (dark() ? "#3b4855" : "#d5dbe2") : colour,
        line: { width: 0 },
        pattern: shape
          ? { shape, fgcolor: colour, bgcolor: css("--panel"), size: 5, solidity: 0.45 }
          : undefined,
      },
      text: order.map(
        (i) => `${say(i)}<br>${name} ${si(table[prefix + c][i], unit)} of ${si(total(i), unit)}`,
      ),
      textposition: "none",
      hovertemplate: "%{text}<extra></extra>",
    }));
}

function byRank(values) {
  return values
    .map((_, i) => i)
    .filter((i) => values[i] !== null)
    .sort((a, b) => values[b] - values[a]);
}

function latencySection() {
  let by = "round";
  const element = section("latency", "Where the time goes", {
    size: "half",
    say: "Mean parts of an upload's time, from the start of the round to its arrival or its end. The critical path is what the round waited for: the slowest computing, then the last upload.",
    controls: [
      choice(
        "By",
        [
          ["round", "Rounds"],
          ["ue", "UEs"],
          ["held", "Critical path"],
        ],
        by,
        (v) => {
          by = v;
          again();
        },
      ),
    ],
  });
  const remark = make("div");
  const again = figure(element, "latency-plot", "Parts of the latency", () => {
    const { rounds, ues } = run();
    remark.replaceChildren();
    note(remark, (by === "ue" ? ues : rounds).note);
    if (by === "ue") {
      const order = byRank(ues.finish_s);
      return costs(
        stacked(
          ues,
          PARTS,
          order.map((_, i) => i + 1),
          order,
          "s",
          "",
          (i) => `<b>${plain(ueName(ues.ue[i]))}</b>, ${ues.uploads[i]} uploads`,
        ),
        "UEs, slowest first",
        "mean time (s)",
      );
    }
    const order = rounds.round.map((_, i) => i);
    const say = (i) =>
      `<b>round ${rounds.round[i]}</b>` +
      (by === "held" && rounds.sending_ue[i] !== null
        ? `<br>last upload: ${plain(ueName(rounds.sending_ue[i]))}` +
          (rounds.computing_ue[i] === rounds.sending_ue[i]
            ? ""
            : `<br>grant waited for ${plain(ueName(rounds.computing_ue[i]))}`)
        : "");
    return costs(
      stacked(rounds, PARTS, rounds.round, order, "s", by === "held" ? "held_" : "", say),
      "round",
      by === "held" ? "length of the round (s)" : "mean time (s)",
    );
  });
  element.append(remark);
}

function energySection() {
  let by = "round";
  const element = section("energy", "Where the energy goes", {
    size: "half",
    say: "Hatched: spent on updates that did not arrive in time. It is paid for all the same.",
    controls: [
      choice(
        "By",
        [
          ["round", "Rounds"],
          ["ue", "UEs"],
        ],
        by,
        (v) => {
          by = v;
          again();
        },
      ),
    ],
  });
  const remark = make("div");
  const again = figure(element, "energy-plot", "Energy, useful and wasted", () => {
    const { rounds, ues } = run();
    remark.replaceChildren();
    note(remark, (by === "ue" ? ues : rounds).note);
    if (by === "round")
      return costs(
        stacked(
          rounds,
          JOULES,
          rounds.round,
          rounds.round.map((_, i) => i),
          "J",
          "",
          (i) => `<b>round ${rounds.round[i]}</b>`,
        ),
        "round",
        "energy (J)",
      );
    const order = byRank(ues.energy_j);
    return costs(
      stacked(
        ues,
        JOULES,
        order.map((_, i) => i + 1),
        order,
        "J",
        "",
        (i) => `<b>${plain(ueName(ues.ue[i]))}</b>, ${plain(ues.class[i])}`,
      ),
      "UEs, hungriest first",
      "energy of the run (J)",
    );
  });
  element.append(remark);
}

const costs = (traces, x, y) => ({
  traces,
  height: 340,
  layout: {
    barmode: "stack",
    bargap: 0.12,
    xaxis: { title: x, showgrid: false },
    yaxis: { title: y },
    legend: { orientation: "h", x: 0, y: 1, yanchor: "bottom", traceorder: "normal", font: { size: 12 } },
  },
});
