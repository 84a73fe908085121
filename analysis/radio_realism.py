"""Which simplification of the radio changes conclusions?

    python analysis/radio_realism.py [--size small|cpu] [--minutes M] [--jobs N] [--out D]

From the paper's radio to 5G NR in steps, each with all before it: one fading draw and uncapped
Shannon; the rates of NR's modulation and coding schemes, without retransmissions; fading in
coherence blocks; HARQ with incremental redundancy; energy by what UEs do; a downlink that fades.
The cell is the quickstart's on an FDD carrier of 20 MHz at 1.8 GHz in all steps. Algorithm 2 and
FedLoRA learn reviews in each, with the same seeds, so that differences are of pairs: of a step from
the one before, and of the two schemes within a step, which is the conclusion that may change.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import findings
import polars as pl
import study

import netsim
from netsim.results.targets import curve_of, sustained_cost

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TARGET, KEPT = 0.75, 2
SCHEMES = {"model_switching": "Algorithm 2", "fedlora": "FedLoRA"}
STEPS: dict[str, dict[str, Any]] = {
    "paper": {},
    "capped rate": {
        "radio.rate_model": "nr",
        "radio.nr.subcarrier_spacing_khz": 15,
        "radio.nr.transmissions": 1,
    },
    "block fading": {"radio.fading": "block"},
    "HARQ": {"radio.nr.transmissions": 4},
    "energy by state": {"device.power": "states"},
    "downlink": {"downlink.link": "faded", "downlink.noise_figure_db": 9.0},
}
FEW_SAMPLES = {
    f"devices.{device}.samples_{end}": 4 for device in range(3) for end in ("min", "max")
}
FIXED: dict[str, Any] = FEW_SAMPLES | {
    "radio.bandwidth_hz": 20e6,
    "radio.carrier_hz": 1.8e9,
    "radio.noise_figure_db": 5.0,
    "downlink.bandwidth_hz": 20e6,
    "data.train_samples": 3000,
    "data.test_samples": 200,
    "data.samples_per_ue": 60,
    "learning.evaluate_every": 1,
    "ues.count": 16,
    "rounds": 16,
}
SIZES: dict[str, tuple[int, dict[str, Any]]] = {
    "cpu": (8, {}),
    "small": (1, {"rounds": 3, "ues.count": 6, "data.train_samples": 600, "data.test_samples": 60}),
}
MEASURES = {
    "lost": "uploads lost, %",
    "upload_s": "airtime of an upload, s",
    "joules": "energy of UEs, J per round",
    "seconds": f"time to {TARGET:g}, s",
    "last": "last three accuracies, %",
}


def grids() -> list[dict[str, Sequence[Any]]]:
    """One for each step and scheme."""
    found, changed = [], dict[str, Any]()
    for step, change in STEPS.items():
        changed |= change
        one = {key: [value] for key, value in changed.items()}
        found += [{**one, "name": [step], "scheme.kind": [scheme]} for scheme in SCHEMES]
    return found


def measured(run: netsim.Run) -> dict[str, float | bool | None]:
    """What a run came to; seconds: the end of the run, where the target is not reached."""
    rounds, uploads = run.rounds.collect(), run.uploads.collect()
    on_time = uploads.filter(pl.col("outcome") == "on_time")
    cost = sustained_cost(run, TARGET, "time_s", kept=KEPT)
    assert cost is not None
    energy_j = run.spans.filter(pl.col("ue").is_not_null()).select("energy_j").sum().collect()
    accuracy = curve_of(run)["accuracy"]
    return {
        "lost": 100 * (1 - len(on_time) / max(len(uploads), 1)),
        "upload_s": on_time["airtime_s"].mean(),  # type: ignore[dict-item]
        "joules": energy_j.item() / len(rounds),
        "seconds": cost.value,
        "arrived": cost.arrived,
        "last": 100 * float(accuracy.tail(3).mean()),  # type: ignore[arg-type]
    }


def table_of(found: netsim.Sweep, seeds: Sequence[int]) -> pl.DataFrame:
    """A row per run: step, scheme, seed and what it came to."""
    rows = []
    for job, told in found.jobs.items():
        chosen = told["overrides"]
        if told["seed"] in seeds:
            keys = {"step": chosen["name"], "scheme": chosen["scheme.kind"], "seed": told["seed"]}
            rows.append(keys | measured(found.run(job)))
    order = pl.Enum(list(STEPS))
    return (
        pl.DataFrame(rows).with_columns(pl.col("step").cast(order)).sort("step", "scheme", "seed")
    )


def differences(table: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """(of each step from the one before, per scheme; of Algorithm 2 from FedLoRA, per step)."""
    steps = list(STEPS)
    own = table.with_columns(pl.col("step").cast(pl.String))
    later = pl.DataFrame({"step": steps[1:], "before": steps[:-1]})
    pairs = own.join(later, on="step").join(
        own, left_on=["before", "scheme", "seed"], right_on=["step", "scheme", "seed"]
    )
    schemes = own.filter(scheme="model_switching").join(
        own.filter(scheme="fedlora"), on=["step", "seed"]
    )
    less = [pl.col(name) - pl.col(f"{name}_right") for name in MEASURES]
    return pairs.with_columns(less), schemes.with_columns(less)


def report(table: pl.DataFrame) -> str:
    """Markdown: what the steps come to, what each changes, and whether the schemes' order does."""
    names = {"step": "radio", **MEASURES}
    parts = [findings.opening(__doc__ or "")]
    by_step, by_scheme = differences(table)
    for scheme, title in SCHEMES.items():
        own = table.filter(scheme=scheme)
        found = findings.means(own, ["step"], list(MEASURES)).with_columns(
            pl.col("step").cast(pl.String)
        )
        parts.append(f"{title}:\n\n" + findings.markdown(found, names))
        changed = findings.means(by_step.filter(scheme=scheme), ["step"], list(MEASURES))
        parts.append(
            "Changes with each step, of pairs:\n\n"
            + findings.markdown(changed, {**names, "step": "added"})
        )
    order = findings.means(by_scheme, ["step"], list(MEASURES))
    parts.append(
        f"{' less '.join(SCHEMES.values())}, of pairs:\n\n" + findings.markdown(order, names)
    )
    parts.append(verdict(order))
    parts.append(
        "± is half of the 95% interval over seeds. Airtimes are of uploads that arrived; a run that "
        f"has not kept {TARGET:g} for {KEPT} evaluations counts with its length."
    )
    return "\n\n".join(parts)


