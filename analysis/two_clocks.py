"""Two clocks at once: the wall's, and the CPU seconds of a process and all that it has started.

    PYTHON analysis/two_clocks.py SCRIPT [arguments]

runs a script that takes its time with `time.perf_counter` and tells it by `report` of the
`workload.py` beside it. Each of its lines is followed by the same line by CPU seconds, which other
work on the machine hardly moves. Needs nothing but Python, so that any interpreter can run it; the
processes that a script has started are found on Linux only.
"""

from __future__ import annotations

import os
import resource
import runpy
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

CPU = "CPU time"


class Seconds(float):
    """By the wall clock; `cpu` by the processors'."""

    cpu: float

    @classmethod
    def of(cls, wall: float, cpu: float) -> Seconds:
        both = cls(wall)
        both.cpu = cpu
        return both

    def __sub__(self, other: float) -> Seconds:
        if not isinstance(other, Seconds):
            return NotImplemented
        return Seconds.of(float(self) - float(other), self.cpu - other.cpu)


def now() -> Seconds:
    """This moment, from arbitrary beginnings."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = time.process_time() + ended.ru_utime + ended.ru_stime + _cpu_of_descendants()
    return Seconds.of(_wall(), cpu)


_wall = time.perf_counter  # as it is before `main` puts `now` in its place


def _cpu_of_descendants() -> float:
    """CPU seconds of the processes below this one that have not ended, in steps of 10 ms."""
    ticks = {number: sum(map(int, fields[11:15])) for number, fields in _processes()}
    found = sum(ticks.get(number, 0) for number in descendants(os.getpid()))
    return found / os.sysconf("SC_CLK_TCK")


def descendants(process: int) -> list[int]:
    """The processes below one."""
    below: dict[int, list[int]] = {}
    for number, fields in _processes():
        below.setdefault(int(fields[1]), []).append(number)
    found = list(below.get(process, ()))
    for number in found:  # grows as it is read
        found += below.get(number, ())
    return found


def _processes() -> Iterator[tuple[int, list[str]]]:
    """Each process and its fields from the third on (man 5 proc_pid_stat)."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            line = (folder / "stat").read_text()
        except OSError:  # it has ended
            continue
        yield int(folder.name), line.rpartition(")")[2].split()


def told_twice(report: Callable[..., None]) -> Callable[..., None]:
    """`report` of a workload, once by each clock."""

    def twice(name: str, a: Any, seconds: float, params: Any) -> None:
        params = list(params)
        report(name, a, seconds, params)
        if isinstance(seconds, Seconds):
            report(f"{name}, {CPU}", a, seconds.cpu, params)

    return twice


def main() -> None:
    """Run the script that is named."""
    script = Path(sys.argv[1])
    sys.argv = sys.argv[1:]
    sys.path[0] = str(script.parent)
    import workload

    workload.report = told_twice(workload.report)
    time.perf_counter = now
    runpy.run_path(str(script), run_name="__main__")


if __name__ == "__main__":
    main()
