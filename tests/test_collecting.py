"""Python's garbage collector comes by rarely during a run, whose rounds leave it nothing."""

from __future__ import annotations

import gc
import weakref
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import netsim
from netsim import collecting
from netsim.collecting import (
    MANY,
    PYTHONS_OWN,
    ROUNDS,
    RUN,
    collect_now_and_then,
    collecting_rarely,
    running,
)
from netsim.protocols import Progress, Silence

NETWORK_ONLY = {"network_only": True, "rounds": 4, "ues.count": 6, "data.train_samples": 400}
MODES: dict[str, dict[str, Any]] = {
    "one_draw": {},
    "blocks": {"radio.fading": "block"},
    "nr": {"radio.fading": "block", "radio.rate_model": "nr"},
    "all_cells": {"radio.interference": "network", "federation": "network"},
    "async": {"scheme.kind": "buffered_async", "scheme.concurrency": 2, "scheme.buffer": 1},
    "moving": {"mobility.kind": "random_waypoint", "radio.fading": "block"},
}


class Cycle:
    """Something that only a collection frees."""

    def __init__(self) -> None:
        self.itself = self


class Watching(Silence):
    """Keeps the thresholds that it sees when a round is over."""

    def __init__(self) -> None:
        self.seen: list[int] = []

    def round_closed(self, progress: Progress) -> None:
        self.seen.append(gc.get_threshold()[0])


@pytest.fixture(autouse=True)
def _thresholds() -> Iterator[None]:
    before = gc.get_threshold()
    gc.set_threshold(*PYTHONS_OWN)
    yield
    gc.enable()
    gc.set_threshold(*before)
    gc.set_debug(0)
    gc.garbage.clear()


def test_a_run_collects_rarely_and_puts_it_back(tmp_path: Path) -> None:
    watching = Watching()
    netsim.run("quickstart", NETWORK_ONLY, out=tmp_path / "a", listener=watching)
    assert watching.seen == [RUN] * 5
    assert gc.get_threshold() == PYTHONS_OWN


@pytest.mark.parametrize("own", [(0, 10, 10), (100_000_000, 10, 10)])
def test_rarer_thresholds_of_the_process_stay(own: tuple[int, int, int]) -> None:
    gc.set_threshold(*own)
    with collecting_rarely(RUN):
        assert gc.get_threshold() == own
    assert gc.get_threshold() == own


def test_they_are_put_back_after_an_error() -> None:
    with pytest.raises(KeyError), collecting_rarely(RUN):
        raise KeyError
    assert gc.get_threshold() == PYTHONS_OWN


def test_a_run_before_is_gone_once_runs_have_taken_long(monkeypatch: pytest.MonkeyPatch) -> None:
    with running():
        cycle = Cycle()
        gc.collect(1)  # it is old now
    left = weakref.ref(cycle)
    del cycle
    monkeypatch.setattr(collecting, "RUNS_S", 1e9)
    with running():
        assert left() is not None
    monkeypatch.setattr(collecting, "RUNS_S", 0.0)
    with running():
        assert left() is None


def test_what_a_block_leaves_is_old_without_a_look_at_it() -> None:
    gc.unfreeze()
    with collecting_rarely(RUN):
        cycle = Cycle()
        many = [[number] for number in range(MANY)]
    left = weakref.ref(cycle)
    del cycle, many
    gc.collect(1)
    assert left() is not None
    gc.collect()
    assert left() is None
    gc.freeze()


def test_after_a_small_block_nothing_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """To count what is frozen is to look at all of it."""
    monkeypatch.setattr(gc, "get_freeze_count", lambda: pytest.fail("counted"))
    gc.collect()
    with collecting_rarely(RUN):
        pass


def test_cycles_of_a_plug_in_go_after_some_rounds() -> None:
    with collecting_rarely(RUN):
        left = weakref.ref(Cycle())
        for round in range(ROUNDS - 1):
            collect_now_and_then(round)
        assert left() is not None
        collect_now_and_then(ROUNDS - 1)
        assert left() is None


def test_a_collector_that_was_turned_off_is_not_called() -> None:
    gc.disable()
    left = weakref.ref(Cycle())
    collect_now_and_then(ROUNDS - 1)
    assert left() is not None


@pytest.mark.parametrize("mode", MODES)
def test_a_round_leaves_nothing_in_cycles(mode: str, tmp_path: Path) -> None:
    overrides = {**NETWORK_ONLY, **MODES[mode]}
    with netsim.Session("quickstart", overrides, out=tmp_path / "a") as session:
        session.step(session.proposed())
        gc.collect()
        gc.disable()
        gc.set_debug(gc.DEBUG_SAVEALL)
        session.step(session.proposed())
        gc.collect()
        left = Counter(type(thing).__qualname__ for thing in gc.garbage if _is_ours(thing))
    assert not left


def _is_ours(thing: object) -> bool:
    """An object of netsim's or SimPy's, or a function of theirs."""
    names = (type(thing).__module__, getattr(thing, "__module__", ""))
    return any(str(name).startswith(("netsim", "simpy")) for name in names)
