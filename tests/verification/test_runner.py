"""How laws are judged: intervals, bands, precision; and that new laws are easy to add."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import norm

from netsim.verification.law import Effort, Law, mean, ratio
from netsim.verification.runner import LAWS, judge, verify

LAW = Law("family", "case", "estimator", estimate=0.5, standard_error=0.001, closed_form=0.5)


def test_intervals_widen_with_the_number_of_judged_laws() -> None:
    (one,) = judge([LAW])
    assert one.half_width == pytest.approx(norm.isf(0.0005) * 0.001)
    many = judge([LAW] * 50 + [replace(LAW, judged=False)] * 50)
    assert many[0].half_width == pytest.approx(norm.isf(0.001 / 100) * 0.001)
    assert many[-1].holds is None


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({}, "ok"),
        ({"closed_form": 0.503}, "ok"),
        ({"closed_form": 0.504}, "FAILS"),
        ({"closed_form": 0.496}, "FAILS"),
        ({"closed_form": 0.504, "allowed": 0.001}, "ok"),
        ({"closed_form": float("nan")}, "FAILS"),
        ({"standard_error": float("nan")}, "FAILS"),
        ({"standard_error": 0.01}, "imprecise"),
        ({"standard_error": 0.01, "probability": False}, "ok"),
        ({"closed_form": 0.9, "judged": False}, ""),
    ],
)
def test_verdicts(change: dict[str, float], reason: str) -> None:
    (verdict,) = judge([replace(LAW, **change)])  # type: ignore[arg-type]
    assert verdict.reason == reason


def test_a_law_is_a_function_in_a_list() -> None:
    told: list[str] = []

    def my_law(effort: Effort) -> list[Law]:
        return [replace(LAW, family=f"{effort.networks} networks")]

    (verdict,) = verify(Effort(networks=7), laws=[my_law], progress=told.append)
    assert verdict.law.family == "7 networks"
    assert told == ["my law"]
    assert len(LAWS) >= 10


def test_standard_errors_are_those_of_independent_networks() -> None:
    generator = np.random.default_rng(4)
    weights = generator.poisson(20, (3000, 200)).astype(float)
    centre = generator.normal(0.4, 0.1, (3000, 200))
    values, errors = ratio(weights * centre, weights)
    one, error = ratio(weights[:, 0] * centre[:, 0], weights[:, 0])
    assert one == pytest.approx(values[0])
    assert errors[0] == pytest.approx(float(error))
    assert values.std() == pytest.approx(errors.mean(), rel=0.2)  # 200 repetitions
    _, errors = mean(generator.normal(0, 2.0, 10_000))
    assert errors == pytest.approx(0.02, rel=0.05)
