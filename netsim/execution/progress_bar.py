"""Progress of a run in a script or a notebook, on request: `netsim.run(..., progress=True)`."""

from __future__ import annotations

from contextlib import AbstractContextManager, closing, nullcontext

from netsim.errors import InputError
from netsim.execution.listening import LogListener
from netsim.protocols import Listener, Progress


class RunBar(LogListener):
    """A bar over rounds with accuracy, simulated time and the uploads of the round."""

    def __init__(self, name: str, rounds: int) -> None:
        from tqdm.auto import tqdm  # no other start needs it

        super().__init__()
        self._bar = tqdm(total=rounds, desc=name, unit="round")

    def status(self, text: str) -> None:
        """A step that takes a while has begun."""
        self._bar.set_postfix_str(text)

    def round_closed(self, progress: Progress) -> None:
        """A round is over."""
        facts = [f"{progress.time_s:.4g} s", f"{progress.on_time} on time"]
        if progress.accuracy is not None:
            facts.insert(0, f"accuracy {progress.accuracy:.3f}")
        self._bar.set_postfix_str(", ".join(facts), refresh=False)
        if self._bar.n == 0:  # rounds of an earlier session took no time in this one
            self._bar.initial = progress.round
        self._bar.update(progress.round - self._bar.n)

    def close(self) -> None:
        """Leave the bar as it is."""
        self._bar.close()


def shown(
    listener: Listener | None,
    name: str,
    rounds: int,
    *,
    progress: bool,
) -> AbstractContextManager[Listener | None]:
    """Who is told: the listener, or a bar where that is asked for. Raises InputError for both."""
    if not progress:
        return nullcontext(listener)
    if listener is not None:
        raise InputError("a listener shows progress itself", where="progress", value=progress)
    return closing(RunBar(name, rounds))
