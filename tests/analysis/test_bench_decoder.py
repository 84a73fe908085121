"""The decoder's benchmark does the work of the hand-written loop that it is compared with."""

from __future__ import annotations

import importlib

import pytest

TINY = [
    "--hidden",
    "32",
    "--layers",
    "2",
    "--tokens",
    "9",
    "--tau",
    "2",
    "--ues",
    "2",
    "--samples",
    "3",
    "--repeats",
    "1",
]


@pytest.mark.parametrize("family", ["llama", "qwen2"])
def test_a_tiny_decoder(scripts: None, capsys: pytest.CaptureFixture[str], family: str) -> None:
    importlib.import_module("bench_decoder").main(["--family", family, *TINY])
    said = capsys.readouterr().out  # it leaves by SystemExit where changes differ
    assert "largest difference" in said
    assert "times as fast as the loop" in said
