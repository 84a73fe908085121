"""Small cards for notebooks: a title, a few facts, a curve. HTML and SVG without any script."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

WIDTH = 220
HEIGHT = 40
STYLE = (
    "display:inline-block;border:1px solid #8888;border-radius:6px;padding:.6em .9em;"
    "font-size:.9em;line-height:1.45"
)
CELL = "text-align:left;padding:0 1em 0 0;border:0"


def card(
    title: str,
    facts: Iterable[tuple[str, str]],
    curve: Sequence[float] = (),
    note: str = "",
) -> str:
    """A card as HTML; all text is escaped. `curve` has values from 0 to 1."""
    rows = [_row(name, value) for name, value in facts]
    parts = [
        f'<div style="{STYLE}"><b>{escape(title)}</b>',
        f'<table style="border:0;margin:.3em 0">{"".join(rows)}</table>',
        _drawn(curve) if len(curve) > 1 else "",
        f'<div style="opacity:.7">{escape(note)}</div>' if note else "",
        "</div>",
    ]
    return "".join(parts)


def _row(name: str, value: str) -> str:
    return (
        f'<tr style="background:none"><td style="{CELL};opacity:.7">{escape(name)}</td>'
        f'<td style="{CELL}">{escape(value)}</td></tr>'
    )


def _drawn(curve: Sequence[float]) -> str:
    """The curve, first value left, 0 at the bottom and 1 at the top."""
    step = WIDTH / (len(curve) - 1)
    points = []
    for index, value in enumerate(curve):
        height = HEIGHT * (1 - min(max(value, 0.0), 1.0))
        points.append(f"{index * step:.1f},{height:.1f}")
    label = f"from {curve[0]:.3f} to {curve[-1]:.3f}"
    return (
        f'<svg width="{WIDTH}" height="{HEIGHT + 4}" viewBox="0 -2 {WIDTH} {HEIGHT + 4}" '
        f'role="img" aria-label="{label}"><polyline points="{" ".join(points)}" fill="none" '
        'stroke="currentColor" stroke-width="1.5"/></svg>'
    )
