"""Does Algorithm 1 always converge, at what cost, and how does the delay grow with the number of
UEs?

    python analysis/fig3_allocation.py [--size small|cpu] [--out DIR]

Fig. 3 of the paper: Algorithm 1 "can always attain a stable solution", its iterations rise with K
as O(K log2(E_input / omega)), and the delay adapts to K. Here: the first K UEs of the cell of
topologies/paper.toml at P_max and mean gains, modules in turn, over placements. Side by side: the
printed loop, from E_min = 5 ms to E_input; the same from a bracket that always holds the root;
Newton's method. Printed (19)-(20) themselves cannot stand in the loop: where the SINR is above e -
1 they need the other branch of Lambert's W than the principal one.

Ours: E_input, omega, placements, payloads, and `admitted`, those who fit into 10 s (the paper
admits all).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import figure_style
import findings
import matplotlib.pyplot as plt
import numpy as np
import polars as pl
import study
from matplotlib.figure import Figure

from netsim.allocation.admission import admit
from netsim.allocation.bandwidth import allocate_bandwidth
from netsim.allocation.two_tier import two_tier_search
from netsim.allocation.uplinks import required_shares
from netsim.assembly.radio import build_radio
from netsim.assembly.topology import build_deployment, drop_ues
from netsim.scenario.load import load_scenario
from netsim.units import FloatArray, dbm_to_w

PAPER = study.HERE.parent / "topologies" / "paper.toml"
E_MIN_S, OMEGA, MAX_ITERATIONS = 5e-3, 1e-3, 100
E_INPUTS_S = (10.0, 100.0, 1000.0, 10000.0)
BUDGET_S = 10.0  # the deadline of paper.toml
SIZES = {
    "small": ((1, 10, 100), 3),
    "cpu": ((1, 2, 5, 10, 20, 50, 100, 200, 500, 1000), 40),
}  # K, placements
SEARCHES = {"valid": "bisection, valid bracket", "newton": "Newton's method"} | {
    f"printed {e:g}": f"printed, E_input = {e:g} s" for e in E_INPUTS_S
}


def cells(
    largest: int, seeds: int
) -> Iterator[tuple[int, FloatArray, FloatArray, FloatArray, float, float]]:
    """Per placement: seed, signal W [K], interference W [K], payload bit [K], band Hz, noise
    W/Hz.
    """
    for seed in range(seeds):
        scenario = load_scenario(PAPER, {"seed": seed, "ues.count": largest})
        deployment = build_deployment(scenario)
        radio = build_radio(scenario, deployment)
        links = radio.links_of(drop_ues(scenario, radio.landscape))
        bits = np.array(
            [module.payload_bits_override for module in scenario.modules], dtype=np.float64
        )
        radio = scenario.radio
        yield (
            seed,
            radio.max_power_w * links.gain,
            links.interference_w,
            np.resize(bits, largest),
            radio.bandwidth_hz,
            dbm_to_w(radio.noise_psd_dbm_hz),
        )


def measure(counts: Sequence[int], seeds: int) -> pl.DataFrame:
    """One row per placement, K, who takes part and search."""
    rows: list[dict[str, Any]] = []
    for seed, *problem, band_hz, noise_w_hz in cells(max(counts), seeds):
        air = {"bandwidth_hz": band_hz, "noise_psd_w_hz": noise_w_hz}
        for count in counts:
            first = [values[:count] for values in problem]
            admitted = admit(required_shares(*first, BUDGET_S, **air))
            for who, chosen in (("all", np.ones(count, dtype=np.bool_)), ("admitted", admitted)):
                links = [values[chosen] for values in first]
                told = {"seed": seed, "ue_count": count, "who": who, "active": int(chosen.sum())}
                rows += [told | found for found in searches(links, air)] if chosen.any() else []
    return pl.DataFrame(rows, infer_schema_length=None)


def searches(links: Sequence[FloatArray], air: dict[str, float]) -> Iterator[dict[str, Any]]:
    """What each search makes of one problem."""
    signal, interference, _ = links
    newton = allocate_bandwidth(*links, **air)
    sinr = signal / (interference + air["bandwidth_hz"] * air["noise_psd_w_hz"] * newton.shares)
    found = {
        "newton": newton,
        "valid": two_tier_search(*links, **air, precision=OMEGA, max_iterations=MAX_ITERATIONS),
    }
    for e_input in E_INPUTS_S:
        found[f"printed {e_input:g}"] = two_tier_search(
            *links,
            **air,
            precision=OMEGA,
            max_iterations=MAX_ITERATIONS,
            finish_bracket_s=(E_MIN_S, e_input),
        )
    for name, one in found.items():
        yield {
            "search": name,
            "outer": one.outer_iterations,
            "inner": one.inner_iterations,
            "converged": one.converged,
            "finish_s": one.finish_s if np.isfinite(one.finish_s) else None,
            "best_s": newton.finish_s,
            "other_branch": float((sinr > np.e - 1).mean()),
        }


def draw(rows: pl.DataFrame) -> Figure:
    """Outer iterations, inner solves and delay against K."""
    figure_style.use()
    figure, axes = plt.subplots(1, 3, figsize=(figure_style.PAGE_IN, 2.9))
    everybody = rows.filter(pl.col("who") == "all")
    always = everybody.filter(pl.col("converged").all().over("search", "ue_count"))
    ended = findings.means(always, ["search", "ue_count"], ["outer", "inner"])
    for search, name in SEARCHES.items():
        mine = ended.filter(pl.col("search") == search)
        for panel, value in zip(axes, ("outer", "inner"), strict=False):
            figure_style.band(panel, mine, "ue_count", value, name)
    delay = findings.means(
        rows.filter(pl.col("search") == "newton"), ["who", "ue_count"], ["best_s"]
    )
    for who, name in (("all", "everybody (paper)"), ("admitted", f"who fits into {BUDGET_S:g} s")):
        figure_style.band(axes[2], delay.filter(pl.col("who") == who), "ue_count", "best_s", name)
    axes[0].set(ylabel="outer iterations (steps of E)", ylim=(0, None))
    axes[1].set(ylabel="inner solves (shares)", yscale="log")
    axes[2].set(ylabel="upload delay E* (s)", yscale="log")
    for panel, title in zip(
        axes, ("a  Outer iterations", "b  Inner solves", "c  Delay"), strict=True
    ):
        panel.set(xlabel="UEs, K", xscale="log")
        panel.set_title(title)
    axes[2].legend(loc="upper left")
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3)
    return figure


def report(rows: pl.DataFrame) -> str:
    """The tables, in Markdown."""
    seeds = rows["seed"].n_unique()
    lines = [
        findings.opening(__doc__),
        f"\nMeans over {seeds} placements ± half of the 95% t-interval; omega = {OMEGA:g}. Where not all "
        "placements converge, their share is given and the mean is of them alone; the figure leaves it out.",
    ]
    for who in ("all", "admitted"):
        mine = rows.filter(pl.col("who") == who)
        for value, name in (("outer", "outer iterations"), ("inner", "inner solves")):
            lines += [f"\n## UEs: {who}, {name}\n", findings.markdown(by_search(mine, value))]
    delays = rows.filter(pl.col("search") == "newton")
    table = findings.means(delays, ["who", "ue_count"], ["active", "best_s", "other_branch"])
    names = {"who": "UEs", "ue_count": "K", "active": "taking part", "best_s": "E* (s)"}
    lines.append("\n## Delay, and UEs for which (19)-(20) need the other branch\n")
    lines.append(
        findings.markdown(table.sort("who", "ue_count"), names | {"other_branch": "share of UEs"})
    )
    return "\n".join(lines)


def by_search(rows: pl.DataFrame, value: str) -> pl.DataFrame:
    """One row per K, one column of text per search."""
    ended = findings.means(rows.filter("converged"), ["search", "ue_count"], [value])
    share = rows.group_by("search", "ue_count").agg(pl.col("converged").mean())
    cells = [
        {
            "K": row["ue_count"],
            "search": SEARCHES[row["search"]],
            "text": findings.shown(row[value], row[f"{value}_low"], row[f"{value}_high"])
            + (f" ({100 * row['converged']:.3g} % converge)" if row["converged"] < 1 else ""),
        }
        for row in share.join(ended, on=["search", "ue_count"], how="left").iter_rows(named=True)
    ]
    table = pl.DataFrame(cells).pivot("search", index="K", values="text").sort("K")
    return table.select("K", *SEARCHES.values())


def main(argv: Sequence[str] | None = None) -> None:
    """Measure, tabulate, draw."""
    asked = study.options(argv, __file__, __doc__, SIZES)
    counts, seeds = SIZES[asked.size]
    rows = measure(counts, seeds)
    findings.write(asked, rows, report(rows), draw(rows), seeds=range(seeds))


if __name__ == "__main__":
    main()
