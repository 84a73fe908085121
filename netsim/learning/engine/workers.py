"""Worker processes of one thread each, whose results come back in the order of the jobs.

Workers are forked when first needed, so they share the frozen weights with their parent, and they
end with it: a worker looks every half second whether its parent is still there. What they compute
does not depend on how many there are: a job is always computed whole, by one thread, and results
are handed on in order.
"""

from __future__ import annotations

import contextlib
import gc
import multiprocessing
import os
import signal
import sys
import threading
import time
import traceback
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, islice
from multiprocessing.connection import Connection, wait
from typing import Any, cast

import torch

from netsim.collecting import PYTHONS_OWN
from netsim.errors import NetsimError, RunError
from netsim.kept_memory import keep_memory

Task = Callable[[Any, Any], Any]
"""(context, job) -> result; all three travel by pickle between the processes of this run only."""

AHEAD = 4  # jobs per worker that may be done before their turn: bounds the results held
_END = object()  # after the last job


def default_workers() -> int:
    """Two, or the cores this process may use if there are fewer; one where forking is not safe."""
    # macOS can fork, but its Accelerate library does not survive it.
    if sys.platform != "linux":
        return 1
    return min(2, len(os.sched_getaffinity(0)))


class Workers:
    """Runs `task` on jobs: in `count` processes, or within this one if `count` is 1."""

    def __init__(
        self,
        task: Task,
        count: int,
    ) -> None:
        self._task = task
        self._count = count
        self._started: list[tuple[Any, Connection]] = []

    def map(
        self,
        context: Any,
        jobs: Iterable[Any],
    ) -> Iterator[Any]:
        """task(context, job) of each job, in order. Must be read to its end before the next call.

        Jobs are taken as workers become free, so that making them costs no worker its time.
        """
        jobs = iter(jobs)
        begun = list(islice(jobs, 2))
        everything = chain(begun, jobs)
        if self._count == 1 or len(begun) < 2:
            keep_memory()
            with one_thread():
                for job in everything:
                    yield self._task(context, job)
            return
        try:
            yield from self._spread(context, everything)
        except BaseException:
            self.close()  # answers may be on their way: these workers cannot be used again
            raise

    def close(self) -> None:
        """End the workers."""
        started = self._started
        self._started = []
        for process, pipe in started:
            pipe.close()
            process.kill()
        for process, _ in started:
            process.join()

    def _spread(
        self,
        context: Any,
        jobs: Iterator[Any],
    ) -> Iterator[Any]:
        self._start()
        pipes = [pipe for _, pipe in self._started]
        for pipe in pipes:
            _send(pipe, ("context", context))
        done: dict[int, Any] = {}  # results before their turn
        idle = list(pipes)
        sent = 0
        turn = 0
        more = True
        while True:
            while idle and more and sent < turn + AHEAD * len(pipes):
                job = next(jobs, _END)
                if job is _END:
                    more = False
                    break
                _send(idle.pop(0), ("job", sent, job))
                sent += 1
            if turn in done:
                yield done.pop(turn)
                turn += 1
                continue
            if turn == sent:
                return
            busy = [pipe for pipe in pipes if pipe not in idle]
            for ready in wait(busy):
                pipe = cast("Connection[Any, Any]", ready)
                number, result = _receive(pipe)
                done[number] = result
                idle.append(pipe)

    def _start(self) -> None:
        if self._started:
            return
        fork = multiprocessing.get_context("fork")
        for _ in range(self._count):
            ours, theirs = fork.Pipe()
            others = [pipe for _, pipe in self._started]
            others.append(ours)
            process = fork.Process(
                target=_work,
                args=(self._task, theirs, others, os.getpid()),
                name="netsim-worker",
                daemon=True,
            )
            with warnings.catch_warnings():
                # Python warns of forking beside threads (polars, progress display). A worker takes
                # none of their locks: it computes on arrays with one thread and answers on its
                # pipe.
                warnings.simplefilter("ignore", DeprecationWarning)
                process.start()
            theirs.close()
            self._started.append((process, ours))


def _work(
    task: Task,
    pipe: Connection,
    others: Sequence[Connection],
    parent: int,
) -> None:
    """What a worker process runs, until its pipe is closed."""
    for other in others:  # else a worker would hold its siblings' pipes open
        other.close()
    # Signals may reach the whole group; the parent decides what they mean.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    keep_memory()
    gc.freeze()  # else collections visit all that the parent holds, again and again
    gc.set_threshold(*PYTHONS_OWN)  # what a plug-in's training leaves in cycles may be large
    torch.set_num_threads(1)
    with contextlib.suppress(EOFError, OSError):
        _answer(task, pipe)


def _answer(task: Task, pipe: Connection) -> None:
    context: Any = None
    while True:
        kind, *rest = pipe.recv()
        if kind == "context":
            (context,) = rest
            continue
        number, job = rest
        try:
            result = task(context, job)
        except NetsimError as error:
            pipe.send(("error", error, ""))
        except Exception:
            pipe.send(("error", None, traceback.format_exc()))
        else:
            pipe.send(("result", number, result))


def _end_with(parent: int) -> None:
    """End this process when its parent has ended."""
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(1)


def _send(pipe: Connection, message: Any) -> None:
    try:
        pipe.send(message)
    except OSError as error:
        raise RunError("a worker process has ended unexpectedly (out of memory?)") from error


def _receive(pipe: Connection) -> tuple[int, Any]:
    try:
        kind, head, body = pipe.recv()
    except (EOFError, OSError) as error:
        raise RunError("a worker process has ended unexpectedly (out of memory?)") from error
    if kind != "error":
        return head, body
    if head is not None:
        raise head
    raise RunError(f"a worker process failed:\n{body}")


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """Compute with one thread, as workers do: a float32 sum differs between one and two."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
