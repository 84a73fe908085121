"""Who is told of a run: its listener, and its trackers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from netsim.errors import InputError, Interrupted, did_you_mean
from netsim.plugin_members import check_members
from netsim.protocols import Listener, Progress, Tracker

TRACKERS = {
    "mlflow": "netsim.trackers.mlflow_run:MlflowRun",
    "wandb": "netsim.trackers.wandb_run:WandbRun",
    "trackio": "netsim.trackers.trackio_run:TrackioRun",
}
"""{name, which is that of the package and of the extra: class}."""

Log = str | Tracker | Iterable[str | Tracker]


def trackers_of(log: Log | None) -> list[Tracker]:
    """Trackers by name, and those that are given. Raises InputError, also without the package."""
    if log is None:
        return []
    given = [log] if isinstance(log, str) or not isinstance(log, Iterable) else log
    return [_named(one) if isinstance(one, str) else _checked(one) for one in given]


def _named(name: str) -> Tracker:
    if name not in TRACKERS:
        rule = f"must be one of {', '.join(TRACKERS)}{did_you_mean(name, TRACKERS)}"
        raise InputError(rule, where="log", value=name)
    try:
        if _is_folder(name):
            raise ImportError
        made = EntryPoint(name, TRACKERS[name], group="").load()
    except ImportError:
        rule = f"needs the extra '{name}': pip install 'netsim-fedlora[{name}]'"
        raise InputError(rule, where="log", value=name) from None
    tracker: Tracker = made()
    return tracker


def _is_folder(name: str) -> bool:
    """Whether a name is only that of a folder, such as the one in which wandb keeps its runs."""
    found = find_spec(name)
    return found is not None and found.origin is None


def _checked(given: Tracker) -> Tracker:
    check_members(type(given), Tracker, "log")
    return given


@contextmanager
def tracked(
    listener: Listener,
    trackers: Sequence[Tracker],
    folder: Path,
    settings: Mapping[str, Any],
) -> Iterator[Listener]:
    """A listener that passes on to `listener` and the trackers; they learn how the run ended.

    `folder` is that of the run, `settings` its scenario as dotted keys.
    """
    told = TrackingListener(listener, list(trackers), folder, settings)
    try:
        yield told
    except (KeyboardInterrupt, Interrupted):
        told.end("interrupted")
        raise
    except BaseException:
        told.end("failed")
        raise
    told.end("done")


@dataclass
class TrackingListener:
    """Tells trackers of each round. They begin with the first: bad input leaves nothing in them."""

    listener: Listener
    trackers: list[Tracker]  # that have not failed
    folder: Path
    settings: Mapping[str, Any]
    _begun: bool = field(default=False, init=False)

    def status(self, text: str) -> None:
        """A step that takes a while has begun."""
        self.listener.status(text)

    def warning(self, text: str) -> None:
        """Something is not as it should be; the run goes on."""
        self.listener.warning(text)

    def round_closed(self, progress: Progress) -> None:
        """A round is over."""
        if not self._begun:
            self._begun = True
            self._tell(lambda tracker: tracker.begin(self.folder, self.settings))
        told = values(progress)
        self._tell(lambda tracker: tracker.log(progress.round, told))
        self.listener.round_closed(progress)

    def end(self, status: str) -> None:
        """The run is over."""
        if self._begun:
            self._tell(lambda tracker: tracker.end(status))

    def _tell(self, call: Callable[[Tracker], None]) -> None:
        """Each tracker in turn. One that fails is told no more."""
        for tracker in list(self.trackers):
            try:
                call(tracker)
            except Exception as error:
                self.trackers.remove(tracker)
                reason = " ".join(f"{type(error).__name__}: {error}".split())
                name = type(tracker).__name__
                self.listener.warning(f"{name} fails and is told no more: {reason}")


def values(progress: Progress) -> dict[str, float]:
    """{name: value} of a round; losses and accuracy only where they were measured."""
    known = {
        "time_s": progress.time_s,
        "energy_j": progress.energy_j,
        "on_time": progress.on_time,
        "late": progress.late,
        "outage": progress.outage,
        "not_ready": progress.not_ready,
        "train_loss": progress.train_loss,
        "loss": progress.loss,
        "accuracy": progress.accuracy,
    }
    return {name: float(value) for name, value in known.items() if value is not None}
