"""Sums of uploads that are made on the air, symbol by symbol, against their closed forms.

UEs k = 1..K send numbers u_k of root mean square v, two in each complex symbol, with amplitudes
D_k v, through channels of random phase that they invert. What the gNB makes of the sum is off by

    E |error|^2 = v^2 max D^2 / ((sum D)^2 SNR),   v^2 / (K^2 SNR) where all D are equal

(X. Cao, G. Zhu, J. Xu, K. Huang, "Optimized power control for over-the-air computation in fading
channels", IEEE Trans. Wireless Commun. 19(11), 2020, without misalignment). A UE of threshold t is
silent with probability 1 - e^-t and sends with P t E1(t) on average (G. Zhu, Y. Wang, K. Huang,
"Broadband analog aggregation for low-latency federated edge learning", IEEE Trans. Wireless
Commun. 19(1), 2020).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import exp1

from netsim import rng
from netsim.radio.superposition import Senders, Superposition, superpose
from netsim.units import FloatArray, from_db
from netsim.verification.law import Effort, Law, mean

SNRS_DB = (-10.0, 0.0, 10.0, 20.0)
UES = (4, 32)
_WEIGHTS = {"equal": (1.0,), "unequal": (1.0, 2.0, 3.0, 4.0)}
TRUNCATIONS = (0.05, 0.3)
ComplexArray = NDArray[np.complex128]

_LIMIT_W, _GAIN, _HZ = 0.2, 1e-11, 1e6
_SYMBOLS, _UPLOADS = 64, 250
_REACHED = 1e-3  # part of silent UEs so small that with fading above it nobody is


def superposition_error(effort: Effort) -> Sequence[Law]:
    """Mean squared error of the mean, over SNR, with equal and with unequal weights."""
    rows = []
    for count in UES:
        for name, weights in _WEIGHTS.items():
            samples = np.resize(np.array(weights), count)
            for snr_db in SNRS_DB:
                snr = from_db(snr_db)
                value, error = mean(_squared_errors(samples, snr, effort))
                rows.append(
                    Law(
                        family="over-the-air sum, mean squared error",
                        case=f"{count} UEs, {name} weights, SNR {snr_db:g} dB",
                        estimator="symbols",
                        estimate=float(value),
                        standard_error=float(error),
                        closed_form=float(samples.max() ** 2 / samples.sum() ** 2 / snr),
                        probability=False,
                    )
                )
    return rows


def superposition_truncation(effort: Effort) -> Sequence[Law]:
    """How many are silent, and what the others send."""
    rows = []
    for truncation in TRUNCATIONS:
        threshold = -np.log1p(-truncation)
        silent, power_w = _truncated(truncation, effort)
        found = (
            ("part that is silent", silent, truncation, True),
            ("mean power over P", power_w / _LIMIT_W, threshold * exp1(threshold), False),
        )
        for what, samples, closed_form, is_probability in found:
            value, error = mean(samples)
            rows.append(
                Law(
                    family="truncated channel inversion",
                    case=f"{what}, truncation {truncation:g}",
                    estimator="superpose",
                    estimate=float(value),
                    standard_error=float(error),
                    closed_form=float(closed_form),
                    probability=is_probability,
                )
            )
    return rows


def _squared_errors(samples: FloatArray, snr: float, effort: Effort) -> FloatArray:
    """Numbers of root mean square 1, sent at once, against their mean. [upload].

    Uploads at different gNBs; what each is off by is the mean over its symbols.
    """
    draws = rng.stream(effort.seed, "verify_superposition", len(samples), int(samples.max()))
    shape = min(effort.networks, _UPLOADS), len(samples)
    noise_w = -np.log1p(-_REACHED) * _LIMIT_W * _GAIN / snr
    phase = np.exp(2j * np.pi * draws.random(shape))
    fading = _REACHED * 10 + draws.standard_exponential(shape)  # so that all reach rho
    gain = _GAIN * (samples / samples.max()) ** 2  # and all as easily
    sent = _superpose(samples, gain, fading, noise_w / _HZ, _REACHED)

    numbers = draws.standard_normal((2, *shape, _SYMBOLS))
    channel = np.sqrt(gain * fading) * phase
    inverted = np.sqrt(sent.power_w.reshape(shape)) * phase.conj()
    heard = _heard(channel * inverted, numbers, noise_w, draws)
    # sqrt(rho) over the largest D, by what is said of the noise
    scale = np.sqrt(noise_w) / sent.deviation.reshape(shape)[:, :1]
    error = heard * np.sqrt(2) / scale - np.einsum("k,uks->us", samples, _complex(numbers))
    return np.asarray((np.abs(error) ** 2).mean(axis=1) / 2 / samples.sum() ** 2)


def _complex(numbers: FloatArray) -> ComplexArray:
    """Two numbers in one. [2, ...] -> [...]."""
    return np.asarray(numbers[0] + 1j * numbers[1])


def _heard(
    path: ComplexArray, numbers: FloatArray, noise_w: float, draws: np.random.Generator
) -> ComplexArray:
    """What gNBs hear of UEs' symbols, of power 1, through paths [U, K]. [U, symbol]."""
    symbols = _complex(numbers) / np.sqrt(2)
    noise = draws.standard_normal((2, len(path), _SYMBOLS)) * np.sqrt(noise_w / 2)
    return np.asarray(np.einsum("uk,uks->us", path, symbols) + _complex(noise))


def _truncated(truncation: float, effort: Effort) -> tuple[FloatArray, FloatArray]:
    """(part of UEs that is silent, their mean power in W) in some uploads of alike UEs."""
    draws = rng.stream(effort.seed, "verify_truncation", round(100 * truncation))
    shape = min(effort.networks, _UPLOADS), 256
    alike = np.ones(shape[1])
    fading = draws.standard_exponential(shape)
    sent = _superpose(alike, _GAIN * alike, fading, 1e-20, truncation)
    return sent.silent.reshape(shape).mean(axis=1), sent.power_w.reshape(shape).mean(axis=1)


def _superpose(
    amplitude: FloatArray,
    gain: FloatArray,
    fading: FloatArray,
    psd_w_hz: float,
    truncation: float,
) -> Superposition:
    """One module's uploads at each of U gNBs, without interference; fading [U, K]."""
    gnbs, ues = fading.shape
    senders = Senders(
        ue=np.arange(fading.size),
        gnb=np.repeat(np.arange(gnbs), ues),
        module=np.zeros(fading.size, dtype=np.int64),
        payload_bits=np.ones(fading.size),
        limit_w=np.full(fading.size, _LIMIT_W),
        amplitude=np.tile(amplitude, gnbs),
        gain=np.tile(gain, gnbs),
        fading=fading.ravel(),
        interference_w=np.zeros(fading.size),
    )
    return superpose(senders, bandwidth_hz=_HZ, noise_psd_w_hz=psd_w_hz, truncation=truncation)
