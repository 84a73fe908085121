"""Keys of the downlink."""

from __future__ import annotations

from typing import Literal

from netsim.scenario.section import Finite, PluginChoice, Positive, key
from netsim.scenario.upload import AS_IT_IS, CODECS


class Downlink(PluginChoice):
    """Broadcast of the foundation model and of the modules (no model in the paper).

    Other keys are the parameters of the codec.
    """

    power_w: Positive = key(39.8, "power of a gNB (46 dBm)", unit="W", ge=1e-6, le=1e6)
    bandwidth_hz: Positive | None = key(
        None, "downlink bandwidth; default: radio.bandwidth_hz", unit="Hz"
    )
    noise_figure_db: Finite | None = key(
        None, "of UEs, N0 = k T F at 290 K; default: the radio's noise", unit="dB", ge=0
    )
    link: Literal["mean", "faded"] = key(
        "mean",
        "modules come at the capacity of the mean SINR, or by the uplink's rate model under "
        "Rayleigh fading as radio.fading says; who hears nothing trains nothing",
    )
    cast: Literal["multicast", "unicast"] = key(
        "multicast", "a module is sent once, at its worst subscriber's rate, or to each UE"
    )
    cache: bool = key(False, "a module is not sent again to UEs that hold its current version")
    codec: str = key(
        AS_IT_IS,
        "what the change of modules since the start of the run is encoded as; UEs train from what "
        f"they heard: {CODECS}",
        min_length=1,
    )
    w0_broadcast: Literal["once", "every_round"] | None = key(
        None,
        "send the foundation model before round 1, or in every round (default if formulas is "
        "paper)",
    )
