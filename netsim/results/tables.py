"""The tables of a run folder as lazy polars frames, whole or one part at a time."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import polars as pl

from netsim.errors import DataError, did_you_mean
from netsim.parquet import check_parquet
from netsim.plain import check_plain_file, check_plain_folder
from netsim.records import TABLES
from netsim.results.run_folder import RunFolder
from netsim.results.table_buffer import table_schema

PART_NAME = re.compile(r"part-\d{6,12}\.parquet")


@dataclass(frozen=True)
class RunTables:
    """The tables a run wrote. Frames are lazy: nothing is read before `.collect()`."""

    path: Path
    part: int | None = None  # only the rows of one part of the tables; parts hold whole rounds

    @property
    def metadata(self) -> dict[str, Any]:
        """Status, seed, versions, wall time, record counts, reason of the end."""
        return RunFolder(self.path).metadata()

    @property
    def spans(self) -> pl.LazyFrame:
        """One row per timed activity."""
        return self.table("spans")

    @property
    def uploads(self) -> pl.LazyFrame:
        """One row per upload."""
        return self.table("uploads")

    @property
    def rounds(self) -> pl.LazyFrame:
        """One row per round and gNB."""
        return self.table("rounds")

    @property
    def evaluations(self) -> pl.LazyFrame:
        """One row per evaluation."""
        return self.table("evaluations")

    @property
    def subscriptions(self) -> pl.LazyFrame:
        """One row per (round, UE, module)."""
        return self.table("subscriptions")

    @property
    def ues(self) -> pl.LazyFrame:
        """One row per UE."""
        return self.table("ues")

    @property
    def sites(self) -> pl.LazyFrame:
        """One row per gNB: its position."""
        return self.table("sites")

    @property
    def pairs(self) -> pl.LazyFrame:
        """One row per pair of UEs on one band; empty unless `uplink.access = "noma"`."""
        return self.table("pairs")

    @property
    def masked_sums(self) -> pl.LazyFrame:
        """One row per sum of masked uploads; empty unless `upload.secure_aggregation`."""
        return self.table("masked_sums")

    @property
    def handovers(self) -> pl.LazyFrame:
        """One row per handover."""
        return self.table("handovers")

    @property
    def mobility(self) -> pl.LazyFrame:
        """One row per sample of a UE's position; empty where UEs stand still."""
        return self.table("mobility")

    @property
    def risk(self) -> pl.LazyFrame:
        """One row per round: measured risk gap and its bound; empty unless `learning.log_risk`."""
        return self.table("risk")

    def table(self, name: str) -> pl.LazyFrame:
        """A table by name; empty if the run wrote no rows of it. Raises DataError."""
        if name not in TABLES:
            rule = f"table must be one of {', '.join(TABLES)}{did_you_mean(name, TABLES)}"
            raise DataError(rule, where=self.path, value=name)
        files = self.part_files(name)
        if not files:
            return pl.LazyFrame(schema=table_schema(name))
        for file in files:
            check_parquet(file)
        if self._is_done():
            return pl.scan_parquet(files, glob=False)
        *closed, last = files
        if not closed:
            return scan_as_it_is(last)
        return pl.concat([pl.scan_parquet(closed, glob=False), scan_as_it_is(last)])

    def _is_done(self) -> bool:
        """The run says so, and replaces no part any more. One that was stopped may go on."""
        try:
            return RunFolder(self.path).status == "done"
        except DataError:
            return False

    def part_files(self, name: str) -> list[Path]:
        """The files of a table. Raises DataError for what only looks like one."""
        files = self.listed_files(name)
        for file in files:
            check_part(file)
        return files

    def listed_files(self, name: str) -> list[Path]:
        """What is named as the files of a table are. Raises DataError if its folder is none."""
        folder = self.path / name
        if not os.path.lexists(folder):
            return []
        check_plain_folder(folder)
        wanted = "*" if self.part is None else f"{self.part:06d}"
        return sorted(folder.glob(f"part-{wanted}.parquet"))

    def parts(self) -> list[Self]:
        """The run in pieces of whole rounds, so that large runs can be read piece by piece."""
        if self.part is not None:
            return [self]
        files = [file for name in TABLES for file in self.part_files(name)]
        numbers = {int(file.stem.removeprefix("part-")) for file in files}
        return [replace(self, part=number) for number in sorted(numbers)]


def scan_as_it_is(file: Path) -> pl.LazyFrame:
    """The rows of a file now, also when a run in progress replaces it before they are collected.

    polars opens a path anew for a file's footer and for its pages, which may then be of two files.
    A run replaces the last part of its tables only. The file stays open as long as the frame lives.
    """
    with file.open("rb") as opened:  # polars keeps a descriptor of its own
        return pl.scan_parquet(opened, glob=False)


def check_part(file: Path) -> None:
    """Raises DataError unless this is a plain file with the name of a part."""
    if PART_NAME.fullmatch(file.name) is None:
        raise DataError("must be named part-<number>.parquet", where=file)
    check_plain_file(file)
