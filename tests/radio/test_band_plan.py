"""Interference in a network, summed site by site and pair by pair."""

from __future__ import annotations

import numpy as np
import pytest

from netsim.radio.background import Background
from netsim.radio.band_plan import ListedOverlaps, SummedBands, band_plan
from netsim.radio.site_gains import GainMatrix

SITES = 30


@pytest.mark.parametrize("background", [0, 3])
def test_sums_over_bands_are_those_of_all_pairs(
    background: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a site hears ranges over nine powers of ten; some bands are empty, some UEs silent."""
    rng = np.random.default_rng(1)
    uploads, others = 400, SITES * background
    site = rng.integers(0, SITES, uploads)
    hz = np.where(rng.random(uploads) < 0.1, 0.0, rng.uniform(1e5, 1e6, uploads))
    gain = 10 ** rng.uniform(-14, -5, (uploads + others, SITES))
    gain[np.arange(uploads), site] = 1e-4  # its own UEs are loud
    part = np.where(rng.random(uploads + others) < 0.2, 0.0, rng.random(uploads + others))
    cells = Background(
        cell=np.repeat(np.arange(SITES), background),
        gain=gain[uploads:],
        low_hz=np.tile(np.arange(background) * 2e6, SITES),
        width_hz=2e6,
        power_w=0.2,
    )
    given = site, hz, rng.random(uploads), rng.uniform(0.01, 0.2, uploads)
    listed = band_plan(*given, background=cells, sites=SITES)
    monkeypatch.setattr("netsim.radio.site_gains.MATRIX_LINKS", 0)
    summed = band_plan(*given, background=cells, sites=SITES)
    assert isinstance(listed, ListedOverlaps)
    assert isinstance(summed, SummedBands)
    sends = part[:uploads] > 0
    expected = sends * listed.interference_w(GainMatrix(gain), part)
    found = sends * summed.interference_w(GainMatrix(gain), part)
    assert (expected > 0).mean() > 0.6
    loudest = np.zeros(SITES)
    np.maximum.at(loudest, site, expected)
    assert (np.abs(found - expected) <= 1e-11 * loudest[site]).all()
    assert summed.fits(site, hz)
    assert not summed.fits(site, hz + 1)
