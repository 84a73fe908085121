"""The table at the end of a run, the course of the accuracy, and what to do next."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from netsim.cli.console import console, print_table, quantity, seconds, sparkline
from netsim.results.accuracy import target_name
from netsim.results.digest import Digest, digest, truncated_uploads
from netsim.results.masking import Masking, masking
from netsim.results.pairing import Pairing, pairing
from netsim.results.reader import Run

NAMES = {
    "compute": "computing",
    "uplink": "uplink",
    "broadcast": "receiving",
    "wait": "waiting",
    "idle": "idle",
}


def print_summary(run: Run) -> None:
    """What a finished run came to."""
    metadata = run.metadata
    found = digest(run)
    rows = [
        ("ended after", f"{metadata['rounds']} rounds ({metadata['stop_reason']})"),
        ("simulated time", seconds(metadata["simulated_s"])),
        ("uploads", _uploads(found)),
        ("delivered", _delivered(found)),
        *_on_the_air(truncated_uploads(run), found["uploads"]),
        *_privacy(found),
        *_masking(masking(run)),
        *_pairing(pairing(run)),
        ("energy", _energy(found)),
        *_accuracies(found),
        ("wall time", seconds(metadata["wall_time_s"])),
    ]
    out = console()
    title = f"{metadata['name']}, {metadata['scheme']}, seed {metadata['seed']}"
    print_table(
        ("", ""),
        rows,
        title=title,
        out=out,
    )
    accuracy = found["accuracy"]
    if len(accuracy) > 1:
        course = f"{sparkline(accuracy)}  {accuracy[0]:.3f} to {accuracy[-1]:.3f}"
        out.print(f"accuracy  {course}", markup=False)
    folder = shlex.quote(str(run.path))
    out.print(f"run folder: {run.path}", markup=False)
    out.print(f"next: netsim report {folder}", markup=False)
    out.print(f"      netsim export perfetto {folder}", markup=False)


def _uploads(found: Digest) -> str:
    counts = sorted(((n, outcome) for outcome, n in found["outcomes"].items() if n), reverse=True)
    ended = [f"{n} {outcome.replace('_', ' ')}" for n, outcome in counts]
    return f"{found['uploads']}: {', '.join(ended)}"


def _delivered(found: Digest) -> str:
    bits = quantity(found["delivered_bits"], "bit")
    return f"{bits}, emulated: not the size of what was sent" if found["emulated"] else bits


def _on_the_air(truncated: int, uploads: int) -> Iterator[tuple[str, str]]:
    if truncated:
        part = 100 * truncated / uploads
        yield "truncated", f"{truncated} uploads ({part:.0f}%), whose UEs were silent"


def _privacy(found: Digest) -> Iterator[tuple[str, str]]:
    if found["epsilon"] is not None:
        yield "privacy", f"epsilon {found['epsilon']:.3g} of the UE that has spent most"


def _masking(found: Masking | None) -> Iterator[tuple[str, str]]:
    if found is not None:
        up, down = quantity(found["up_bits"], "bit"), quantity(found["down_bits"], "bit")
        formed = f"{found['unmasked']} of {found['sums']} sums unmasked"
        yield "secure aggregation", f"{formed}; adds {up} up, {down} down; modelled"


def _pairing(found: Pairing | None) -> Iterator[tuple[str, str]]:
    if found is not None:
        arrived = f"{found['first']} firsts and {found['second']} seconds on time"
        yield "pairs on one band", f"{found['pairs']}: {arrived}"


def _energy(found: Digest) -> str:
    spent_j = found["spent_j"]
    wasted = found["wasted_j"] / spent_j if spent_j else 0.0
    spent = [(NAMES[kind], joules) for kind, joules in found["spent_on_j"].items() if joules]
    parts = [f"{name} {quantity(joules, 'J')}" for name, joules in spent]
    text = f"{quantity(spent_j, 'J')}: {', '.join(parts)}, of it wasted {100 * wasted:.0f}%"
    return text + (f"; gNBs {quantity(found['gnb_j'], 'J')}" if found["gnb_j"] else "")


def _accuracies(found: Digest) -> Iterator[tuple[str, str]]:
    for target, (first, last) in found["modules"].items():
        yield f"accuracy, {target_name(target)}", f"{first:.3f} -> {last:.3f}"
