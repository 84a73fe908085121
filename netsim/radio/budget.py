"""Link budget: antenna gains and receiver noise, from dB in a scenario to linear values."""

from __future__ import annotations

from netsim.units import from_db

BOLTZMANN_J_K = 1.380649e-23
REFERENCE_TEMPERATURE_K = 290.0


def antenna_gain(
    *,
    site_dbi: float = 0.0,
    ue_dbi: float = 0.0,
    cable_loss_db: float = 0.0,
) -> float:
    """Linear factor on every channel gain from the antennas of both ends and the cable between."""
    return from_db(site_dbi + ue_dbi - cable_loss_db)


def noise_psd_w_hz(noise_figure_db: float, temperature_k: float = REFERENCE_TEMPERATURE_K) -> float:
    """Noise power density k T F at a receiver input, W/Hz; 0 dB at 290 K is -173.98 dBm/Hz."""
    thermal_w_hz = BOLTZMANN_J_K * temperature_k
    return thermal_w_hz * from_db(noise_figure_db)
