// The timeline of one round: a row per UE, a bar per activity, zoomable.

const BARS = [
  // name, colour, which spans
  ["download", INK.grey, (kind) => kind === "broadcast"],
  ["computing", INK.sky, (kind) => kind === "compute"],
  ["waiting", "wait", (kind) => kind === "wait"],
  ["upload on time", OUTCOME.on_time, (kind, outcome) => kind === "uplink" && outcome === "on_time"],
  ["late", OUTCOME.late, (kind, outcome) => kind === "uplink" && outcome === "late"],
  ["outage", OUTCOME.outage, (kind, outcome) => kind === "uplink" && outcome === "outage"],
  ["aborted", OUTCOME.aborted, (kind, outcome) => kind === "uplink" && outcome === "aborted"],
  ["uploading", "#7fbfa8", (kind, outcome) => kind === "uplink" && outcome === null],
  ["backhaul", INK.yellow, (kind) => kind === "backhaul"],
  ["aggregation", INK.blue, (kind) => kind === "aggregate"],
];
const HANDOVER = "#9467bd";
const TICK = 1e-4; // s

function timelineSection() {
  if (!data.runs.some((r) => r.timeline.rounds.length)) return;
  let at = 0;
  const back = make(
    "button",
    { type: "button", id: "round-back", "aria-label": "Previous round", onclick: () => go(at - 1) },
    "‹",
  );
  const next = make(
    "button",
    { type: "button", id: "round-next", "aria-label": "Next round", onclick: () => go(at + 1) },
    "›",
  );
  const slide = slider("round-slider", "Round", run().timeline.rounds.length, 0, (v) => go(v));
  slide.row.prepend(back);
  slide.input.after(next);
  const element = section("timeline", "One round", {
    say:
      "Every bar is an activity, every row a UE, ordered by gNB and by the end of its upload; the dashed line is the deadline." +
      (touch ? "" : " Drag to zoom, double-click to zoom out."),
  });
  element.append(slide.row);
  const again = figure(
    element,
    "timeline-plot",
    "Timeline of one round",
    () => drawn(run().timeline.rounds[at]),
    420,
  );
  const remark = make("div");
  element.append(remark);
  function go(to) {
    const { rounds, note: text } = run().timeline;
    at = Math.min(Math.max(to, 0), rounds.length - 1);
    slide.input.max = rounds.length - 1;
    slide.input.value = at;
    const one = rounds[at];
    slide.output.textContent = one ? `round ${one.round}, begins at ${seconds(one.start_s)}` : "no rounds";
    back.disabled = at <= 0;
    next.disabled = at >= rounds.length - 1;
    remark.replaceChildren();
    note(remark, text);
    again();
  }
  // where UEs come and go, the round with most of them says most
  const counts = run().timeline.rounds.map((r) => r.all_ues);
  go(run().ground?.moving ? counts.indexOf(Math.max(...counts)) : 0);
  return () => go(Math.min(at, run().timeline.rounds.length - 1));
}

