"""How far is the rate of 5G NR from Shannon's, and from the threshold's code?

    python analysis/nr_rate.py [--size cpu]

Mean rate of an uplink of 0.2 W in 20 MHz at 1.8 GHz against the distance: urban macro path loss at
its median, noise figure 5 dB, no interference, Rayleigh fading in coherence blocks. NR is netsim's
link layer (MCS table 1, HARQ, DM-RS), with schemes that know the block's SINR, or that of the block
before. Where Sionna (sionna-no-rt) is installed, the goodput of Sionna SYS's block error rates at
the same SINRs stands beside it: code blocks of 2000 bit, the scheme of most goodput, no HARQ, the
same resource elements. Its tables begin with MCS 3 and end at 20 to 25 dB.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import figure_style
import findings
import matplotlib.pyplot as plt
import numpy as np
import polars as pl
import study
from matplotlib.figure import Figure
from scipy.stats import norm

from netsim import rng
from netsim.radio.budget import noise_psd_w_hz
from netsim.radio.nr.goodput import NrLink
from netsim.radio.nr.grid import ResourceGrid
from netsim.radio.nr.lookup import expected_bps
from netsim.radio.rate_model import RateModel
from netsim.radio.tr38901 import UrbanMacro
from netsim.units import FloatArray, from_db, to_db

SIZES = {"small": (6, 40), "cpu": (25, 2000)}  # distances, blocks
GRID = ResourceGrid(bandwidth_hz=20e6, subcarrier_spacing_hz=15e3)
LINK = NrLink(grid=GRID)
POWER_W = 0.2
THRESHOLD = from_db(-5.0)
NAMES = {
    "shannon": "Shannon",
    "threshold": "code of the threshold, -5 dB",
    "nr": "NR",
    "nr_late": "NR, SINR known a block late",
    "sionna": "Sionna SYS, no HARQ",
}


def measure(distances: int, blocks: int) -> pl.DataFrame:
    """Mean rates, bit/s, by distance and rate model."""
    distance_m = np.geomspace(50, 2500, distances)
    pathloss = UrbanMacro(carrier_hz=1.8e9)
    used_hz = GRID.blocks * GRID.block_hz
    noise_w = noise_psd_w_hz(5.0) * used_hz
    mean_sinr = POWER_W * pathloss.gain(distance_m) / noise_w
    fading = rng.stream(1, "nr_rate").standard_exponential(blocks)
    sinr = mean_sinr[:, None] * fading  # [distance, block]
    everything = np.full(distances, GRID.blocks)
    before = np.roll(sinr, 1, axis=1)
    code_bps = RateModel("threshold", THRESHOLD).rate_bps(np.array(used_hz), sinr)
    rates = {
        "shannon": used_hz * np.log2(1 + sinr),
        "threshold": np.where(sinr >= THRESHOLD, code_bps, 0.0),
        "nr": expected_bps(LINK, everything, sinr, sinr),
        "nr_late": expected_bps(LINK, everything, sinr, before),
    }
    if find_spec("sionna") is not None:
        rates["sionna"] = sionna_bps(sinr)
    columns = {name: rate.mean(axis=1) for name, rate in rates.items()}
    return pl.DataFrame({"distance_m": distance_m, "sinr_db": to_db(mean_sinr), **columns})


def sionna_bps(sinr: FloatArray) -> FloatArray:
    """Goodput from the block error rates of Sionna SYS, PDSCH table 1. Any shape."""
    spec = find_spec("sionna")
    assert spec is not None
    assert spec.origin is not None
    file = Path(spec.origin).parent / "sys" / "bler_tables" / "PDSCH_table1.json"
    (category,) = json.loads(file.read_text())["category"].values()
    (table,) = category["index"].values()
    elements_per_s = GRID.elements_per_block * GRID.blocks * GRID.uplink_slots_per_s
    best = np.zeros(sinr.shape)
    for scheme, entry in table["MCS"].items():
        error = np.clip(entry["CBS"]["2000"]["BLER"], 2e-4, 0.9985)
        quantile = np.interp(to_db(sinr), entry["SNR_db"], norm.isf(error), left=-np.inf)
        efficiency = LINK.schemes.efficiency[int(scheme)]
        best = np.maximum(best, elements_per_s * efficiency * norm.cdf(quantile))
    return best


def draw(rows: pl.DataFrame) -> Figure:
    """Rates against distance."""
    figure_style.use()
    figure, panel = plt.subplots(figsize=(figure_style.COLUMN_IN, 2.6))
    for name, label in NAMES.items():
        if name in rows.columns:
            panel.plot(rows["distance_m"], rows[name] / 1e6, label=label)
    panel.set(xscale="log", xlabel="distance (m)", ylabel="mean rate (Mbit/s)")
    panel.legend()
    return figure


def report(rows: pl.DataFrame) -> str:
    """The rates as parts of Shannon's."""
    shown = [name for name in NAMES if name in rows.columns and name != "shannon"]
    parts = rows.select(
        pl.col("distance_m").round(0).cast(pl.Int64),
        pl.col("sinr_db").round(1),
        (pl.col("shannon") / 1e6).round(2),
        *[(pl.col(name) / pl.col("shannon")).round(3) for name in shown],
    )
    names = {
        "distance_m": "m",
        "sinr_db": "mean SINR, dB",
        "shannon": "Shannon, Mbit/s",
        **{name: f"{NAMES[name]}, part of it" for name in shown},
    }
    return f"{findings.opening(__doc__ or '')}\n\n{findings.markdown(parts, names)}"


def main(argv: Sequence[str] | None = None) -> None:
    """Work out, tabulate, draw."""
    asked = study.options(argv, __file__, __doc__, SIZES)
    rows = measure(*SIZES[asked.size])
    findings.write(asked, rows, report(rows), draw(rows), seeds=[1])


if __name__ == "__main__":
    main()
