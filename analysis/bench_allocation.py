"""How fast is Algorithm 1? Newton's method beside the paper's two-tier bisection and SLSQP.

    OMP_NUM_THREADS=1 python analysis/bench_allocation.py [--out DIR]

K UEs uniform in a cell of 560 m, adapters of ranks 4 to 32, W = 1 GHz, P_max = 200 mW; wild_ms: any
SINR and payload. CPU time of one thread, best of several runs, so that other work on the machine
counts little. SLSQP is run at small K only. Prints a table; --out also writes it as CSV.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
from scipy.optimize import minimize

from netsim.allocation.bandwidth import Allocation, allocate_bandwidth
from netsim.allocation.two_tier import two_tier_search
from netsim.units import FloatArray, dbm_to_w

W, N0 = 1e9, dbm_to_w(-162.0)
BAND = {"bandwidth_hz": W, "noise_psd_w_hz": N0}
LIMIT_MS = {100_000: 50.0, 1_000_000: 1000.0}
COUNTS = (10, 50, 100, 1_000, 10_000, 100_000, 1_000_000)
Problem = tuple[FloatArray, FloatArray, FloatArray]


def cell(count: int, seed: int = 0) -> Problem:
    """Signal W, interference W, payload bit; shape [count]."""
    rng = np.random.default_rng(seed)
    signal = 0.2 * (10 + 550 * np.sqrt(rng.random(count))) ** -3.8
    interference = signal / 10 ** rng.uniform(-0.5, 3.0, count)
    return signal, interference, rng.choice([4.72e6, 9.44e6, 18.9e6, 37.7e6], count)


def wild(count: int, seed: int = 1) -> Problem:
    """SINR of -40 to 60 dB over the whole band and payloads of 1 kbit to 10 Gbit; shape [count]."""
    rng = np.random.default_rng(seed)
    interference = W * N0 * 10 ** rng.uniform(-6, 6, count) * (rng.random(count) < 0.7)
    signal = 10 ** rng.uniform(-4, 6, count) * (interference + W * N0)
    return signal, interference, 10 ** rng.uniform(3, 10, count)


def slsqp(signal: FloatArray, interference: FloatArray, payload: FloatArray) -> float:
    """E by a general solver: min E subject to the shares summing to 1 and every upload ending by
    E.
    """
    count = payload.size

    def rate(share: FloatArray) -> FloatArray:
        return W * share * np.log2(1 + signal / (interference + W * N0 * share))

    scale = float((payload / rate(np.full(count, 1 / count))).max())
    found = minimize(
        lambda x: x[-1],
        np.append(np.full(count, 1 / count), 1.0),
        jac=lambda x: np.append(np.zeros(count), 1.0),
        bounds=[(1e-9, 1.0)] * count + [(1e-9, 2.0)],
        constraints=[
            {"type": "eq", "fun": lambda x: x[:-1].sum() - 1},
            {"type": "ineq", "fun": lambda x: x[-1] - payload / rate(x[:-1]) / scale},
        ],
        method="SLSQP",
        options={"ftol": 1e-15, "maxiter": 500},
    )
    return float(found.x[-1]) * scale


def best_ms(work: Callable[[], object], repeats: int) -> tuple[float, object]:
    """CPU time of the shortest of several runs, ms, and the last answer."""
    shortest, answer = np.inf, None
    for _ in range(repeats):
        started = time.process_time()
        answer = work()
        shortest = min(shortest, time.process_time() - started)
    return 1e3 * shortest, answer


def measure(count: int) -> dict[str, object]:
    """One row of the table."""
    problem, hard = cell(count), wild(count)
    newton_ms, newton = best_ms(
        lambda: allocate_bandwidth(*problem, **BAND), 3 if count >= 1e6 else 7
    )
    assert isinstance(newton, Allocation)
    row: dict[str, object] = {
        "K": count,
        "E_s": newton.finish_s,
        "newton_ms": newton_ms,
        "newton_steps": newton.outer_iterations,
        "wild_ms": best_ms(lambda: allocate_bandwidth(*hard, **BAND), 3)[0],
        "finish_spread": float(np.abs(newton.upload_s / newton.finish_s - 1).max()),
        "limit_ms": LIMIT_MS.get(count),
        "bisection_ms": None,
        "bisection_steps": None,
        "slsqp_ms": None,
        "slsqp_off": None,
    }
    if count <= 10_000:
        row["bisection_ms"], search = best_ms(lambda: two_tier_search(*problem, **BAND), 1)
        assert isinstance(search, Allocation)
        row["bisection_steps"] = search.outer_iterations
    if count <= 50:
        row["slsqp_ms"], finish = best_ms(lambda: slsqp(*problem), 1)
        assert isinstance(finish, float)
        row["slsqp_off"] = abs(finish / newton.finish_s - 1)
    return row


def main() -> None:
    """Measure, write, and fail if a limit of the specification is missed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, help="folder for bench_allocation.csv")
    out: Path | None = parser.parse_args().out
    table = pl.DataFrame([measure(count) for count in COUNTS], infer_schema_length=None)
    with pl.Config(tbl_cols=-1, tbl_rows=-1, tbl_width_chars=200, tbl_hide_dataframe_shape=True):
        sys.stdout.write(f"{table}\n")
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        table.write_csv(out / "bench_allocation.csv")
    missed = table.filter(pl.max_horizontal("newton_ms", "wild_ms") > pl.col("limit_ms"))
    if len(missed):
        sys.exit(f"slower than its limit at K = {missed['K'].to_list()}")


if __name__ == "__main__":
    main()
