"""What the studies of analysis/ share: their options, and sweeps that go on where they were
stopped.

A study is a script with `main(argv)`: read `options`, `sweep` what it needs, and `findings.write` a
table and a figure. `small` shows in seconds that it works, `cpu` is for two cores.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import netsim
from netsim.errors import NetsimError
from netsim.sweeps.job import JobOutcome
from netsim.sweeps.study import open_study

HERE = Path(__file__).parent
TELL_EVERY_S = 10.0


@dataclass(frozen=True)
class Options:
    """What a study was asked for."""

    study: str
    size: str
    jobs: int | None  # runs at once; None: as many as there are cores
    out: Path  # sweep folders, and the results of `small`
    model: Path | None = None  # folders of a model and of data in place of the built-in ones
    data: Path | None = None
    minutes: float | None = None  # what is not done after so long is left
    began: float = field(default_factory=time.monotonic)

    @property
    def until(self) -> float | None:
        """End of the time that was given, on the monotonic clock."""
        return None if self.minutes is None else self.began + 60 * self.minutes

    @property
    def results(self) -> Path:
        """Folder of results/ and figures/."""
        return self.out if self.size == "small" else HERE

    @property
    def learned(self) -> dict[str, Any]:
        """Overrides for the model and data folders that were given."""
        given = {"model.path": self.model, "data.path": self.data}
        return {key: str(path) for key, path in given.items() if path is not None}

    @property
    def command(self) -> str:
        """The command without what does not change the result, folders by their last name."""
        words = [f"python analysis/{self.study}.py --size {self.size}"]
        given = {"--model": self.model, "--data": self.data}
        return " ".join(
            words + [f"{name} {path.name}" for name, path in given.items() if path is not None]
        )


def options(
    argv: Sequence[str] | None,
    script: str,
    doc: str | None,
    sizes: Iterable[str],
    *,
    learns: bool = False,
) -> Options:
    """Command line of the study in the file `script`; `learns` adds --model and --data."""
    parser = argparse.ArgumentParser(
        description=doc, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    name = Path(script).stem
    parser.add_argument("--size", choices=tuple(sizes), default="small")
    parser.add_argument("--jobs", type=int, help="runs at once; default: one per core")
    parser.add_argument(
        "--minutes",
        type=float,
        help="stop after so long, and write what is complete",
    )
    parser.add_argument(
        "--out", type=Path, help=f"sweep folders, gone on with; default runs/{name}-SIZE"
    )
    if learns:
        parser.add_argument(
            "--model", type=Path, help="folder of a model, as on the Hugging Face hub"
        )
        parser.add_argument("--data", type=Path, help="folder of a GLUE task")
    given = vars(parser.parse_args(argv))
    out = given.pop("out") or Path("runs") / f"{name}-{given['size']}"
    return Options(study=name, out=out, **given)


class OutOfTimeError(Exception):
    """--minutes are over."""


class Teller:
    """Says on stderr how many runs are over, and at once which failed."""

    def __init__(self, runs: int, until: float | None = None) -> None:
        self.until = until  # on the monotonic clock
        self.runs, self.over, self.begun, self.told = runs, 0, time.monotonic(), 0.0

    def run_moved(self, job: str, fraction: float) -> None:
        """Ends are enough, but for the end of time."""
        self.check_time()

    def check_time(self) -> None:
        """Raises OutOfTimeError."""
        if self.until is not None and time.monotonic() >= self.until:
            raise OutOfTimeError

    def run_ended(self, outcome: JobOutcome) -> None:
        """A run is over."""
        self.over += 1
        spent = time.monotonic() - self.begun
        if outcome.status == "failed":
            sys.stderr.write(f"{outcome.id} failed: {outcome.error}\n")
        if self.over == self.runs or spent >= self.told + TELL_EVERY_S:
            self.told = spent
            sys.stderr.write(f"{self.over} of {self.runs} runs after {spent:.0f} s\n")
        self.check_time()


def sweep(
    asked: Options,
    source: str | Path,
    over: Mapping[str, Sequence[Any]] | Sequence[Mapping[str, Sequence[Any]]],
    seeds: Iterable[int],
    fixed: Mapping[str, Any] | None = None,
    *,
    part: str = "",
) -> netsim.Sweep:
    """The finished runs of a grid, or of several, in --out/part; goes on with what is there.

    Exits if a run failed, or with one message if something was asked that cannot be.
    """
    try:
        study = open_study(source, over, list(seeds), fixed=fixed, out=asked.out / part)
        teller = Teller(len(study.todo), asked.until)
        if study.todo:
            teller.check_time()
        study.run(teller, at_once=asked.jobs)
    except OutOfTimeError:
        sys.stderr.write(f"{asked.study}: out of time; the same command goes on\n")
        return netsim.open_sweep(asked.out / part)
    except NetsimError as error:
        sys.stderr.write(f"{asked.study}: {error}\n")
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.stderr.write(f"{asked.study}: interrupted; the same command goes on\n")
        sys.exit(130)
    left = [outcome.id for outcome in study.outcomes if outcome.status != "done"]
    if left:
        sys.exit(
            f"{len(left)} runs failed or are another process's, first {left[0]}; the same command goes on"
        )
    return netsim.open_sweep(asked.out / part)


def within_time(
    asked: Options,
    source: str | Path,
    over: Sequence[Mapping[str, Sequence[Any]]],
    seeds: Iterable[int],
    fixed: Mapping[str, Any] | None = None,
    *,
    part: str = "",
) -> list[int]:
    """Runs the grids, all of a seed before the next; returns the seeds that are complete.

    Once --minutes are over, the run in progress is interrupted and no other begun; the same command
    goes on with it.
    """
    wanted = list(seeds)
    sweep(asked, source, over, wanted, fixed, part=part)
    jobs = open_study(source, over, wanted, fixed=fixed, out=asked.out / part)
    left = {job.seed for job in jobs.todo}
    return [seed for seed in wanted if seed not in left]


def complete(
    asked: Options,
    source: str | Path,
    over: Sequence[Mapping[str, Sequence[Any]]],
    seeds: Iterable[int],
    fixed: Mapping[str, Any] | None = None,
) -> tuple[list[int], netsim.Sweep]:
    """`within_time` of a study that is one sweep: the seeds that are complete, and the sweep.

    Exits where there are none.
    """
    done = within_time(asked, source, over, seeds, fixed)
    if not done:
        sys.exit(f"{asked.study}: no seed is complete; the same command goes on")
    return done, netsim.open_sweep(asked.out)
