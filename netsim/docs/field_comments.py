"""Comments of fields as their documentation, for the reference: that is where shapes and units are.

`share: FloatArray  # [M] fraction of the gNB's bandwidth`, or a comment in the lines above.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from griffe import Attribute, Class, Docstring, Extension


class FieldComments(Extension):
    """Gives fields without a docstring the comment beside or above them."""

    def on_attribute_instance(self, *, attr: Attribute, **_: Any) -> None:
        """Called for each attribute that is found."""
        if attr.docstring is not None or not isinstance(attr.parent, Class):
            return
        if not isinstance(attr.filepath, Path) or attr.lineno is None or attr.endlineno is None:
            return
        lines = attr.filepath.read_text(encoding="utf-8").splitlines()
        comment = beside(lines[attr.endlineno - 1]) or above(lines[: attr.lineno - 1])
        if comment:
            attr.docstring = Docstring(comment, parent=attr)


def beside(line: str) -> str:
    """The comment at the end of a line; fields have no text with a # in it."""
    return line.partition("  # ")[2].strip()


def above(lines: list[str]) -> str:
    """The lines of comment just above."""
    found: list[str] = []
    for line in reversed(lines):
        if not line.strip().startswith("# "):
            break
        found.insert(0, line.strip().removeprefix("# "))
    return " ".join(found)
