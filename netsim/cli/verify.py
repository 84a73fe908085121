"""`netsim verify`: simulated laws beside closed forms, with intervals."""

from __future__ import annotations

from typing import Annotated

import typer


def verify(
    fast: Annotated[
        bool, typer.Option("--fast", help="A quarter of the networks: wider intervals.")
    ] = False,
    seed: Annotated[int, typer.Option(help="Seed of the networks.", min=0)] = 1,
    failing: Annotated[
        bool, typer.Option("--failing", help="Show only the rows that fail.")
    ] = False,
) -> None:
    """Check simulated laws against closed forms; exit code 1 if one fails."""
    import time
    from dataclasses import replace

    from netsim.cli.console import console, print_table, seconds
    from netsim.verification.law import FAST, FULL
    from netsim.verification.runner import CONFIDENCE, MAX_HALF_WIDTH
    from netsim.verification.runner import verify as run_laws

    out, errors = console(), console(stderr=True)
    begun = time.perf_counter()

    def progress(name: str) -> None:
        if errors.is_terminal:
            errors.print(
                f"{time.perf_counter() - begun:6.1f} s  {name}", markup=False, highlight=False
            )

    verdicts = run_laws(replace(FAST if fast else FULL, seed=seed), progress=progress)
    rows = [
        (
            v.law.family,
            v.law.case,
            v.law.estimator,
            f"{v.law.estimate:.4f}",
            f"{v.half_width:.4f}",
            f"{v.law.closed_form:.4f}",
            f"{v.law.deviation:+.4f}",
            f"{v.law.allowed:g}" if v.law.allowed else "",
            v.reason,
            v.law.note,
        )
        for v in verdicts
        if not failing or v.holds is False
    ]
    headers = (
        "law",
        "case",
        "estimator",
        "estimate",
        "±",
        "closed form",
        "difference",
        "allowed",
        "verdict",
        "",
    )
    print_table(
        headers,
        rows,
        right=(3, 4, 5, 6, 7),
        out=out,
    )
    judged = [v for v in verdicts if v.holds is not None]
    failed = sum(not v.holds for v in judged)
    lines = (
        f"{len(judged) - failed} of {len(judged)} laws hold ({seconds(time.perf_counter() - begun)})",
        f"Intervals hold all together at {100 * CONFIDENCE:g}%; those of probabilities are at most ± "
        f"{MAX_HALF_WIDTH:g}. difference is closed form less estimate; allowed is how far an approximate "
        "closed form may be off.",
    )
    for line in lines:
        out.print(line, markup=False, highlight=False)
    if failed:
        raise typer.Exit(1)
