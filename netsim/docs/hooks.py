"""What the site's build adds to the pages: formulas as MathML, and the figures of analysis/."""

from __future__ import annotations

import html
import re
from pathlib import Path
from typing import Any

from latex2mathml.converter import convert
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

FIGURES = Path(__file__).parents[2] / "analysis" / "figures"
_FIGURE = re.compile(r"(?:\.\./)+analysis/figures/")

_FORMULA = re.compile(
    r'<(span|div) class="arithmatex">\s*\\([(\[])(.*?)\\[)\]]\s*</\1>',
    re.DOTALL,
)

_TAG = re.compile(r"\\tag\{(.*?)\}")


def on_files(files: Files, config: MkDocsConfig, **_: Any) -> Files:
    """The figures of analysis/ lie in the site's folder `figures`."""
    for path in sorted(FIGURES.iterdir()):
        files.append(File.generated(config, f"figures/{path.name}", abs_src_path=str(path)))
    return files


def on_page_markdown(markdown: str, page: Page, **_: Any) -> str:
    """Links to figures, which lead into the repository where a page is read on a forge."""
    depth = page.file.src_uri.count("/")
    return _FIGURE.sub("../" * depth + "figures/", markdown)


def on_page_content(content: str, **_: Any) -> str:
    """Formulas as MathML, which browsers draw by themselves; names of tests may break at `::`."""
    return _FORMULA.sub(_mathml, content).replace("::test_", "::<wbr>test_")


def _mathml(found: re.Match[str]) -> str:
    display = "inline" if found[2] == "(" else "block"
    latex = _TAG.sub(r"\\qquad (\1)", html.unescape(found[3]))
    return str(convert(latex, display=display))
