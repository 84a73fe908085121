"""Runs have Python's garbage collector come by rarely, and leave it as it was."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator

import pytest

import netsim
from netsim.collecting import THRESHOLDS, collecting_rarely
from netsim.protocols import Progress, Silence

NETWORK_ONLY = {"network_only": True, "rounds": 2, "ues.count": 3, "data.train_samples": 200}


class Watching(Silence):
    """Keeps the thresholds that it sees when a round is over."""

    def __init__(self) -> None:
        self.seen: list[tuple[int, int, int]] = []

    def round_closed(self, progress: Progress) -> None:
        self.seen.append(gc.get_threshold())


@pytest.fixture(autouse=True)
def thresholds() -> Iterator[None]:
    before = gc.get_threshold()
    yield
    gc.set_threshold(*before)


def test_a_run_collects_rarely_and_puts_it_back(tmp_path_factory: pytest.TempPathFactory) -> None:
    gc.set_threshold(700, 10, 10)
    watching = Watching()
    out = tmp_path_factory.mktemp("runs") / "a"
    netsim.run("quickstart", NETWORK_ONLY, out=out, listener=watching)
    assert watching.seen == [THRESHOLDS] * 3
    assert gc.get_threshold() == (700, 10, 10)


@pytest.mark.parametrize("own", [(0, 10, 10), (1_000_000, 10, 10)])
def test_rarer_thresholds_of_the_process_stay(own: tuple[int, int, int]) -> None:
    gc.set_threshold(*own)
    with collecting_rarely():
        assert gc.get_threshold() == own
    assert gc.get_threshold() == own


def test_they_are_put_back_after_an_error() -> None:
    gc.set_threshold(700, 10, 10)
    with pytest.raises(KeyError), collecting_rarely():
        raise KeyError
    assert gc.get_threshold() == (700, 10, 10)


def test_cycles_of_a_run_before_are_gone() -> None:
    class Cycle:
        """Something that only a collection frees."""

        def __init__(self) -> None:
            self.itself = self

    with collecting_rarely():
        left = weakref.ref(Cycle())
    assert left() is not None
    with collecting_rarely():
        assert left() is None
