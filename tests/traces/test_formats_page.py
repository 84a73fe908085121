"""The page on what is read says all that is, and nothing else."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from netsim.learning.data.part_files import TEST_STEMS
from netsim.learning.data.table_files import SUFFIXES as TEXT_SUFFIXES
from netsim.topology.files import SUFFIXES as SITE_SUFFIXES
from netsim.traces import recognise
from netsim.traces.formats import DETAILS, FORMATS
from netsim.traces.missing import NULLS
from netsim.traces.tables.choice import DIALECT, STEP
from netsim.traces.tables.presets import PRESETS
from netsim.traces.tables.roles import ROLES

PAGE = Path(__file__).parents[2] / "netsim" / "docs" / "reference" / "traces.md"


def sections() -> dict[str, str]:
    """Texts of the page by their heading."""
    _, *parts = re.split(r"^## ", PAGE.read_text("utf-8"), flags=re.M)
    return {part.partition("\n")[0]: part.partition("\n")[2] for part in parts}


def rows(section: str) -> dict[str, list[str]]:
    """Cells of the rows of a section's table by the first one."""
    found = re.findall(r"^\| (.+?) \|(.*)\|$", sections()[section], flags=re.M)
    table = {first: [cell.strip() for cell in rest.split("|")] for first, rest in found}
    return {first: cells for first, cells in table.items() if set(first) != {"-"}}


def test_every_format_has_a_row() -> None:
    named = [name.strip("`") for name in rows("Traces") if name != "format"]
    assert named == list(FORMATS)


@pytest.mark.parametrize("name", FORMATS)
def test_a_row_says_how_its_format_is_recognised(name: str) -> None:
    recognised, assumed = rows("Traces")[f"`{name}`"]
    for suffix, suffixed in recognise._SUFFIXES.items():
        assert (f"`{suffix}`" in recognised) == (suffixed == name)
    for suffix in recognise._NS2_SUFFIXES:
        assert (f"`{suffix}`" in recognised) == (name == "ns2")
    said = f"{recognised} {assumed}"
    assert (f"`{name}:" in said or f"{name}:" in said) == (name in DETAILS)
    if name in PRESETS:
        preset = PRESETS[name]
        for column in (*preset.signature, *preset.header):
            assert re.search(rf"\b{column}\b", recognised), column
        only_said = not preset.signature and name not in recognise._FIRST_LINES
        only_said &= name not in recognise._SUFFIXES.values()
        assert (f"--format {name}" in recognised) == only_said


def test_all_that_can_be_said_of_columns() -> None:
    table = rows("Tables")
    assert re.findall(r"`(\w+)`", table["a role"][0]) == list(ROLES)
    options = [name.strip("`") for name in table if name not in ("say", "a role")]
    assert options == [*DIALECT, STEP]
    for option, words in DIALECT.items():
        assert re.findall(r"[\w-]+", table[f"`{option}`"][0].replace(" or ", " ")) == list(words)


def test_cells_without_a_value() -> None:
    text = sections()["Traces"].lower()
    for null in NULLS:
        assert f"`{null}`" in text or not null, null


def test_files_of_sites_and_of_text() -> None:
    site = " ".join(cell for cells in rows("Sites").values() for cell in cells)
    for suffix in SITE_SUFFIXES:
        assert f"`{suffix}`" in site or suffix.endswith(".gz")
    assert set(re.findall(r"`(\.\w+)`", " ".join(rows("Text")))) == set(TEXT_SUFFIXES)
    assert {"dev", "validation", "test"} == {stem.partition("_")[0] for stem in TEST_STEMS}
