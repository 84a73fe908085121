"""JSON that others may have written."""

from __future__ import annotations

from pathlib import Path

import pytest

from netsim.errors import DataError
from netsim.results.plain_files import read_json


@pytest.mark.parametrize("number", ["1e999", "-1e999", "NaN", "Infinity"])
def test_numbers_are_finite(number: str, tmp_path: Path) -> None:
    path = tmp_path / "told.json"
    path.write_text(f'{{"a": [{number}]}}')
    with pytest.raises(DataError, match="not JSON"):
        read_json(path)
