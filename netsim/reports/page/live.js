// New data of a run in progress, shown in place. A page that nobody sees asks for nothing.

const ASK_EVERY_MS = 1000;
const mark = make("span", { id: "live", role: "status" });
byId("lead").before(mark);
let version = data.live;

function tell() {
  const { status } = run().metadata;
  mark.textContent = status === "running" ? `live: round ${run().digest.rounds}` : `the run is over: ${status}`;
  mark.dataset.status = status;
}

// Sections are made where a run has what they show; one that has more now is made anew.
const contents = (r) =>
  JSON.stringify([
    r.digest.rounds > 0,
    Object.keys(r.learning),
    r.timeline.rounds.length > 0,
    r.gnbs.gnb.length > 1,
    Boolean(r.ground),
  ]);

async function ask() {
  if (document.hidden) return;
  let answer;
  try {
    answer = await fetch("data", { headers: { "If-None-Match": version }, cache: "no-store" });
  } catch {
    mark.textContent = "not served any more";
    mark.dataset.status = "gone";
    return;
  }
  if (answer.status === 200) {
    const next = await answer.json();
    version = answer.headers.get("ETag");
    const before = contents(data.runs[0]);
    if (contents(next.runs[0]) !== before) {
      location.reload();
      return;
    }
    Object.assign(data, next);
    redraw();
    refresh.forEach((fresh) => fresh());
  }
  tell();
}

tell();
const again = () => ask().finally(() => setTimeout(again, ASK_EVERY_MS));
setTimeout(again, ASK_EVERY_MS);
document.addEventListener("visibilitychange", ask);
