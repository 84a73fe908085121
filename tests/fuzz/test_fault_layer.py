"""Every so many steps of a short run one fails, other steps every day; by hand every one is tried."""

from __future__ import annotations

import datetime
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from fault_layer import CODES, SHORT, Reference

EVERY = 60


def test_a_disk_that_fails_once_loses_nothing(tmp_path: Path) -> None:
    home = tmp_path.resolve()
    (home / "reference").mkdir()
    reference = Reference(SHORT, home / "reference")
    reference.make()
    assert {"write", "fsync", "rename"} == set(reference.kinds)
    first = 1 + datetime.date.today().toordinal() % EVERY
    for index, number in enumerate(range(first, reference.steps + 1, EVERY)):
        folder = home / str(number)
        folder.mkdir()
        fault = reference.fault_after(number, CODES[index % len(CODES)], folder)
        assert not fault, (number, fault)
