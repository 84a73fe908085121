"""formulas = paper: each printed formula that is wrong is warned of; what deviates is on one page and in validate."""

from __future__ import annotations

import logging
from importlib import resources

import pytest
from typer.testing import CliRunner

import netsim
from netsim.cli.commands import program
from netsim.theory.printed import DEVIATIONS, FAULTS

SMALL = {"network_only": True, "rounds": 1, "ues.count": 6}


def test_each_wrong_formula_is_warned_of(tmp_path, caplog: pytest.LogCaptureFixture) -> None:  # type: ignore[no-untyped-def]
    with caplog.at_level(logging.WARNING):
        run = netsim.run("quickstart", {**SMALL, "formulas": "paper"}, out=tmp_path / "run")
    for fault in FAULTS:
        assert f"{fault.about} is wrong as printed" in caplog.text
        assert any(fault.text in warning for warning in run.metadata["warnings"])
    corrected = netsim.run("quickstart", SMALL, out=tmp_path / "other")
    assert "as printed" not in str(corrected.metadata.get("warnings"))


def test_the_page_and_validate_list_the_same() -> None:
    page = resources.files("netsim").joinpath("docs/model/index.md").read_text(encoding="utf-8")
    options = ["--set", "formulas=paper", "--set", "network_only=true", "--set", "ues.count=6"]
    shown = CliRunner().invoke(program(), ["validate", "quickstart", *options])
    assert shown.exit_code == 0, shown.output
    for note in (*FAULTS, *DEVIATIONS):
        assert f"| {note.about} | {note.text} |" in page
        assert note.text in shown.output
    usual = CliRunner().invoke(program(), ["validate", "quickstart", *options[2:]])
    assert "as printed" not in usual.output
