"""SIGINT and SIGTERM during a run: it stops at a point from which it can be resumed."""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType
from typing import Any, Self

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interruption:
    """While the block runs, a signal raises KeyboardInterrupt, at once or on request.

    While `patient` is set the first signal only sets `asked`; a second one raises in any case.
    Signals that the process ignores stay ignored. Outside the main thread, where Python delivers no
    signals, nothing changes.
    """

    def __init__(self) -> None:
        self.patient = False  # the round in progress may come to its end
        self.asked = False  # a signal came meanwhile
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is not threading.main_thread():
            return self
        for number in SIGNALS:
            if signal.getsignal(number) not in (signal.SIG_IGN, None):
                self._before[number] = signal.signal(number, self._on_signal)
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        if not self.patient or self.asked:
            raise KeyboardInterrupt
        self.asked = True
