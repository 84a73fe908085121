"""The NR carrier of a scenario, for `netsim validate`."""

from __future__ import annotations

import numpy as np

from netsim.assembly import Parts
from netsim.cli.console import quantity, seconds
from netsim.radio.nr.rate_model import NrRateModel
from netsim.units import to_db


def carrier_facts(parts: Parts, edge_ue: int) -> list[tuple[str, str]]:
    """Resource grid, peak rate and rate of the UE at the cell edge; nothing without NR."""
    uplink = parts.radio.uplink
    model = uplink.model
    if not isinstance(model, NrRateModel):
        return []
    grid = model.link.grid
    edge_sinr = _mean_sinr(parts, edge_ue)
    edge_bps = np.zeros(1)  # below the threshold, as in runs
    if edge_sinr >= model.threshold:
        edge_bps = model.rate_bps(np.array([uplink.bandwidth_hz]), np.array([edge_sinr]))
    spacing = quantity(grid.subcarrier_spacing_hz, "Hz")
    edge = quantity(float(edge_bps[0]), "bit/s")
    return [
        ("resource blocks", f"{grid.blocks} of 12 subcarriers, {spacing} apart"),
        ("slot", seconds(grid.slot_s)),
        ("uplink slots", f"{100 * grid.uplink_fraction:g}%"),
        ("peak rate", quantity(model.link.peak_bps, "bit/s")),
        (
            "rate at the cell edge",
            f"{edge} alone in the band, at the mean SINR of {to_db(edge_sinr):.1f} dB",
        ),
    ]


def _mean_sinr(parts: Parts, ue: int) -> float:
    """Of a UE at P_max in the whole band."""
    links = parts.links
    signal_w = parts.scenario.radio.max_power_w * links.gain[ue]
    noise_w = links.noise_psd_w_hz[ue] * parts.radio.uplink.bandwidth_hz
    return float(signal_w / (links.interference_w[ue] + noise_w))
