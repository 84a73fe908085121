"""Where the time of a run goes, step by step: by the wall clock, and in CPU seconds, workers' too.

    python analysis/bench_start.py [SCENARIO] [--set KEY=VALUE]...

`training` and `measuring` are what the main process waits for, `rounds` is what else it does in
them. Python's own start and end are not in the table.
"""

from __future__ import annotations

import argparse
import functools
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from two_clocks import Seconds, now

import netsim

if TYPE_CHECKING:
    from netsim.protocols import Progress

IMPORTS = "imports, scenario"
STEPS = {
    "reading data": "making the sentences",
    "loading the foundation model": "torch, the model, links",
    "simulating": "rounds",
}
WAITING = {"redeem": "training", "evaluate": "measuring"}


class Watch:
    """A listener that adds up how long each step takes."""

    def __init__(self) -> None:
        self.spent: dict[str, Seconds] = {}
        self._patches = ExitStack()
        self._step = IMPORTS
        self._since = now()

    def switch(self, step: str) -> str:
        """Another step begins; returns the one that ends."""
        moment = now()
        before, self._step = self._step, step
        took, had = moment - self._since, self.spent.get(before, Seconds.of(0.0, 0.0))
        self.spent[before] = Seconds.of(float(had) + float(took), had.cpu + took.cpu)
        self._since = moment
        return before

    def status(self, text: str) -> None:
        """The next step begins; before rounds do, what they wait for becomes steps of its own."""
        self.switch(STEPS[text])
        if text == "simulating" and "torch" in sys.modules:
            from netsim.learning.learner import FederatedLearner

            for method, step in WAITING.items():
                timed = self._timed(step, vars(FederatedLearner)[method])
                self._patches.enter_context(patch.object(FederatedLearner, method, timed))

    def warning(self, text: str) -> None:
        """What the run warns of is not asked for here."""

    def round_closed(self, progress: Progress) -> None:
        """Rounds are not told apart."""

    def close(self) -> None:
        """The last step is over."""
        self.switch("")
        self._patches.close()

    def _timed(self, step: str, method: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(method)
        def timed(*arguments: Any, **named: Any) -> Any:
            before = self.switch(step)
            try:
                return method(*arguments, **named)
            finally:
                self.switch(before)

        return timed


def main(words: Sequence[str] | None = None) -> None:
    """Run a scenario and print the table."""
    watch = Watch()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("scenario", nargs="?", default="quickstart")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    chosen = parser.parse_args(words)
    from netsim.scenario.load import parse_override  # from here on imports are timed

    with tempfile.TemporaryDirectory() as folder:
        overrides = dict(parse_override(text) for text in chosen.set)
        netsim.run(chosen.scenario, overrides, out=Path(folder) / "run", listener=watch)
        watch.close()
    print_table(watch.spent)


def print_table(spent: dict[str, Seconds]) -> None:
    """A line a step, in the order in which they began."""
    wall = sum(map(float, spent.values()))
    cpu = sum(took.cpu for took in spent.values())
    lines = ["| step | wall clock, s | share | CPU, s | share |", "|---|---|---|---|---|"]
    for step, took in [*spent.items(), ("together", Seconds.of(wall, cpu))]:
        clock = f"{took:.2f} | {took / wall:.0%}"
        processors = f"{took.cpu:.2f} | {took.cpu / cpu:.0%}"
        lines.append(f"| {step} | {clock} | {processors} |")
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
