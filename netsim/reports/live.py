"""`netsim live`: the report of a run in progress, served to this machine and following the run.

The page is the report's own, with one more script that asks for new data and shows them. It is
read-only and lies behind a random token, at an address of the loopback alone; a request that names
another host (DNS rebinding) is refused. A browser elsewhere reaches it through SSH port forwarding,
under the names of the loopback too.

The run is another process and is not disturbed: its tables are read, and put together again only
when they have changed and somebody looks, for a fiftieth of the time at most: the run may need the
core. They grow when it writes a checkpoint.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from netsim.errors import NetsimError, OutputError
from netsim.reports.html import SCRIPTS, json_in_html, page, page_data
from netsim.results.damage import CAUSED_BY_VALUES, UNREADABLE
from netsim.results.plain_files import UNFINISHED
from netsim.results.reader import open_run
from netsim.results.run_folder import METADATA, RunFolder

LOOPBACK = "127.0.0.1"
HOSTS = ("127.0.0.1", "localhost", "::1")
TOKEN_BYTES = 24
KILLED = "killed"
MOST_PART = 0.02
"""Of the time while a run goes on, that may go into looks at its tables."""
FIRST_TRIES = 3
"""Of the first look, without which there is no page."""
TORN = (NetsimError, *UNREADABLE, *CAUSED_BY_VALUES)
"""What may be met where the run replaces a table while it is read."""
HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Resource-Policy": "same-origin",
}


@dataclass
class Looks:
    """What looks at a run have cost, in CPU time, and whether there is time for another."""

    _since_s: float = field(default_factory=time.monotonic, init=False)
    _spent_s: float = field(default=0.0, init=False)
    _per_byte_s: float = field(default=0.0, init=False)  # of the last one
    _last_s: float = field(default=0.0, init=False)

    def affordable(self, size: int) -> bool:
        """Another look, at tables of `size` bytes, keeps to its part of the time."""
        expected_s = max(self._last_s, self._per_byte_s * size)
        return self._spent_s + expected_s <= MOST_PART * (time.monotonic() - self._since_s)

    @contextmanager
    def one(self, size: int) -> Iterator[None]:
        """A look, be it in vain."""
        begun_s = time.process_time()
        try:
            yield
        finally:
            self._last_s = time.process_time() - begun_s
            self._per_byte_s = self._last_s / max(size, 1)
            self._spent_s += self._last_s


@dataclass
class Follower:
    """What is known of a run folder, read again when it has changed."""

    path: Path
    read: int = 0  # times that the tables were put together
    _version: str = field(default="", init=False)
    _data: dict[str, Any] = field(default_factory=dict, init=False)
    _looks: Looks = field(default_factory=Looks, init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)

    def version(self) -> str:
        """Changes with the files of the folder, and when the process that works on it ends."""
        alive = RunFolder(self.path).in_progress
        parts = [f"{name} {size} {time_ns}" for name, size, time_ns in _files(self.path)]
        return hashlib.sha256("\n".join([str(alive), *sorted(parts)]).encode()).hexdigest()[:32]

    def data(self) -> tuple[str, dict[str, Any]]:
        """(version, what the page shows). While tables are being replaced, what was last read.

        Raises NetsimError if the folder cannot be read, and never could.
        """
        with self._lock:
            tries = 1 if self._data else FIRST_TRIES
            for left in reversed(range(tries)):
                try:
                    self._update()
                    break
                except TORN:
                    if not left and not self._data:
                        raise
            return self._version, self._data

    def _update(self) -> None:
        version = self.version()
        if version == self._version:
            return
        size = sum(size for _, size, _ in _files(self.path))
        waits = bool(self._data) and RunFolder(self.path).in_progress
        if waits and not self._looks.affordable(size):
            return
        with self._looks.one(size):
            self._data = self._read()
        self._version = version
        self.read += 1

    def _read(self) -> dict[str, Any]:
        run = open_run(self.path)
        data = page_data([run])
        metadata = data["runs"][0]["metadata"]
        if metadata["status"] == "running" and not RunFolder(self.path).in_progress:
            data["runs"][0]["metadata"] = {**metadata, "status": KILLED}
        return data


def _files(path: Path) -> Iterator[tuple[str, int, int]]:
    """Names, sizes and times of the metadata and of the tables' parts."""
    for folder in (path, *(entry for entry in path.iterdir() if entry.is_dir())):
        for entry in os.scandir(folder):
            told = entry.name == METADATA if folder == path else entry.name.endswith(".parquet")
            if not told or entry.name.endswith(UNFINISHED):
                continue
            with suppress(FileNotFoundError):  # replaced just now
                status = entry.stat(follow_symlinks=False)  # links are refused when they are read
                yield entry.path, status.st_size, status.st_mtime_ns


