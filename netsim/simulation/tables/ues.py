"""The `ues` and `sites` tables, written once, when a run begins."""

from __future__ import annotations

import numpy as np

from netsim.device.fleet import Fleet
from netsim.protocols import RecordSink, held_columns
from netsim.simulation.state import Links
from netsim.units import FloatArray, to_db


def write_sites(
    sink: RecordSink,
    sites_m: FloatArray,
    core: int,
) -> None:
    """The `sites` table; `core` is where the modules are merged."""
    index = np.arange(len(sites_m))
    columns = {
        "gnb": index,
        "x_m": sites_m[:, 0],
        "y_m": sites_m[:, 1],
        "core": index == core,
    }
    sink.write("sites", columns)


def write_ues(
    sink: RecordSink,
    fleet: Fleet,
    links: Links,
) -> None:
    """The `ues` table. A UE that is not there yet has no place."""
    absent = np.zeros(len(links), dtype=bool) if links.present is None else ~links.present
    place_m = np.where(
        absent[:, None],
        np.nan,
        links.position_m,
    )
    sink.write(
        "ues",
        {
            "ue": np.arange(len(fleet)),
            "name": None if fleet.name is None else list(fleet.name),
            "class": fleet.device_class,
            "cpu_hz": fleet.cpu_hz,
            "energy_coefficient": fleet.energy_coefficient,
            "samples": fleet.samples,
            "local_samples": fleet.label_counts.sum(axis=1),
            "label_histogram": fleet.label_counts,
            **held_columns(fleet.held),
            "x_m": place_m[:, 0],
            "y_m": place_m[:, 1],
            "gnb": np.where(absent, -1, links.gnb),
            "distance_m": np.where(absent, np.nan, links.distance_m),
            "gain_db": np.where(
                absent,
                np.nan,
                to_db(links.gain),
            ),
        },
    )
