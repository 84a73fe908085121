"""`netsim verify`: simulated laws beside closed forms, with intervals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from netsim.verification.runner import Verdict

HEADERS = (
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

    from netsim.cli.console import console, print_table
    from netsim.verification.law import FAST, FULL
    from netsim.verification.runner import verify as run_laws

    errors = console(stderr=True)
    begun_s = time.perf_counter()

    def progress(name: str) -> None:
        if errors.is_terminal:
            spent_s = time.perf_counter() - begun_s
            errors.print(
                f"{spent_s:6.1f} s  {name}",
                markup=False,
                highlight=False,
            )

    verdicts = run_laws(replace(FAST if fast else FULL, seed=seed), progress=progress)
    out = console()
    rows = [_row(verdict) for verdict in verdicts if not failing or verdict.holds is False]
    print_table(
        HEADERS,
        rows,
        right=(3, 4, 5, 6, 7),
        out=out,
    )
    judged = [verdict for verdict in verdicts if verdict.holds is not None]
    failed = sum(not verdict.holds for verdict in judged)
    for line in _explanation(
        len(judged),
        failed,
        time.perf_counter() - begun_s,
    ):
        out.print(
            line,
            markup=False,
            highlight=False,
        )
    if failed:
        raise typer.Exit(1)


def _row(verdict: Verdict) -> tuple[str, ...]:
    law = verdict.law
    return (
        law.family,
        law.case,
        law.estimator,
        f"{law.estimate:.4f}",
        f"{verdict.half_width:.4f}",
        f"{law.closed_form:.4f}",
        f"{law.deviation:+.4f}",
        f"{law.allowed:g}" if law.allowed else "",
        verdict.reason,
        law.note,
    )


def _explanation(
    judged: int,
    failed: int,
    spent_s: float,
) -> tuple[str, str]:
    from netsim.cli.console import seconds
    from netsim.verification.runner import CONFIDENCE, MAX_HALF_WIDTH

    return (
        f"{judged - failed} of {judged} laws hold ({seconds(spent_s)})",
        f"Intervals hold all together at {100 * CONFIDENCE:g}%; those of probabilities are at "
        f"most ± {MAX_HALF_WIDTH:g}. difference is closed form less estimate; allowed is how far "
        "an approximate closed form may be off.",
    )
