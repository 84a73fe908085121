"""What do fewer bits cost, and what does privacy?

    python analysis/lossy_uploads.py [--size small|cpu] [--minutes M] [--jobs N] [--out D]

FedLoRA of rank 2 with a frozen head learns reviews with 100 UEs in the quickstart's cell. Uploads
are encoded by each codec, with and without error feedback, and made private at the gNB or at the
UEs. Bits are those of the encodings, and what is aggregated is decoded from them, so that accuracy,
seconds and joules to the target come out of one run. Without bits, all UEs send at once, as analog
signals that add up on the air, in the same interference field. Seeds are the same in all cases: the
same cell, the same fading, the same data. Differences from uploads as they are are of pairs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import findings
import polars as pl
import study

import netsim
from netsim.results.targets import curve_of, sustained_cost

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TARGET, KEPT = 0.75, 2
PLAIN = "float32"


@dataclass(frozen=True)
class Case:
    """A way to send, and what it is drawn as."""

    changes: Mapping[str, Any] = field(default_factory=dict)
    family: str = "one by one"


def _upload(codec: str, *, feedback: bool = False, **parameters: Any) -> dict[str, Any]:
    named = {f"upload.{name}": value for name, value in parameters.items()}
    found = {"upload.codec": codec, **named}
    return found | ({"upload.error_feedback": True} if feedback else {})


def _private(kind: str, noise: float) -> dict[str, Any]:
    return {
        "privacy.kind": kind,
        "privacy.clip_norm": 1.5,
        "privacy.noise_multiplier": noise,
        "privacy.delta": 1e-3,
    }


CASES = {
    PLAIN: Case(),
    "bfloat16": Case(_upload("bfloat16")),
    "QSGD, 8 bits": Case(_upload("qsgd", bits=8, norm="max")),
    "QSGD, 4 bits": Case(_upload("qsgd", bits=4, norm="max")),
    "QSGD, 2 bits": Case(_upload("qsgd", bits=2, norm="max")),
    "sign": Case(_upload("sign")),
    "sign, feedback": Case(_upload("sign", feedback=True), "feedback"),
    "top 5%": Case(_upload("top_k", kept=0.05), "some"),
    "top 5%, feedback": Case(_upload("top_k", kept=0.05, feedback=True), "feedback"),
    "5% at random": Case(_upload("random_k", kept=0.05), "some"),
    "top 5% in 8 bits, feedback": Case(
        _upload("topk_qsgd", kept=0.05, bits=8, feedback=True), "feedback"
    ),
    "float32, gNB's noise 0.5": Case(_private("central", 0.5), "private"),
    "float32, gNB's noise 1.5": Case(_private("central", 1.5), "private"),
    "QSGD, 4 bits, gNB's noise 0.5": Case(
        _upload("qsgd", bits=4, norm="max") | _private("central", 0.5), "private"
    ),
    "float32, UEs' noise 0.5": Case(_private("local", 0.5), "private"),
    "on the air": Case({"uplink.access": "aircomp"}, "analog"),
    "on the air, 10% silent": Case(
        {"uplink.access": "aircomp", "uplink.truncation": 0.1}, "analog"
    ),
}
"""One more case is one more line."""
FEW_SAMPLES = {
    f"devices.{device}.samples_{end}": 4 for device in range(3) for end in ("min", "max")
}
FIXED: dict[str, Any] = FEW_SAMPLES | {
    "scheme.kind": "fedlora",
    "scheme.rank": 2,
    "learning.train_head": False,
    "radio.bandwidth_hz": 10e6,
    "round.compute_limit_s": 2.0,
    "round.deadline_s": 6.0,
    "data.train_samples": 7000,
    "data.test_samples": 100,
    "data.samples_per_ue": 60,
    "learning.learning_rate": 0.02,
    "learning.local_steps": 2,
    "learning.evaluate_every": 2,
    "ues.count": 100,
    "rounds": 20,
}
SIZES: dict[str, tuple[int, dict[str, Any]]] = {
    "cpu": (5, {}),
    "small": (
        1,
        {
            "rounds": 2,
            "ues.count": 4,
            "data.train_samples": 300,
            "data.test_samples": 40,
            "data.samples_per_ue": 20,
        },
    ),
}
MEASURES = {
    "bits": "bits of an upload, kbit",
    "airtime_s": "airtime of an upload, s",
    "seconds": f"time to {TARGET:g}, s",
    "joules": f"energy to {TARGET:g}, J",
    "last": "last three accuracies, %",
    "epsilon": "ε at the end",
}


def grids() -> list[dict[str, Sequence[Any]]]:
    """One for each case."""
    found = []
    for name, case in CASES.items():
        one = {key: [value] for key, value in case.changes.items()}
        found.append({**one, "name": [name]})
    return found


def measured(run: netsim.Run) -> dict[str, float | bool | None]:
    """What a run came to; seconds, joules: the run's, where the target is not reached."""
    uploads = run.uploads.collect()
    on_time = uploads.filter(pl.col("outcome") == "on_time")
    seconds = sustained_cost(run, TARGET, "time_s", kept=KEPT)
    joules = sustained_cost(run, TARGET, "energy_j", kept=KEPT)
    assert seconds is not None
    assert joules is not None
    accuracy = curve_of(run)["accuracy"]
    analog = uploads["noise"].is_not_null().any()
    return {
        "bits": None if analog else uploads["payload_bits"].mean() / 1e3,  # type: ignore[operator, dict-item]
        "airtime_s": on_time["airtime_s"].mean(),  # type: ignore[dict-item]
        "seconds": seconds.value,
        "joules": joules.value,
        "arrived": seconds.arrived,
        "last": 100 * float(accuracy.tail(3).mean()),  # type: ignore[arg-type]
        "epsilon": run.rounds.collect()["epsilon"].max(),  # type: ignore[dict-item]
    }


