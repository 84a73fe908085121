// Summary cards; accuracy and loss against rounds, simulated time and energy.

function cards() {
  const { digest, metadata } = run();
  const spent = digest.spent_j;
  const { outcomes } = digest;
  const made = [];
  const card = (name, value, detail) =>
    made.push(
      make(
        "div",
        { class: "card" },
        make("div", { class: "name" }, name),
        make("div", { class: "value" }, value),
        make("div", { class: "detail" }, detail),
      ),
    );
  if (digest.accuracy.length) {
    const { accuracy } = digest;
    const hit = run().learning.ensemble.accuracy.findIndex((a) => a >= 0.9);
    card(
      "Test accuracy",
      number(accuracy.at(-1)),
      `ensemble, from ${number(accuracy[0])}` +
        (hit >= 0 ? `; 0.9 after ${seconds(run().learning.ensemble.time_s[hit])}` : ""),
    );
  }
  card(
    "Simulated time",
    seconds(digest.simulated_s),
    `${digest.rounds} rounds${metadata.stop_reason && metadata.stop_reason !== "rounds" ? `, ended by ${words(metadata.stop_reason)}` : ""}`,
  );
  card(
    "Uploads on time",
    percent(outcomes.on_time, digest.uploads),
    `of ${digest.uploads.toLocaleString("en")}: ` +
      Object.entries(outcomes)
        .filter(([o, n]) => o !== "on_time" && n)
        .map(([o, n]) => `${n.toLocaleString("en")} ${words(o)}`)
        .join(", "),
  );
  card(
    "Energy",
    si(spent, "J"),
    `computing ${percent(digest.spent_on_j.compute, spent)}, uplink ${percent(digest.spent_on_j.uplink, spent)}`,
  );
  card(
    "Wasted energy",
    percent(digest.wasted_j, spent),
    `${si(digest.wasted_j, "J")} on updates that did not count`,
  );
  card(
    "Delivered",
    si(digest.delivered_bits, "bit"),
    digest.emulated ? "emulated: sizes are not those of what was sent" : "in uploads that counted",
  );
  if (run().truncated)
    card("Truncated", run().truncated.toLocaleString("en"), "uploads whose UEs were silent, as their channels could not be inverted");
  if (digest.epsilon !== null)
    card("Privacy", `ε ${number(digest.epsilon, 3)}`, "spent by the UE that has spent most, at privacy.delta");
  const { masking } = run();
  if (masking !== null)
    card(
      "Secure aggregation",
      `${masking.unmasked} of ${masking.sums}`,
      `sums unmasked, others lost; adds ${si(masking.up_bits, "bit")} up, ${si(masking.down_bits, "bit")} down; modelled, not cryptographic`,
    );
  const { pairing } = run();
  if (pairing !== null)
    card(
      "Pairs on one band",
      pairing.pairs.toLocaleString("en"),
      `decoded first ${percent(pairing.first, pairing.pairs)} on time, second ${percent(pairing.second, pairing.pairs)}`,
    );
  card("Median arrival", seconds(digest.median_finish_s), "after the start of the round");
  card("Fairness", number(digest.fairness, 2), "Jain's index of the UEs' arrivals");
  if (digest.handovers)
    card("Handovers", digest.handovers.toLocaleString("en"), `of ${run().movement.handovers.ue.length} UEs`);
  byId("cards").replaceChildren(...made);
}

const targetName = (target, r = run()) => (/^\d+$/.test(target) ? moduleName(target, r) : words(target));
const AGAINST = { round: "round", time_s: "simulated time (s)", energy_j: "energy spent (J)" };

function learningSection() {
  if (!data.runs.some((r) => Object.keys(r.learning).length)) return;
  let measure = "accuracy",
    against = "time_s";
  const element = section("learning", "Learning", {
    say: "Measured on the common split; the ensemble averages the adapters' predictions. All three axes belong to the same events.",
    controls: [
      choice(
        "Measure",
        [
          ["accuracy", "Accuracy"],
          ["loss", "Loss"],
        ],
        measure,
        (v) => {
          measure = v;
          again();
        },
      ),
      choice(
        "Against",
        [
          ["round", "Rounds"],
          ["time_s", "Time"],
          ["energy_j", "Energy"],
        ],
        against,
        (v) => {
          against = v;
          again();
        },
      ),
    ],
  });
  const again = figure(
    element,
    "learning-plot",
    "Accuracy or loss of the ensemble and of the adapters",
    () => {
      const traces = [];
      const line = (target, curve, name, style) =>
        traces.push({
          x: curve[against],
          y: curve[measure],
          name: plain(name),
          mode: "lines",
          ...style,
          text: curve.round.map(
            (r, i) =>
              `${plain(name)}<br>round ${r}, ${seconds(curve.time_s[i])}, ${si(curve.energy_j[i], "J")}<br>` +
              `accuracy ${number(curve.accuracy[i])}, loss ${number(curve.loss[i])}`,
          ),
          hovertemplate: "%{text}<extra></extra>",
        });
      data.runs.forEach((r, i) => {
        if (r.learning.ensemble)
          line("ensemble", r.learning.ensemble, several ? r.label : "ensemble", {
            line: { width: 3, color: runColour(i), dash: DASHES[Math.floor(i / 6)] },
          });
      });
      const modules = Object.entries(run().learning).filter(([target]) => target !== "ensemble");
      if (!several || modules.length > 1)
        modules.forEach(([target, curve], i) =>
          line(target, curve, several ? `${targetName(target)}, ${run().label}` : targetName(target), {
            line: { width: 1.3, color: LINES[(i + 1) % 6], dash: DASHES[1 + (i % 3)] },
            opacity: 0.9,
            visible: several ? "legendonly" : true,
          }),
        );
      return {
        traces,
        height: 360,
        layout: {
          xaxis: { title: AGAINST[against], rangemode: "tozero" },
          yaxis: { title: measure === "loss" ? "cross-entropy (nat)" : "test accuracy" },
        },
      };
    },
    360,
  );
}
