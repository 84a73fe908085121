"""Whose the bundled files are: license files are shipped, and pages carry that of plotly.js."""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import distribution
from pathlib import Path

from netsim.reports.html import page

ROOT = Path(__file__).parents[1]
PLOTLY = "netsim/reports/page/plotly-LICENSE.txt"
TEXT = (".py", ".js", ".css", ".html", ".toml", ".json", ".mplstyle")


def _permission(text: str) -> str:
    """What a license says after its title, which some versions spell differently, and its years."""
    return " ".join(re.split(r"Copyright \(c\).*", text)[-1].split())


def test_license_files_are_shipped() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    files = project["project"]["license-files"]
    assert files == ["LICENSE", "NOTICE", PLOTLY]
    assert all((ROOT / file).is_file() for file in files)
    source = project["tool"]["hatch"]["build"]["targets"]["sdist"]["include"]
    assert {"LICENSE", "NOTICE", "netsim"} <= set(source)


def test_pages_carry_the_license_of_the_installed_plotly() -> None:
    kept = (ROOT / PLOTLY).read_text(encoding="utf-8")
    html = page("x", {})
    assert kept in html.split("<html", 1)[0]
    assert "Licensed under the MIT license" in html
    (installed,) = [
        file.read_text()
        for file in distribution("plotly").files or ()
        if file.name == "LICENSE.txt"
    ]
    assert _permission(installed) == _permission(kept)


def test_nothing_else_in_the_package_is_marked_as_others() -> None:
    marks = re.compile(r"copyright|@license|SPDX-", re.IGNORECASE)
    files = [file for file in (ROOT / "netsim").rglob("*") if file.suffix in TEXT]
    assert len(files) > 300
    marked = [
        str(f) for f in files if marks.search(f.read_text(encoding="utf-8", errors="replace"))
    ]
    assert marked == []
