"""A disk that fails once: the n-th write, fsync or rename of a short run, for every n.

    python tests/fuzz/fault_layer.py [--first 1] [--every 1] [--learns]

After each fault the run must end in a NetsimError (or go on as if nothing were), rounds that were
closed before must be readable as they are in a run that met no fault, and resuming must give the same
bytes. The exit code is 1 if one does not.
"""

from __future__ import annotations

import argparse
import builtins
import errno
import hashlib
import io
import os
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

import netsim
from netsim.errors import NetsimError
from netsim.protocols import Silence

CODES = (errno.ENOSPC, errno.EIO, errno.EACCES)
SHORT = {
    "network_only": True,
    "rounds": 4,
    "checkpoint_every": 1,
    "ues.count": 4,
    "topology.window_km": 3,
    "data.train_samples": 60,
    "data.test_samples": 10,
    "data.samples_per_ue": 10,
}
LEARNS = {
    **SHORT,
    "network_only": False,
    "rounds": 2,
    "ues.count": 2,
    "learning.workers": 1,
    "modules": [{"rank": 1}],
}


@dataclass
class Disk:
    """Counts what is done to files below a folder, and fails one of it."""

    folder: Path
    fails_at: int = 0  # never
    code: int = errno.EIO
    done: int = 0
    kinds: Counter[str] = field(default_factory=Counter)

    def meets(self, kind: str, path: object) -> bool:
        """Whether this operation fails."""
        where = os.path.realpath(os.fsdecode(path)) if isinstance(path, str | Path | bytes) else ""
        if where and not where.startswith(str(self.folder)):
            return False
        self.done += 1
        self.kinds[kind] += 1
        return self.done == self.fails_at

    def error(self, path: object) -> OSError:
        return OSError(self.code, os.strerror(self.code), str(path))


class _File:
    """A file opened for writing; a write that fails leaves half of what was to be written."""

    def __init__(self, file: Any, path: object, disk: Disk) -> None:
        self._file, self._path, self._disk = file, path, disk

    def write(self, content: Any) -> int:
        if self._disk.meets("write", self._path):
            self._file.write(content[: len(content) // 2])
            self._file.flush()
            raise self._disk.error(self._path)
        return int(self._file.write(content))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

    def __enter__(self) -> _File:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()


@contextmanager
def failing(disk: Disk) -> Iterator[None]:
    """While the block runs, files are on `disk`."""
    plain_open, fsync, replace, write_parquet = (
        io.open,
        os.fsync,
        os.replace,
        pl.DataFrame.write_parquet,
    )

    def opened(file: Any, mode: str = "r", *rest: Any, **options: Any) -> Any:
        found = plain_open(file, mode, *rest, **options)
        writes = set(mode) & set("wax+") and isinstance(file, str | Path)
        inside = writes and os.path.realpath(file).startswith(str(disk.folder))
        return _File(found, file, disk) if inside else found

    def synced(number: int) -> None:
        if disk.meets("fsync", None):
            raise disk.error("fsync")
        fsync(number)

    def replaced(source: Any, target: Any, **options: Any) -> None:
        if disk.meets("rename", target):
            raise disk.error(target)
        replace(source, target, **options)

    def wrote_parquet(frame: pl.DataFrame, file: Any, **options: Any) -> None:
        path = file._path if isinstance(file, _File) else file
        fails = disk.meets("write", path)
        write_parquet(frame, file, **options)
        if fails:
            os.truncate(path, Path(path).stat().st_size // 2)
            raise disk.error(path)

    patches: list[tuple[Any, str, Callable[..., Any]]] = [
        (io, "open", opened),
        (builtins, "open", opened),
        (os, "fsync", synced),
        (os, "replace", replaced),
        (pl.DataFrame, "write_parquet", wrote_parquet),
    ]
    before = [(owner, name, getattr(owner, name)) for owner, name, _ in patches]
    for owner, name, made in patches:
        setattr(owner, name, made)
    try:
        yield
    finally:
        for owner, name, old in before:
            setattr(owner, name, old)


def digests(run: Path) -> dict[str, str]:
    """SHA-256 of every file of a run folder but metadata.json."""
    files = [
        file for file in sorted(run.rglob("*")) if file.is_file() and file.name != "metadata.json"
    ]
    return {str(f.relative_to(run)): hashlib.sha256(f.read_bytes()).hexdigest() for f in files}


@dataclass
class Reference:
    """A run that meets no fault."""

    overrides: dict[str, Any]
    folder: Path
    steps: int = 0

    def make(self) -> None:
        disk = Disk(self.folder)
        with failing(disk):
            netsim.run("quickstart", self.overrides, out=self.folder / "run", listener=Silence())
        self.steps = disk.done
        self.kinds = disk.kinds
        self.files = digests(self.folder / "run")
        self.uploads = netsim.open_run(self.folder / "run").uploads.collect()

    def fault_after(self, number: int, code: int, folder: Path) -> str:
        """What goes wrong where the step `number` fails; nothing if all is as it should be."""
        run = folder / "run"
        try:
            with failing(Disk(folder, number, code)):
                netsim.run("quickstart", self.overrides, out=run, listener=Silence())
        except NetsimError as error:
            if len(str(error).splitlines()) != 1:
                return f"several lines: {error}"
        except Exception as error:
            return f"traceback: {type(error).__name__}: {error}"
        if not (run / "scenario.toml").exists():  # there was nothing to go on with
            shutil.rmtree(run, ignore_errors=True)
            netsim.run("quickstart", self.overrides, out=run, listener=Silence())
        fault = self._unreadable(run)
        if fault:
            return fault
        netsim.resume(run, listener=Silence())
        found = digests(run)
        odd = sorted(
            name
            for name in self.files.keys() | found.keys()
            if self.files.get(name) != found.get(name)
        )
        return f"other bytes: {', '.join(odd)}" if odd else ""

    def _unreadable(self, run: Path) -> str:
        """Rounds before the fault are those of the reference."""
        if not (run / "metadata.json").exists():
            return ""
        try:
            opened = netsim.open_run(run)
            last = opened.rounds.select(pl.col("round").max()).collect().item()
            uploads = opened.uploads.filter(pl.col("round") <= (last or 0)).collect()
        except NetsimError as error:
            return f"earlier rounds cannot be read: {error}"
        wanted = self.uploads.filter(pl.col("round") <= (last or 0))
        return "" if uploads.equals(wanted) else "earlier rounds are others"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--learns", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        home = Path(scratch).resolve()
        (home / "reference").mkdir()
        reference = Reference(LEARNS if options.learns else SHORT, home / "reference")
        reference.make()
        faults = tried = 0
        for number in range(options.first, reference.steps + 1, options.every):
            for code in CODES:
                folder = home / f"{number}-{code}"
                folder.mkdir()
                fault = reference.fault_after(number, code, folder)
                shutil.rmtree(folder)
                tried += 1
                if fault:
                    faults += 1
                    sys.stdout.write(f"step {number}, {errno.errorcode[code]}: {fault}\n")
                    sys.stdout.flush()
    sys.stdout.write(
        f"{tried} faults at {reference.steps} steps {dict(reference.kinds)}: {faults} not as they should be\n"
    )
    sys.exit(bool(faults))


if __name__ == "__main__":
    main()
