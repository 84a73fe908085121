"""`netsim verify` from the outside: the table, the time it takes, its exit codes."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from pace import slowness

import netsim.cli.commands as commands
import netsim.verification.runner as runner
from netsim.verification.law import Effort, Law


def test_fast_run_holds(command: Callable[..., Any]) -> None:
    slow = slowness()
    before = time.process_time()
    done = command("verify", "--fast")
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr
    assert "FAILS" not in done.stdout
    for word in (
        "Poisson counts",
        "typical user",
        "typical cell",
        "printed (15)",
        "0.5601",
        "0.4823",
    ):
        assert word in done.stdout
    # 20 s on a quick machine of its own; processor time, because tests share theirs
    spent = time.process_time() - before
    assert spent < 30 * max(slow, slowness())


def test_a_failing_law_is_exit_code_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def wrong(effort: Effort) -> list[Law]:
        return [
            Law("wrong", "case", "estimator", 0.5, 0.001, 0.6),
            Law("right", "", "", 0.5, 0.001, 0.5),
        ]

    monkeypatch.setattr(
        runner.verify, "__kwdefaults__", {**runner.verify.__kwdefaults__, "laws": [wrong]}
    )
    with pytest.raises(SystemExit) as ended:
        commands.program()(["verify", "--fast", "--failing"])
    assert ended.value.code == 1
    shown = capsys.readouterr().out
    assert "FAILS" in shown
    assert "right" not in shown
    assert "1 of 2 laws hold" in shown
