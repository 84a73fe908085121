"""Named sets of keys (`radio.preset`): one carrier of 5G NR each, and all that goes with it.

Besides the carrier that is block fading, modules on a downlink that fades and has the same link
layer, and energy by what UEs and gNBs do. A preset gives values to keys that are not set: one in a
file stands under the file's other keys, one among the overrides stands over the file and under the
other overrides.
"""

from __future__ import annotations

from typing import Any

from netsim.errors import ScenarioError, did_you_mean

_NR: dict[str, Any] = {
    "rate_model": "nr",
    "fading": "block",
    "noise_figure_db": 5.0,
    "max_power_w": 0.2,
    "downlink.link": "faded",
    "downlink.noise_figure_db": 9.0,
    "device.power": "states",
    "device.gnb_power": "linear",
}
BESIDES = ("downlink", "device")
"""Sections besides `radio` of which a preset has keys."""

PRESETS: dict[str, dict[str, Any]] = {
    # a mid-band TDD carrier: one slot of five is the uplink's (DDDSU)
    "nr-fr1-100mhz": {
        **_NR,
        "carrier_hz": 3.5e9,
        "bandwidth_hz": 100e6,
        "nr.subcarrier_spacing_khz": 30,
        "nr.uplink_fraction": 0.2,
        "nr.mcs_table": 2,
    },
    # a low-band FDD carrier
    "nr-fr1-20mhz": {
        **_NR,
        "carrier_hz": 1.8e9,
        "bandwidth_hz": 20e6,
        "nr.subcarrier_spacing_khz": 15,
        "nr.uplink_fraction": 1.0,
        "nr.mcs_table": 1,
    },
    # a millimetre-wave TDD carrier; one slot of four
    "nr-fr2-100mhz": {
        **_NR,
        "noise_figure_db": 7.0,
        "carrier_hz": 28e9,
        "bandwidth_hz": 100e6,
        "nr.subcarrier_spacing_khz": 120,
        "nr.uplink_fraction": 0.25,
        "nr.mcs_table": 1,
    },
}


def apply_presets(raw: dict[str, Any], changes: dict[str, Any]) -> None:
    """Fill in what `radio.preset` stands for, in a raw scenario and among its overrides."""
    radio = raw.get("radio")
    if isinstance(radio, dict) and "preset" in radio:
        for key, value in _values(radio["preset"]).items():
            _put_below(raw, key, value)
    if "radio.preset" in changes:
        for key, value in _values(changes["radio.preset"]).items():
            changes.setdefault(key, value)


def _values(name: Any) -> dict[str, Any]:
    """The dotted keys of a preset. Raises ScenarioError for a name that is not one."""
    if not isinstance(name, str) or name not in PRESETS:
        near = did_you_mean(str(name), list(PRESETS))
        rule = f"must be one of {', '.join(PRESETS)}{near}"
        raise ScenarioError(rule, where="scenario: radio.preset", value=name)
    found: dict[str, Any] = {}
    for key, value in PRESETS[name].items():
        inside = key.split(".")[0] in BESIDES
        found[key if inside else f"radio.{key}"] = value
        if key == "bandwidth_hz":
            found["downlink.bandwidth_hz"] = value
    return found


def _put_below(section: dict[str, Any], key: str, value: Any) -> None:
    """Set a dotted key of a section unless it is set."""
    *path, last = key.split(".")
    node = section
    for part in path:
        node = node.setdefault(part, {})
        if not isinstance(node, dict):
            return  # which is refused with its own words
    node.setdefault(last, value)
