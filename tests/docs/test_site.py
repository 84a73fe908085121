"""The site of netsim/docs: it builds strictly, and every link within it leads somewhere."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

import netsim

ROOT = Path(__file__).parents[2]

MKDOCS = """
import gc
gc.disable()  # trees of all modules and pages stay: to look through them took a tenth of the time
from mkdocs.__main__ import cli
cli()
"""


@cache
def page_of(path: Path) -> Page:
    """A page, parsed once: the reference of the Python interface has a megabyte."""
    return Page(path.read_text("utf-8"))


class Page(HTMLParser):
    """The links of a page and the places in it that links may lead to."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.anchors: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.links += [value for key in ("href", "src") if (value := given.get(key))]
        self.anchors |= {value for key in ("id", "name") if (value := given.get(key))}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-c", MKDOCS, "build", "--strict", "--quiet", "--site-dir"]
    done = subprocess.run(
        [*command, str(folder)],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def dead_links(folder: Path) -> list[str]:
    """`page: link` of each link that leads to no file, or to no place in its page."""
    pages = {path: page_of(path) for path in folder.rglob("*.html")}
    assert pages
    dead = []
    for path, page in pages.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            base = folder if parts.path.startswith("/") else path.parent
            target = (base / unquote(parts.path).lstrip("/")).resolve() if parts.path else path
            if target.is_dir():
                target = target / "index.html"
            known = pages.get(target)
            fragment = unquote(parts.fragment)
            lost = known is not None and fragment and fragment not in known.anchors
            if not target.is_file() or lost:
                dead.append(f"{path.relative_to(folder)}: {link}")
    return dead


def test_no_link_is_dead(site: Path) -> None:
    assert dead_links(site) == []


def test_a_dead_link_is_seen(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text('<a href="b.html#x"></a><a href="c.html"></a><p id="y">')
    (tmp_path / "b.html").write_text('<a href="a.html#y"></a><a href="#z"></a>')
    assert sorted(dead_links(tmp_path)) == ["a.html: b.html#x", "a.html: c.html", "b.html: #z"]


def test_the_reference_has_every_public_name_with_shapes(site: Path) -> None:
    path = site / "reference" / "python.html"
    text = path.read_text("utf-8")
    anchors = page_of(path).anchors
    for name in netsim.__all__:
        if name != "__version__":
            found = getattr(netsim, name)
            assert f"{found.__module__}.{found.__name__}" in anchors
    for field in dataclasses.fields(netsim.RoundPlan):
        assert f"netsim.protocols.plan.RoundPlan.{field.name}" in anchors
    assert "serving gNB. [K]" in text
    assert "first ranks that the UE trains and sends [M]; None: all" in text


def test_pages_fetch_nothing(site: Path) -> None:
    """No script, style, font or picture comes from another host."""
    for path in site.rglob("*.html"):
        text = path.read_text("utf-8")
        for start in ('src="http', 'href="https://fonts', "unpkg.com", "cdn."):
            assert start not in text, f"{path.name}: {start}"
