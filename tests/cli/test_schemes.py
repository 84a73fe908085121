"""`netsim schemes` in a pipe and on a terminal."""

from __future__ import annotations

import io
import re

import pytest

from netsim.cli.schemes import schemes
from netsim.plugins import parameters
from netsim.schemes.base import scheme_class, scheme_names


def _sections(text: str) -> dict[str, list[str]]:
    """Lines under the name of each scheme."""
    found: dict[str, list[str]] = {}
    for line in text.splitlines()[3:]:
        head = re.match(r" (\w+)  ", line)
        if head:
            found[head[1]] = []
        if line.strip():
            found[list(found)[-1]].append(line)
    return found


def test_every_scheme_with_what_it_does_citation_and_parameters(
    capsys: pytest.CaptureFixture[str],
) -> None:
    schemes()
    text = capsys.readouterr().out
    sections = _sections(text)
    assert list(sections) == scheme_names()
    for kind, lines in sections.items():
        found = scheme_class(kind)
        assert (found.__doc__ or "").splitlines()[0] in lines[0]
        assert found.citation in lines[1]
        if "..." not in lines[-1]:
            assert [line.split()[0] for line in lines[2:]] == [p.name for p in parameters(found)]
    assert max(len(line) for line in text.splitlines()) < 160
    assert "rank of the common adapter" in sections["fedlora"][2]
    assert "(equal | algorithm1)" in sections["round_robin"][-1]


def test_variants_name_the_scheme_and_what_they_fix(capsys: pytest.CaptureFixture[str]) -> None:
    schemes()
    sections = _sections(capsys.readouterr().out)
    assert (
        "the parameters of model_switching, but for dual_step, participation"
        in sections["greedy"][-1]
    )
    changed, rest = sections["energy_constrained"][-2:]
    assert changed.split()[:2] == ["mu", "1e+06"]
    assert rest.rstrip().endswith("the parameters of model_switching")


def test_a_narrow_terminal_folds_and_cuts_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal = Terminal()
    monkeypatch.setattr("sys.stdout", terminal)
    monkeypatch.setenv("COLUMNS", "76")
    monkeypatch.setenv("TERM", "xterm")
    schemes()
    text = re.sub(r"\x1b\[[0-9;]*m", "", terminal.getvalue())
    assert max(len(line) for line in text.splitlines()) <= 76
    for kind in scheme_names():
        assert re.search(rf"^ {kind}  ", text, re.MULTILINE)
    assert "…" not in text
