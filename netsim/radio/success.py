"""Success models: lambda of a UE's upload, as schemes ask for it (eq. 15 behind one interface)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from netsim.radio.coverage import success_probability
from netsim.radio.pathloss import PowerLaw
from netsim.units import FloatArray, from_db


@dataclass(frozen=True)
class ClosedForm:
    """Eq. (15) over a Poisson field of interferers and power-law path loss without shadowing.

    `form` is ppp (exact for its law) or paper (as printed). `interferer_power_w` is the power of every
    interferer, or None where it follows the UE's own (the paper's reading).
    """

    density_per_m2: float
    threshold: float  # linear
    pathloss: PowerLaw
    noise_psd_w_hz: float
    interferer_power_w: float | None
    law: str
    form: str

    def probability(
        self, distance_m: FloatArray, bandwidth_hz: FloatArray, power_w: FloatArray
    ) -> FloatArray:
        """lambda; arrays broadcast. 0 where there is no power, and in an infinite band."""
        power = np.asarray(power_w, dtype=np.float64)
        band = np.asarray(bandwidth_hz, dtype=np.float64)
        distance, band, power = np.broadcast_arrays(
            np.maximum(distance_m, self.pathloss.min_distance_m), band, power
        )
        sends = (power > 0) & np.isfinite(band)
        g0 = from_db(-self.pathloss.reference_loss_db)  # P g0 stands for P; it cancels in the interference
        used = np.where(sends, power, 1.0)
        found = success_probability(
            distance,
            density_per_m2=self.density_per_m2,
            sinr_threshold=self.threshold,
            pathloss_exponent=self.pathloss.exponent,
            noise_to_power=np.where(sends, band, 0.0) * self.noise_psd_w_hz / (used * g0),
            form=self.form,
            law=self.law,
            interferer_power_ratio=1.0 if self.interferer_power_w is None else self.interferer_power_w / used,
        )
        return np.where(sends, found, 0.0)