def verdict(order: pl.DataFrame) -> str:
    """In which measures the schemes' order, or whether it is sure, is another than before."""
    changed = []
    for name, title in MEASURES.items():
        before = None
        for row in order.iter_rows(named=True):
            sure = row[f"{name}_low"] is not None and row[f"{name}_low"] * row[f"{name}_high"] > 0
            sign = (1 if row[name] > 0 else -1) if sure else 0
            if before is not None and sign != before:
                words = {1: "more", -1: "less", 0: "undecided"}
                changed.append(f"{title}: {words[before]} to {words[sign]} with {row['step']}")
            before = sign
    if not changed:
        return "No step changes which scheme comes out ahead in any measure."
    return "Algorithm 2 beside FedLoRA changes in: " + "; ".join(changed) + "."


def draw(table: pl.DataFrame) -> Figure:
    """Each measure against the steps, a line per scheme, with intervals over seeds."""
    import figure_style
    import matplotlib.pyplot as plt

    figure_style.use()
    figure, axes = plt.subplots(
        1, len(MEASURES), figsize=(figure_style.PAGE_IN, 2.8), layout="constrained"
    )
    steps = list(STEPS)
    for panel, (name, title) in zip(axes, MEASURES.items(), strict=True):
        for scheme, label in SCHEMES.items():
            found = findings.means(table.filter(scheme=scheme), ["step"], [name])
            at = [steps.index(step) for step in found["step"]]
            low, high = found[f"{name}_low"], found[f"{name}_high"]
            spread = ((high - low) / 2).fill_null(0.0).fill_nan(0.0)
            panel.errorbar(at, found[name], yerr=spread, marker="o", markersize=3, label=label)
        panel.set_title(title, fontsize=7)
        panel.set_xticks(range(len(steps)), steps, rotation=90, fontsize=7)
        panel.set_ylim(bottom=0)
    axes[0].legend(fontsize=7)
    return figure


def main(argv: Sequence[str] | None = None) -> None:
    """Run, tabulate, draw."""
    asked = study.options(argv, __file__, __doc__, SIZES)
    count, more = SIZES[asked.size]
    seeds, found = study.complete(asked, "quickstart", grids(), range(count), FIXED | more)
    table = table_of(found, seeds)
    findings.write(asked, table, report(table), draw(table), seeds=seeds, sweeps=[found])


if __name__ == "__main__":
    main()