class LiveServer(ThreadingHTTPServer):
    """Serves one run to the loopback."""

    daemon_threads = True

    def __init__(self, path: Path, port: int = 0) -> None:
        """`port` 0 takes a free one. Raises DataError for no run, OutputError for a taken port."""
        RunFolder.open(path)
        self.follower = Follower(path)
        self.follower.data()
        self.asked = False  # somebody has looked
        self._answers = 0  # in progress
        self._answered = threading.Condition()
        self.token = secrets.token_urlsafe(TOKEN_BYTES)
        try:
            super().__init__((LOOPBACK, port), _Handler)
        except (OSError, OverflowError) as error:
            raise OutputError(f"cannot be used: {error}", where="--port", value=port) from None

    @property
    def address(self) -> str:
        """Where the page is, token included."""
        return f"http://{LOOPBACK}:{self.server_port}/{self.token}/"

    @contextmanager
    def answering(self) -> Iterator[None]:
        """While a request is answered."""
        with self._answered:
            self._answers += 1
        try:
            yield
        finally:
            with self._answered:
                self._answers -= 1
                self._answered.notify_all()

    def settle(self) -> None:
        """Wait until whoever has asked has the answer."""
        with self._answered:
            self._answered.wait_for(lambda: self._answers == 0)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A browser that leaves before it has its answer is no error."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    """GET /TOKEN/ is the page, GET /TOKEN/data its data; nothing else is there."""

    server: LiveServer
    server_version = "netsim"
    sys_version = ""
    protocol_version = "HTTP/1.1"
    timeout = 30  # s, of a connection on which nothing is asked

    def do_GET(self) -> None:
        """Answer a browser of this machine that knows the token."""
        if not self._is_local():
            self._answer(HTTPStatus.FORBIDDEN, b"not a name of the loopback\n")
            return
        try:
            path = urlsplit(self.path).path
        except ValueError:
            self._answer(HTTPStatus.BAD_REQUEST, b"bad request\n")
            return
        _, token, *rest = [*path.split("/"), ""]
        known = secrets.compare_digest(token.encode(), self.server.token.encode())
        answers = {"": self._page, "data": self._data}
        answer = answers.get("/".join(rest).strip("/"))
        if not known or answer is None:
            self._answer(HTTPStatus.NOT_FOUND, b"not found\n")
            return
        with self.server.answering():
            try:
                answer()
            except NetsimError as error:
                self._answer(HTTPStatus.SERVICE_UNAVAILABLE, f"{error}\n".encode())

    def _is_local(self) -> bool:
        """The host that the browser believes to speak to is a name of the loopback."""
        named = self.headers.get_all("Host") or []
        if len(named) != 1:
            return False
        try:
            return urlsplit(f"//{named[0]}").hostname in HOSTS
        except ValueError:
            return False

    def _page(self) -> None:
        self.server.asked = True
        version, data = self.server.follower.data()
        title = data["runs"][0]["label"]
        shown = {**data, "live": version}
        text = page(title, shown, [*SCRIPTS, "live"], connects=True)
        self._answer(HTTPStatus.OK, text.encode(), "text/html; charset=utf-8")

    def _data(self) -> None:
        """Nothing, if it is the version that the page has."""
        version, data = self.server.follower.data()
        if self.headers.get("If-None-Match") == version:
            self._answer(HTTPStatus.NOT_MODIFIED, b"", version=version)
            return
        self._answer(HTTPStatus.OK, json_in_html(data).encode(), "application/json", version)

    def _answer(
        self,
        status: HTTPStatus,
        body: bytes,
        kind: str = "text/plain; charset=utf-8",
        version: str = "",
    ) -> None:
        self.send_response(status)
        for name, value in HEADERS.items():
            self.send_header(name, value)
        if version:
            self.send_header("ETag", version)
        if status != HTTPStatus.NOT_MODIFIED:
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *_: Any) -> None:
        """Nobody reads a log of it."""