def table_of(found: netsim.Sweep, seeds: Sequence[int]) -> pl.DataFrame:
    """A row per run: case, seed and what it came to."""
    rows = []
    for job, told in found.jobs.items():
        if told["seed"] in seeds:
            keys = {"case": told["overrides"]["name"], "seed": told["seed"]}
            rows.append(keys | measured(found.run(job)))
    order = pl.Enum(list(CASES))
    numbers = [pl.col(name).cast(pl.Float64) for name in MEASURES]
    table = pl.DataFrame(rows, infer_schema_length=None)
    return table.with_columns(pl.col("case").cast(order), *numbers).sort("case", "seed")


def differences(table: pl.DataFrame) -> pl.DataFrame:
    """Of each case from uploads as they are, seed by seed."""
    plain = table.filter(pl.col("case") == PLAIN).drop("case")
    pairs = table.filter(pl.col("case") != PLAIN).join(plain, on="seed")
    names = [name for name in MEASURES if name not in ("epsilon", "bits")]
    return pairs.with_columns(pl.col(name) - pl.col(f"{name}_right") for name in names)


def report(table: pl.DataFrame) -> str:
    """Markdown: what the cases come to, and how far from uploads as they are."""
    names = {"case": "uploads", **MEASURES}
    found = findings.means(table, ["case"], list(MEASURES))
    arrived = table.group_by("case").agg(
        reached=pl.format("{} of {}", pl.col("arrived").sum(), pl.len())
    )
    lost = [name for name in MEASURES if name not in ("epsilon", "bits")]
    changed = findings.means(differences(table), ["case"], lost)
    return "\n\n".join(
        [
            findings.opening(__doc__ or ""),
            findings.markdown(found, names),
            "Differences from float32, of pairs:\n\n"
            + findings.markdown(changed, {name: names[name] for name in ("case", *lost)}),
            "Runs that reached the target: "
            + "; ".join(
                f"{row['case']} {row['reached']}" for row in arrived.sort("case").to_dicts()
            )
            + ".",
            "± is half of the 95% interval over seeds; bars of the figure are those of the differences "
            "from float32. A run that has not kept "
            f"{TARGET:g} for {KEPT} evaluations counts with its length and its energy. "
            "Noise is over the clipping norm, 1.5, and at the gNB over the greatest weight in the "
            "plan. ε is of the UE that has spent most, at δ = 0.001: it is large, since a cell has "
            "few UEs to hide among, and fewer arrive than were planned with. On the air no bits are "
            "sent, but two numbers in each symbol (left, and dashed, in the figure).",
        ]
    )


def draw(table: pl.DataFrame) -> Figure:
    """Seconds, joules and accuracy against the bits of an upload; bars: of differences, paired."""
    import figure_style
    import matplotlib.pyplot as plt

    figure_style.use()
    shown = ("seconds", "joules", "last")
    figure, axes = plt.subplots(
        1, len(shown), figsize=(figure_style.PAGE_IN, 3.4), layout="constrained"
    )
    families = list(dict.fromkeys(case.family for case in CASES.values()))
    markers = dict(zip(families, "osDv^", strict=False))
    pairs = differences(table)
    for panel, name in zip(axes, shown, strict=True):
        found = findings.means(table, ["case"], [name, "bits"])
        spread = {PLAIN: 0.0}
        for row in findings.means(pairs, ["case"], [name]).iter_rows(named=True):
            sure = row[f"{name}_low"] is not None and row[f"{name}_low"] == row[f"{name}_low"]
            spread[row["case"]] = (row[f"{name}_high"] - row[f"{name}_low"]) / 2 if sure else 0.0
        for number, row in enumerate(found.iter_rows(named=True)):
            color, mean, half = f"C{number % 10}", row[name], spread[row["case"]]
            bits = row["bits"]
            if bits is None:  # none are sent
                bits = 1.2
                panel.axhline(mean, color=color, linestyle="--", linewidth=0.8)
            panel.errorbar(
                [bits * 1.008 ** (number - len(found) / 2)],  # apart, where bits are the same
                [mean],
                yerr=[half],
                marker=markers[CASES[row["case"]].family],
                color=color,
                linestyle="none",
                markersize=4,
                label=row["case"],
            )
        if name == "last":
            panel.set_ylim(top=100)
        panel.set_xscale("log")
        panel.set_xlabel(MEASURES["bits"])
        panel.set_title(MEASURES[name], fontsize=8)
    figure.legend(
        *axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=4, fontsize=6
    )
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
