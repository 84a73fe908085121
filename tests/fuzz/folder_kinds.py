"""Folders that netsim writes, spoilt: runs, their checkpoints, sweeps, adapters; and the page that serves one."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import mutators as m
import numpy as np
import samples

from netsim.results.state_file import read_state, write_state

Draw = np.random.Generator
Use = Sequence[str] | Callable[[], object]


def run(home: Path, draw: Draw) -> Use:
    """A run folder, its tables and what else is in it."""
    shutil.copytree(samples.run_folder(home.parent / "seeds"), home / "run")
    files = sorted(
        file
        for file in (home / "run").rglob("*")
        if file.is_file() and "checkpoint" not in file.parts
    )
    for _ in range(1 + int(draw.random() < 0.2)):
        m.spoil_file(m.pick(draw, files), draw) if (
            files := [file for file in files if file.is_file()]
        ) else None
    chosen = m.pick(draw, USES_OF_RUNS)
    return (*chosen, "." if chosen == ("list",) else "run")


USES_OF_RUNS = (
    ("validate",),
    ("report",),
    ("export", "csv"),
    ("export", "perfetto"),
    ("export", "tensorboard"),
    ("list",),
    ("diff", "run"),
    ("resume",),
    ("run",),
    ("plot", "--figure", "timeline"),
    ("plot", "--figure", "accuracy"),
)


def checkpoint(home: Path, draw: Draw) -> Use:
    """Checkpoints of a run, at times with a manifest that fits what is spoilt."""
    shutil.copytree(samples.run_folder(home.parent / "seeds"), home / "run")
    folders = sorted((home / "run" / "checkpoint").iterdir())
    for folder in folders if draw.random() < 0.5 else folders[-1:]:
        files = sorted(folder.iterdir())
        m.spoil_file(m.pick(draw, files), draw)
        if draw.random() < 0.7:
            _fit_manifest(folder)
    return ("resume", "run", "--quiet")


def state(home: Path, draw: Draw) -> Use:
    """A checkpoint whose arrays and numbers are absurd, and whose manifest fits them."""
    name = str(m.pick(draw, [*samples.INTERRUPTED, "run", "run"]))
    shutil.copytree(samples.interrupted(home.parent / "seeds", name), home / "run")
    folders = sorted((home / "run" / "checkpoint").iterdir())
    for folder in folders if draw.random() < 0.8 else folders[-1:]:
        before = read_state(folder)
        found = _spoil_state(before, draw)
        write_state(folder, found)
        _fit_manifest(folder)
    return ("resume", "run", "--quiet")


def _spoil_state(found: Any, draw: Draw) -> Any:
    """Absurd numbers at some places, in arrays and beside them."""
    places = [place for place in m.places(found) if _may_be_absurd(place)]
    for _ in range(m.often(draw)):
        owner, key = m.pick(draw, places)
        value = owner[key]
        if isinstance(value, np.ndarray):
            owner[key] = m.spoil_array(value, draw)
        else:
            owner[key] = m.pick(draw, [value for value in m.VALUES if not isinstance(value, str)])
    return found


def _may_be_absurd(place: tuple[Any, Any]) -> bool:
    value = place[0][place[1]]
    return isinstance(value, np.ndarray | float | int | None.__class__)


def _fit_manifest(folder: Path) -> None:
    path = folder / "manifest.json"
    if not path.is_file():
        return
    try:
        manifest = json.loads(path.read_text())
        for name, entry in manifest["files"].items():
            content = (folder / name).read_bytes() if (folder / name).is_file() else b""
            entry |= {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        path.write_text(json.dumps(manifest))
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return


def sweep(home: Path, draw: Draw) -> Use:
    """A sweep folder."""
    shutil.copytree(samples.sweep_folder(home.parent / "seeds"), home / "sweep")
    files = sorted(
        file for file in (home / "sweep").rglob("*") if file.is_file() and "runs" not in file.parts
    )
    m.spoil_file(m.pick(draw, files), draw)
    return m.pick(draw, (("report", "sweep"), ("list", "sweep")))


def adapters(home: Path, draw: Draw) -> Use:
    """A run that learned; its adapters are exported."""
    name = str(m.pick(draw, list(samples.LEARNED)))
    shutil.copytree(samples.learned(home.parent / "seeds", name), home / "run")
    files = sorted(file for file in (home / "run" / "adapters").rglob("*") if file.is_file())
    m.spoil_file(m.pick(draw, files), draw)
    return ("export", "adapters", "run")


# -- the live page -------------------------------------------------------------------------------


class _Browser:
    """A connection that has sent all it will send, and takes whatever it is answered."""

    def __init__(self, asks: bytes) -> None:
        self._asks = asks
        self.told = bytearray()

    def makefile(self, *_: Any, **__: Any) -> io.BytesIO:
        return io.BytesIO(self._asks)

    def sendall(self, content: Any) -> None:
        self.told += content

    def settimeout(self, _: float) -> None:
        """It never waits."""

    def setsockopt(self, *_: Any) -> None:
        """There is no socket."""


def live(home: Path, draw: Draw) -> Use:
    """The server of the live page: requests of any kind, at times of a spoilt folder."""
    shutil.copytree(samples.run_folder(home.parent / "seeds"), home / "run")
    spoilt = draw.random() < 0.3
    if spoilt:
        files = sorted(
            file
            for file in (home / "run").rglob("*")
            if file.is_file() and "checkpoint" not in file.parts
        )
        m.spoil_file(m.pick(draw, files), draw)
    requests = [_request(draw) for _ in range(4)]

    def use() -> None:
        from netsim.reports.live import LiveServer, _Handler

        with LiveServer(Path("run")) as server:
            for asks in requests:
                known = asks.replace(b"TOKEN", server.token.encode())
                browser = _Browser(known.replace(b"PORT", str(server.server_port).encode()))
                _Handler(browser, ("127.0.0.1", 1), server)  # type: ignore[arg-type]
                _check_answers(bytes(browser.told), server.token in known.decode("latin1"))

    return use


def _request(draw: Draw) -> bytes:
    path = m.pick(
        draw, ("/TOKEN/", "/TOKEN/data", "/TOKEN/../../etc/passwd", "/", "/TOKEN//data?x")
    )
    host = m.pick(draw, ("127.0.0.1:PORT", "localhost", "[::1]:PORT", "evil.example"))
    lines = [f"GET {path} HTTP/1.1", f"Host: {host}", "If-None-Match: 0", "Connection: close"]
    asks = ("\r\n".join(lines) + "\r\n\r\n").encode()
    return asks if draw.random() < 0.3 else m.spoil_text(asks, draw)


def _check_answers(told: bytes, knows: bool) -> None:
    """Nothing of the run goes to who does not know the token; no answer is a fault of the server."""
    if b"HTTP/1.1 500" in told or b"Traceback" in told:
        raise AssertionError(f"answered {told[:80]!r}")
    if not knows and b"subscriptions" in told:
        raise AssertionError("told who did not know the token")


KINDS: dict[str, Callable[[Path, Draw], Use]] = {
    "run": run,
    "checkpoint": checkpoint,
    "state": state,
    "sweep": sweep,
    "adapters": adapters,
    "live": live,
}
