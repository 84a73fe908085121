"""K uplinks that share one gNB's band: the rate a share gives, and the share a rate needs.

    r_k(delta) = W delta log2(1 + S_k / (I_k + W N0_k delta))                          (13), (18)

is increasing and concave in delta, and bounded by S / (N0 log 2). It stays so in x = log delta:
with v = (I + W N0 delta) / S and q = (1 - I / (S v)) / ((v + 1) log(1 + 1/v)) the slope of log r is
1 - q, and both factors of q grow with delta and stay below 1. Newton's method on log r(x) therefore
comes from the left, monotonically, from any start. It needs no bracket, and not the Lambert W of
(19)-(20), whose branch changes at SINR e - 1 and where (20) has the spurious root 0 for every
input.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from netsim.errors import InputError, RunError
from netsim.units import BoolArray, FloatArray

# Relative change of a share in the last step; the error that remains is of the order of its square.
STEP = 1e-5
ROUNDING = 1e-13  # relative change of a rate that is mere rounding
MAX_STEPS = 200
_WEAKEST_SINR = 1e-12  # over the whole band; below it an uplink counts as without signal


@dataclass(frozen=True)
class Uplinks:
    """The numbers that all allocators need, checked and broadcast to one shape (usually [K])."""

    signal_w: FloatArray
    interference_w: FloatArray
    payload_bits: FloatArray
    noise_w: FloatArray  # over the whole band, W N0
    bandwidth_hz: float

    @classmethod
    def of(
        cls,
        signal_w: ArrayLike,
        interference_w: ArrayLike,
        payload_bits: ArrayLike,
        *,
        bandwidth_hz: float,
        noise_psd_w_hz: ArrayLike,
    ) -> Uplinks:
        """Checks every entry and broadcasts, to at least one dimension.

        Raises InputError for a negative, infinite or NaN entry, or where there is neither noise
        nor interference.
        """
        one_number = np.ndim(bandwidth_hz) == 0 and np.isfinite(bandwidth_hz)
        if not (one_number and bandwidth_hz > 0):
            raise InputError("bandwidth_hz must be one positive number", value=bandwidth_hz)
        noise_w = checked(noise_psd_w_hz, "noise_psd_w_hz") * bandwidth_hz
        interference = checked(interference_w, "interference_w")
        given = [
            checked(signal_w, "signal_w"),
            interference,
            checked(payload_bits, "payload_bits"),
            noise_w,
        ]
        try:
            signal, interference, payload, noise_w = np.broadcast_arrays(*map(np.atleast_1d, given))
        except ValueError:
            rule = "signal_w, interference_w, payload_bits and noise_psd_w_hz must broadcast"
            raise InputError(rule, value=[a.shape for a in given]) from None
        if np.any((interference == 0) & (noise_w == 0)):
            rule = "noise_psd_w_hz or interference_w must be positive for every uplink"
            raise InputError(rule, value=0.0)
        return cls(
            signal,
            interference,
            payload,
            noise_w,
            float(bandwidth_hz),
        )

    @property
    def shape(self) -> tuple[int, ...]:
        return self.signal_w.shape

    @property
    def audible(self) -> BoolArray:
        """Where there is a signal: some share gives a rate."""
        disturbance_w = self.interference_w + self.noise_w
        return self.signal_w > _WEAKEST_SINR * disturbance_w

    def select(self, rows: BoolArray) -> Uplinks:
        """The uplinks of some rows."""
        return Uplinks(
            self.signal_w[rows],
            self.interference_w[rows],
            self.payload_bits[rows],
            self.noise_w[rows],
            self.bandwidth_hz,
        )

    def rate_bps(self, shares: ArrayLike) -> FloatArray:
        """r_k(delta_k), bit/s; 0 at share 0. Shares broadcast to the uplinks' shape."""
        shares = np.broadcast_to(np.asarray(shares, dtype=np.float64), self.shape)
        with np.errstate(divide="ignore", invalid="ignore"):
            sinr = self.signal_w / (self.interference_w + self.noise_w * shares)
            rate = self.bandwidth_hz * shares * np.log1p(sinr) / np.log(2.0)
        return np.where(shares > 0, rate, 0.0)

    def upload_s(self, shares: ArrayLike) -> FloatArray:
        """Time of each upload in its share, s: infinite in share 0, 0 without payload."""
        with np.errstate(divide="ignore", invalid="ignore"):
            seconds = self.payload_bits / self.rate_bps(shares)
        return np.where(self.payload_bits > 0, seconds, 0.0)


