"""The page as a file: complete in itself, escaped, and of bounded size."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
import time
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netsim.errors import DataError, OutputError
from netsim.reports.html import json_in_html, page, write_report
from netsim.results.reader import Run


class Parts(HTMLParser):
    """Elements, and the text of the scripts, as an HTML parser sees them."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self._in: str | None = None
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._in = tag
        if tag == "script":
            self.scripts.append("")

    def handle_endtag(self, tag: str) -> None:
        self._in = None

    def handle_data(self, data: str) -> None:
        if self._in == "script":
            self.scripts[-1] += data


def test_page_names_the_hashes_of_its_scripts_and_loads_nothing(
    moving: Run, tmp_path: Path
) -> None:
    text = write_report([moving], tmp_path / "page.html").read_text(encoding="utf-8")
    parts = Parts(text)
    data, plotly, script = parts.scripts
    policy = next(
        a["content"] for t, a in parts.elements if a.get("http-equiv") == "Content-Security-Policy"
    )
    assert policy is not None
    for code in (plotly, script):
        assert base64.b64encode(hashlib.sha256(code.encode()).digest()).decode() in policy
    assert policy.startswith("default-src 'none'")
    assert "unsafe-inline" not in policy.split("script-src")[1]
    assert json.loads(data)["runs"][0]["folder"] == moving.path.name
    assert not [t for t, a in parts.elements if a.get("src")]
    assert [a["href"] for _, a in parts.elements if a.get("href")] == ["data:,"]
    assert "MIT license" in plotly[:300]


def test_hostile_names_stay_in_the_data(moving: Run, tmp_path: Path, hostile: list[str]) -> None:
    text = write_report([moving], tmp_path / "page.html").read_text(encoding="utf-8")
    # type: ignore[index]
    outside = text.replace(re.search(r'id="data">(.*?)</script>', text, re.DOTALL)[1], "")
    for name in hostile[:4]:
        assert name not in text
    # type: ignore[index]
    assert html.escape(hostile[1]) in re.search("<title>(.*?)</title>", outside)[1]


@given(
    st.recursive(
        st.text() | st.floats(allow_nan=False, allow_infinity=False) | st.none(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_json_survives_any_html_parser(data: Any) -> None:
    text = json_in_html(data)
    assert not set("<>&") & set(text)
    assert json.loads(text) == data


def test_no_number_is_not_a_number() -> None:
    with pytest.raises(DataError, match="infinite or none"):
        json_in_html([float("nan")])


def test_dollars_in_the_data_are_kept() -> None:
    assert "$title ${data}" in page("x", {"a": "$title ${data}"})


def test_the_same_runs_give_the_same_page(moving: Run, tmp_path: Path) -> None:
    one, other = (
        write_report([moving], tmp_path / name).read_bytes() for name in ("a.html", "b.html")
    )
    assert one == other


def test_a_hundred_thousand_uploads(tmp_path: Path, network_run: Callable[..., Run]) -> None:
    big = network_run(ues__count=1000, rounds=100, radio__bandwidth_hz=1e8, data__samples_per_ue=4)
    assert big.metadata["records"]["uploads"] > 95_000
    begun = time.process_time()
    out = write_report([big], tmp_path / "big.html")
    assert time.process_time() - begun < 20  # measured 2
    assert out.stat().st_size < 6e6
    data = json.loads(Parts(out.read_text(encoding="utf-8")).scripts[0])["runs"][0]
    assert "of 100 rounds are on this page" in data["timeline"]["note"]
    assert "at most 120 UEs of a round" in data["timeline"]["note"]
    assert data["subscriptions"]["note"] == "200 of 1000 UEs are on this page, evenly spaced"
    assert data["ues"]["note"] == "200 of 1000 UEs, evenly spaced"
    assert data["ground"]["note"].startswith("240 of 1000 UEs are drawn")


def test_bounds_and_places(moving: Run, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="1 to 12 runs"):
        write_report([moving] * 13, tmp_path / "page.html")
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot be written"):
        write_report([moving], tmp_path / "file" / "page.html")
