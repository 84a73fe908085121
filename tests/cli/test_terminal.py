"""What terminals and pipes get: narrow ones, closed ones, and numbers a person can read."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from rich.console import Console

import netsim
from netsim.cli.console import print_table
from netsim.cli.progress import TerminalListener, facts
from netsim.protocols import Progress
from netsim.results.intervals import plus_minus

Command = Callable[..., Any]
ROUND = Progress(
    round=12,
    time_s=61.2,
    energy_j=1530.0,
    on_time=17,
    late=3,
    outage=2,
    not_ready=1,
    train_loss=0.5,
    loss=0.412,
    accuracy=0.871,
)


@pytest.mark.parametrize("width", [60, 80, 140])
def test_a_narrow_line_keeps_bar_round_accuracy_and_time_to_go(width: int) -> None:
    screen = io.StringIO()
    out = Console(file=screen, width=width, force_terminal=True, color_system=None)
    with TerminalListener(out, 300) as listener:
        listener.status("simulating")
        for number in (11, 12):
            listener.round_closed(replace(ROUND, round=number))
    last = screen.getvalue().split("\x1b[2K")[-1].splitlines()[0]
    assert "simulating " in last
    assert "12/300 -:--:-- accuracy 0.871" in last  # the time to go is not known yet
    assert len(last) <= width
    assert ("outage 2" in last) == (width == 140)


def test_one_vocabulary() -> None:
    assert facts(ROUND) == (
        "accuracy 0.871  simulated 61.2 s  1.53 kJ  on time 17  late 3  outage 2  "
        "not ready 1  loss 0.412"
    )


class Closed(io.StringIO):
    """A pipe that nobody reads any more."""

    def write(self, text: str) -> int:
        raise BrokenPipeError


def test_a_closed_pipe_interrupts_the_run(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As `netsim run 2>&1 | head` does; the run can be resumed."""
    tiny = ("--network-only", "--set", "rounds=3", "--set", "ues.count=5", "--out", "r")

    def broken(_: Console) -> None:
        raise SystemExit(1)  # as rich does, once it has put /dev/null in the pipe's place

    with monkeypatch.context() as patched:
        patched.setattr("sys.stderr", Closed())
        patched.setattr(Console, "on_broken_pipe", broken)
        assert command("run", *tiny).returncode == 130
    assert netsim.open_run("r").metadata["status"] == "interrupted"
    assert command("resume", "r").returncode == 0
    assert netsim.open_run("r").metadata["status"] == "done"


@pytest.mark.parametrize(
    ("mean", "half_width", "text"),
    [
        (1195.3, 212.0, "1195 ± 210"),
        (0.80123, 0.1234, "0.80 ± 0.12"),
        (-3.0, 0.05, "-3.000 ± 0.050"),
        (5.0, 1e-9, "5.000e+00 ± 1.0e-09"),
        (0.5, 0.0, "0.5 ± 0"),
        (2.0833, 1.6e-14, "2.083 ± 0"),
    ],
)
def test_numbers_with_their_intervals(mean: float, half_width: float, text: str) -> None:
    assert plus_minus(mean, half_width) == text


def test_keys_are_never_split() -> None:
    screen = io.StringIO()
    out = Console(file=screen, width=60, force_terminal=True, color_system=None)
    print_table(("key", "meaning"), [("a.b_" * 8, "word " * 30)], whole=(0,), out=out)
    assert "a.b_" * 8 in screen.getvalue()


def test_the_schema_can_be_searched(command: Command) -> None:
    some = command("validate", "--schema", "pathloss").stdout
    assert "radio.pathloss.kind" in some
    assert "rounds" not in some
    assert "<class" not in some
    assert "typing." not in some
    assert "scheme.max_modules" in command("validate", "--schema", "scheme").stdout
    missed = command("validate", "--schema", "radoi")
    assert missed.returncode == 2
    assert "did you mean radio?" in missed.stderr


def test_the_schema_as_json(command: Command) -> None:
    found = json.loads(command("validate", "--schema", "--json").stdout)
    keys = {row["key"]: row for row in found["keys"]}
    assert keys["radio.bandwidth_hz"]["unit"] == "Hz"
    units = {row["key"]: row["unit"] for row in found["parameters"]}
    assert units["mobility.mean_speed_m_s"] == "m/s"
    assert units["radio.pathloss.shadowing_std_db"] == "dB"
    assert {row["type"] for row in found["parameters"]} >= {"number", "integer", "boolean", "text"}
