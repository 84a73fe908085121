"""Terminal output: tables that never wrap or cut in a pipe, numbers a person can read."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from itertools import pairwise

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

PREFIXES = ((1e9, "G"), (1e6, "M"), (1e3, "k"), (1.0, ""), (1e-3, "m"), (1e-6, "µ"))


def console(*, stderr: bool = False) -> Console:
    """A console; in a pipe it is as wide as it must be."""
    stream = sys.stderr if stderr else sys.stdout
    return Console(
        stderr=stderr,
        soft_wrap=not stream.isatty(),
        highlight=False,
    )


def print_table(
    headers: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    title: str = "",
    right: Sequence[int] = (),
    whole: Sequence[int] = (),
    out: Console | None = None,
) -> None:
    """A table; columns in `right` are right-aligned, cells of those in `whole` never split.

    Text is shown as it is, never as markup.
    """
    out = out or console()
    if title:  # by itself: a table would wrap it to its own width
        out.print(Text(title))
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    in_pipe = not out.is_terminal
    for index, header in enumerate(headers):
        table.add_column(
            header,
            justify="right" if index in right else "left",
            no_wrap=in_pipe or index in whole,
            overflow="ignore" if in_pipe else "fold",
        )
    for row in rows:
        table.add_row(*[Text(cell) for cell in row])
    if in_pipe:
        width = Console(width=100_000).measure(table).maximum
        Console(
            file=out.file,
            width=width + 2,
            highlight=False,
        ).print(table)
    else:
        out.print(table)


def quantity(value: float, unit: str) -> str:
    """A number with an SI prefix: 9.4 Mbit, 27 ms, 1.2 kJ."""
    if value != value or value in (float("inf"), float("-inf")):
        return f"{value} {unit}"
    for factor, prefix in PREFIXES:
        if abs(value) >= factor:
            return f"{value / factor:.3g} {prefix}{unit}"
    return f"{value:.3g} {unit}"


def sparkline(values: Sequence[float], width: int = 40) -> str:
    """A row of at most `width` bars, each the mean of its share of the values.

    ASCII where the terminal cannot show blocks.
    """
    bars = "▁▂▃▄▅▆▇█"
    try:
        bars.encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        bars = "_.-=+*#@"
    count = min(width, len(values))
    edges = [round(i * len(values) / count) for i in range(count + 1)]
    means = [sum(values[a:b]) / (b - a) for a, b in pairwise(edges)]
    low = min(means)
    step = (max(means) - low) / (len(bars) - 1) or 1.0
    return "".join(bars[round((mean - low) / step)] for mean in means)


def seconds(value: float) -> str:
    """Simulated or wall time: 0.48 s, 3 min 20 s, 2 h 5 min."""
    if value < 120:
        return f"{value:.3g} s"
    minutes, rest = divmod(round(value), 60)
    if minutes < 120:
        return f"{minutes} min {rest} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min"