def required_shares(
    signal_w: ArrayLike,
    interference_w: ArrayLike,
    payload_bits: ArrayLike,
    finish_s: ArrayLike,
    *,
    bandwidth_hz: float,
    noise_psd_w_hz: ArrayLike,
) -> FloatArray:
    """Share with which each upload takes `finish_s`: the first tier of Algorithm 1.

    Infinity where the whole band is not enough, 0 without payload. Arrays broadcast, so that
    signal_w [K, 1] and payload_bits [N] give the virtual shares [K, N] of modules that a UE does
    not subscribe to. Units and errors as `allocate_bandwidth`; finish_s in s, at least 0.
    """
    finish = checked(finish_s, "finish_s")
    links = Uplinks.of(
        signal_w,
        interference_w,
        np.broadcast_arrays(payload_bits, finish)[0],
        bandwidth_hz=bandwidth_hz,
        noise_psd_w_hz=noise_psd_w_hz,
    )
    finish = np.broadcast_to(finish, links.shape)
    shares = np.where(links.payload_bits > 0, np.inf, 0.0)
    within = (links.payload_bits > 0) & links.audible
    within &= links.rate_bps(1.0) * finish >= links.payload_bits
    if within.any():
        shares[within] = np.minimum(_solve(links.select(within), finish[within]), 1.0)
    return shares


def log_term_and_elasticity(
    share: FloatArray,
    floor: FloatArray,
    slope: FloatArray,
) -> tuple[FloatArray, FloatArray]:
    """log(1 + SINR) and the elasticity d log delta / d log r = 1 / (1 - q), at least 1.

    floor: I / S, slope: W N0 / S. 1 - q = (s + I / (S v)) / (1 + s) with s = (v + 1) log(1 + 1/v)
    - 1, which is held above its lower bound 1 / (2 v + 1) where it is lost in rounding.
    """
    v = floor + slope * share
    sinr = 1.0 / v
    rounded = 1.0 + sinr
    log_term = np.log(rounded) * (sinr / (rounded - 1.0))  # log1p in half of its time
    s = (v + 1.0) * log_term - 1.0
    if s.min() < 1e-6:
        s = np.maximum(s, 1.0 / (2.0 * v + 1.0))
    elasticity = (1.0 + s) / (s + floor * sinr)
    return log_term, elasticity


def log_term_of_empty_band(floor: FloatArray) -> FloatArray:
    """log(1 + S / I), the most that a share can get; large but finite without interference."""
    least_floor = np.maximum(floor, 1e-300)
    return np.log1p(1.0 / least_floor)


def checked(value: ArrayLike, name: str) -> FloatArray:
    """`value` as float64. Raises InputError with the first entry that is not finite or negative."""
    array = np.asarray(value, dtype=np.float64)
    good = (array >= 0) & np.isfinite(array)
    if not np.all(good):
        first = float(array[~good].flat[0])
        raise InputError(f"{name} must be finite and at least 0", value=first)
    return array


def _solve(links: Uplinks, finish_s: FloatArray) -> FloatArray:
    """Shares for the finish times, where they are reachable; shape [k]."""
    floor = links.interference_w / links.signal_w
    slope = links.noise_w / links.signal_w
    band_time = finish_s * links.bandwidth_hz
    target = links.payload_bits * np.log(2.0) / band_time
    share: FloatArray = target / log_term_of_empty_band(floor)  # too small
    for _ in range(MAX_STEPS):
        log_term, elasticity = log_term_and_elasticity(share, floor, slope)
        miss = np.log(target / (share * log_term))
        move = elasticity * miss
        share = share * np.exp(move)
        if move.max() <= STEP or miss.max() <= ROUNDING:
            return share
    raise RunError(f"required_shares: off by {miss.max()!r} after {MAX_STEPS} steps")
