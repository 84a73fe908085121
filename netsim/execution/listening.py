"""Who is told how a run goes where the caller named nobody, and what the run remembers of it."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from netsim.protocols import Listener, Progress, Silence

LOGGER = logging.getLogger("netsim")


class LogListener(Silence):
    """Passes warnings on to Python's logging, logger `netsim`."""

    def warning(self, text: str) -> None:
        """Something is not as it should be; the run goes on."""
        LOGGER.warning(text)


@dataclass
class RememberingListener:
    """Passes everything on, and keeps the warnings for the run's metadata."""

    listener: Listener
    warnings: list[str]

    def status(self, text: str) -> None:
        """A step that takes a while has begun."""
        self.listener.status(text)

    def warning(self, text: str) -> None:
        """Something is not as it should be; the run goes on."""
        if text not in self.warnings:
            self.warnings.append(text)
        self.listener.warning(text)

    def round_closed(self, progress: Progress) -> None:
        """A round is over."""
        self.listener.round_closed(progress)
