// The page put together.

function provenance() {
  const element = section("scenario", "The resolved scenario", {
    say: "Running it again gives the same bytes in every table.",
  });
  const box = make("div");
  element.append(box);
  const fresh = () => {
    const { scenario, metadata, folder } = run();
    const facts = [
      ["folder", folder],
      ["status", metadata.status],
      ["seed", metadata.seed],
      ["wall time", seconds(metadata.wall_time_s)],
      ...Object.entries(metadata.versions ?? {}),
    ].map(([k, v]) => [k, String(v)]);
    box.replaceChildren(
      make("pre", { tabindex: 0, "aria-label": "Scenario" }, scenario || "none in the folder"),
      make("details", {}, make("summary", {}, "Versions"), table(["what", "value"], facts)),
    );
  };
  fresh();
  return fresh;
}

// Why a run did not come to its end.
const statusOf = ({ status, error }) =>
  status === "done" ? "" : `status: ${status}` + (error ? ` (${error})` : "");

function heading() {
  const { metadata, label, folder } = run();
  byId("title").textContent = several ? data.runs.map((r) => r.label).join(" · ") : label;
  const lead = [
    `${run().ues.total} UEs`,
    metadata.network_only ? "network only" : "",
    `seed ${metadata.seed}`,
    `folder ${folder}`,
    statusOf(metadata),
    run().digest.rounds ? "" : "no round was closed",
  ];
  byId("lead").textContent = (several ? `Showing ${label}: ` : "") + lead.filter(Boolean).join(", ");
  byId("foot").textContent =
    `Made by netsim ${metadata.netsim ?? ""}. Figures by plotly.js (MIT licence). This page loads nothing from the network.`;
}

function setTheme(name) {
  document.documentElement.dataset.theme = name;
  redraw();
}

const system = matchMedia("(prefers-color-scheme: dark)");
document.documentElement.dataset.theme = system.matches ? "dark" : "light";
system.addEventListener("change", (event) => setTheme(event.matches ? "dark" : "light"));
byId("theme").addEventListener("click", () => setTheme(dark() ? "light" : "dark"));

const refresh = [heading, cards];
const figured = [
  comparisonSection,
  learningSection,
  timelineSection,
  latencySection,
  energySection,
  groundSection,
  subscriptionSection,
  finishSection,
  distanceSection,
  heldSection,
  cellSection,
  dataSection,
  ownSection,
  movementSection,
];
for (const made of [...(data.runs.some((r) => r.digest.rounds) ? figured : []), provenance]) {
  const fresh = made();
  if (fresh) refresh.push(fresh);
}
heading();
cards();

// Show another run in the sections of one run.
function choose(index) {
  current = index;
  byId("run").value = String(index);
  for (const card of document.querySelectorAll(".each button"))
    card.setAttribute("aria-pressed", String(Number(card.dataset.run) === index));
  redraw();
  refresh.forEach((fresh) => fresh());
}

const SHORT = {
  glance: "Runs",
  comparison: "Compared",
  learning: "Learning",
  timeline: "Round",
  latency: "Time",
  energy: "Energy",
  map: "Map",
  subscriptions: "Who",
  scenario: "Scenario",
};
for (const [id, text] of Object.entries(SHORT))
  if (byId(id)) byId("nav").append(make("a", { href: `#${id}` }, text));

if (several) {
  byId("run-choice").hidden = false;
  data.runs.forEach((r, i) => byId("run").append(make("option", { value: i }, r.label)));
  byId("run").addEventListener("change", (event) => choose(Number(event.target.value)));
}
