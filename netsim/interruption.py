"""SIGINT and SIGTERM while a run goes on: it stops where it can go on later."""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType
from typing import Any, Self

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interruption:
    """Within the block, a signal raises KeyboardInterrupt at once, or while `patient` only asks for
    it.

    A second one raises it in any case. Signals that the process ignores stay ignored, and outside
    the main thread, where Python delivers none, nothing changes.
    """

    def __init__(self) -> None:
        self.patient = False  # the round in progress may come to its end
        self.asked = False
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            for number in SIGNALS:
                if signal.getsignal(number) not in (signal.SIG_IGN, None):
                    self._before[number] = signal.signal(number, self._come)
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _come(self, _number: int, _frame: FrameType | None) -> None:
        if not self.patient or self.asked:
            raise KeyboardInterrupt
        self.asked = True