function drawn(round) {
  if (!round) return { traces: [] };
  const { spans, rows } = round;
  const label = (row) => (rows.ue[row] === null ? `gNB ${rows.gnb[row]}` : ueName(rows.ue[row]));
  const gnbOf = (i) => (spans.gnb ? spans.gnb[i] : rows.gnb[spans.row[i]]);
  const traces = BARS.map(([name, colour, belongs]) => {
    const mine = spans.row
      .map((_, i) => i)
      .filter((i) =>
        belongs(
          data.kinds[spans.kind[i]],
          spans.outcome[i] === null ? null : data.outcomes[spans.outcome[i]],
        ),
      );
    if (!mine.length) return null;
    const lanes = (i) => (spans.lanes ? spans.lanes[i] : 1);
    const lane = (i) => (spans.lane ? spans.lane[i] : 0);
    return {
      type: "bar",
      orientation: "h",
      name,
      base: mine.map((i) => spans.from[i] * TICK),
      x: mine.map((i) => spans.length[i] * TICK),
      y: mine.map((i) => spans.row[i]),
      width: mine.map((i) => 0.84 / lanes(i)),
      offset: mine.map((i) => -0.42 + (0.84 * lane(i)) / lanes(i)),
      marker: { color: colour === "wait" ? (dark() ? "#35414e" : "#e3e7ec") : colour, line: { width: 0 } },
      text: mine.map((i) => about(spans, i, label(spans.row[i]), gnbOf(i))),
      textposition: "none",
      hovertemplate: "%{text}<extra></extra>",
    };
  }).filter(Boolean);
  const moved = spans.row.map((_, i) => i).filter((i) => data.kinds[spans.kind[i]] === "handover");
  if (moved.length)
    traces.push({
      type: "scatter",
      mode: "markers",
      name: "handover", // takes no time, or next to none
      x: moved.map((i) => spans.from[i] * TICK),
      y: moved.map((i) => spans.row[i]),
      marker: { symbol: "diamond", size: 9, color: HANDOVER, line: { width: 1.2, color: css("--panel") } },
      text: moved.map((i) => `${about(spans, i, label(spans.row[i]), gnbOf(i), "handed over")}`),
      hovertemplate: "%{text}<extra></extra>",
    });
  const last = Math.max(...spans.row.map((_, i) => spans.from[i] + spans.length[i])) * TICK;
  const due = round.deadlines ? Math.max(...round.deadlines.at) * TICK : null;
  const far = due > 1.5 * last; // the deadline would squeeze the bars
  const shapes = [];
  if (round.deadlines && !far)
    round.deadlines.gnb.forEach((gnb, i) => {
      const mine = rows.gnb.map((g, row) => (g === gnb ? row : -1)).filter((row) => row >= 0);
      const x = round.deadlines.at[i] * TICK;
      shapes.push({
        type: "line",
        x0: x,
        x1: x,
        y0: mine[0] - 0.5,
        y1: mine.at(-1) + 0.5,
        line: { color: css("--ink"), width: 1.3, dash: "dash" },
      });
    });
  const few = rows.ue.length <= 64;
  return {
    traces,
    height:
      Math.min(Math.max(rows.ue.length * (few ? 14 : 8) + 110, 300), 1000) +
      (innerWidth < 600 ? 14 * traces.length : 0), // the legend's lines
    layout: {
      barmode: "overlay",
      shapes,
      bargap: 0.1,
      xaxis: {
        title: `time in the round (s)${far ? `; the deadline is at ${number(due)} s` : ""}`,
        range: [0, 1.02 * (far || due === null ? last : Math.max(last, due))],
      },
      yaxis: {
        range: [rows.ue.length - 0.3, -0.7],
        showgrid: false,
        zeroline: false,
        ...(few
          ? {
              tickvals: rows.ue.map((_, i) => i),
              ticktext: rows.ue.map((_, i) => plain(short(label(i)))),
              tickfont: { size: 10.5 },
            }
          : gnbLabels(rows)),
      },
    },
  };
}

// Too many UEs to name: every gNB is named in the middle of its UEs, or some of many.
function gnbLabels(rows) {
  const rowsOf = new Map();
  rows.gnb.forEach((gnb, row) => rowsOf.set(gnb, [...(rowsOf.get(gnb) ?? []), row]));
  const every = Math.ceil((rowsOf.size * 13) / (rows.gnb.length * 8));
  const named = [...rowsOf].filter((_, i) => i % every === 0);
  return {
    title: "UEs, by gNB and end of upload",
    tickvals: named.map(([, mine]) => (mine[0] + mine.at(-1)) / 2),
    ticktext: named.map(([gnb]) => `gNB ${gnb}`),
    tickfont: { size: 9.5 },
  };
}

function about(spans, i, who, gnb, does) {
  const from = spans.from[i] * TICK,
    length = spans.length[i] * TICK;
  const kind = data.kinds[spans.kind[i]],
    outcome = spans.outcome[i];
  const lines = [
    `<b>${plain(who)}</b> ${does ? "to" : "at"} gNB ${gnb}${spans.module[i] === null ? "" : `, ${moduleName(spans.module[i])}`}`,
  ];
  lines.push(
    `${does ?? words(kind)}${outcome === null ? "" : `: ${words(data.outcomes[outcome])}`}${spans.attempt && spans.attempt[i] > 1 ? `, attempt ${spans.attempt[i]}` : ""}`,
  );
  lines.push(
    length ? `${number(from, 4)} to ${number(from + length, 4)} s, ${si(length, "s")}` : `at ${number(from, 4)} s`,
  );
  if (spans.bits[i])
    lines.push(
      si(spans.bits[i], "bit") + (spans.bandwidth_hz[i] ? ` in ${si(spans.bandwidth_hz[i], "Hz")}` : ""),
    );
  if (spans.energy_j[i]) lines.push(si(spans.energy_j[i], "J"));
  if (spans.train_loss && spans.train_loss[i] !== null)
    lines.push(`training loss ${number(spans.train_loss[i])}`);
  return lines.join("<br>");
}
