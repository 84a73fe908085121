"""What the site's build adds to the pages: formulas as MathML, so that none needs a script."""

from __future__ import annotations

import html
import re
from typing import Any

from latex2mathml.converter import convert

_FORMULA = re.compile(
    r'<(span|div) class="arithmatex">\s*\\([(\[])(.*?)\\[)\]]\s*</\1>',
    re.DOTALL,
)

_TAG = re.compile(r"\\tag\{(.*?)\}")


def on_page_content(content: str, **_: Any) -> str:
    """`$...$` and `$$...$$` of a page as MathML, which browsers draw by themselves."""
    return _FORMULA.sub(_mathml, content)


def _mathml(found: re.Match[str]) -> str:
    display = "inline" if found[2] == "(" else "block"
    latex = _TAG.sub(r"\\qquad (\1)", html.unescape(found[3]))
    return str(convert(latex, display=display))
