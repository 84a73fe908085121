"""A fuzzing campaign: spoilt inputs of every kind, one after the other, for as long as is asked.

    python tests/fuzz/campaign.py [--seconds 60 | --count N] [--seed 0] [--kind KIND]... [--keep DIR]
    python tests/fuzz/campaign.py --one KIND NUMBER [--seed 0]      # one input again, faults shown

Inputs are used in a child process, which is watched: what ends it, stands still for 10 s, takes more
than 2 GiB, raises anything but a NetsimError, says more than 300 characters or several lines of
error, or writes outside its folder is a fault. Input `NUMBER` of a kind and a seed is always the
same. `--keep` keeps the folders of faults. The exit code is 1 if there was one.
"""

from __future__ import annotations

import argparse
import contextlib
import faulthandler
import gc
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

sys.path.insert(0, str(Path(__file__).parent))
ROOT = Path(__file__).parents[2]

HANG_S = 10.0
MOST_RSS = 2 * 2**30
MOST_CHARACTERS = 300
RAW = (
    ": parquet: ",  # of polars
    "File out of specification",
    "JSONDecodeError: ",
    "[Errno",
    "Error -",  # of zlib
    "untagged enum",
    "pydantic",
    "polars",
    "SafetensorError: ",
    "state_dict",
)
"""Words of the libraries inside, meant for those who call them."""
SHARES = {
    "scenario_keys": 50,
    "scenario_file": 10,
    "trace": 15,
    "topology": 10,
    "data": 20,
    "run": 3,
    "state": 2,
    "sweep": 2,
    "adapters": 3,
}
"""Parts of a campaign, where they are not 1: what is quick is tried more often."""
POLL_S = 0.05
TICKS_PER_S = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")


# -- in the child: use one input -----------------------------------------------------------------


class Guard:
    """What the process writes and where, seen by an audit hook."""

    def __init__(self) -> None:
        self.home: Path | None = None
        self.escapes: list[str] = []
        sys.addaudithook(self._seen)

    def _seen(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self.home is None:
            return
        if event == "open":
            path, mode, flags = arguments
            writes = (
                flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
                if mode is None
                else set(str(mode)) & set("wax+")
            )
            if writes:
                self._check(path)
        elif event in ("os.mkdir", "os.remove", "os.rmdir", "os.truncate", "shutil.rmtree"):
            self._check(arguments[0])
        elif event in ("os.rename", "os.link", "os.symlink"):
            self._check(arguments[1])
        elif event in ("subprocess.Popen", "os.system", "os.exec", "socket.connect"):
            usual = ("netsim", "multiprocessing", "/sbin/ldconfig", "fc-list")
            if not any(word in str(arguments) for word in usual):
                self.escapes.append(f"{event} {str(arguments)[:100]}")

    def _check(self, path: Any) -> None:
        if isinstance(path, int) or self.home is None:
            return
        home, self.home = self.home, None  # looking is no writing
        where = os.path.realpath(os.fsdecode(path))
        allowed = (
            str(home),
            "/dev/",
            "/proc/self",
            str(Path(tempfile.gettempdir()) / "matplotlib"),
        )
        if (
            not where.startswith(allowed)
            and not where.startswith(str(ROOT))
            and ".cache" not in where
        ) or (
            where.startswith(str(ROOT))
            and "__pycache__" not in where
            and not where.startswith(str(home))
        ):
            self.escapes.append(f"wrote {where}")
        self.home = home


def use_one(kind: str, number: int, seed: int, home: Path, guard: Guard | None = None) -> str:
    """Prepare and use one input in the folder `home`. Says what is wrong; nothing if it is all right."""
    import numpy as np

    draw = np.random.default_rng([seed, zlib.crc32(kind.encode()), number])
    before = Path.cwd()
    outside = home.parent / "outside"
    os.chdir(home)
    said, errors = io.StringIO(), io.StringIO()
    try:
        use = _prepare(kind)(home, draw)
        if guard is not None:
            guard.home, guard.escapes = home, []
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(errors):
            fault = _call(use) if callable(use) else _command(list(use), errors)
    finally:
        os.chdir(before)
        if guard is not None:
            guard.home = None
    if not fault and guard is not None and guard.escapes:
        fault = f"escape: {guard.escapes[0]}"
    if not fault and "SECRET" in said.getvalue() + errors.getvalue():
        fault = "escape: told what a link leads to"
    if not fault and sorted(path.name for path in outside.iterdir()) != [
        "secret",
        "secret.safetensors",
    ]:
        fault = f"escape: {sorted(outside.iterdir())}"
    return fault or _copied_secret(home)


def _prepare(kind: str) -> Any:
    """What makes an input of a kind; the planted ones need no kind to be loaded."""
    from planted import PLANTED

    if kind in PLANTED:
        return PLANTED[kind]
    from kinds import KINDS

    return KINDS[kind]


def _call(use: Any) -> str:
    from netsim.errors import NetsimError

    try:
        use()
    except NetsimError as error:
        return _too_long(str(error))
    except Exception as error:  # whatever it is, it is what we look for
        return _traceback(error)
    return ""


def _command(words: list[str], errors: io.StringIO) -> str:
    from netsim.cli.main import main

    sys.argv = ["netsim", *words]
    try:
        main()
    except SystemExit as ended:
        code = ended.code or 0
        if code not in (0, 1, 2):
            return f"exit code {code}"
        return _too_long(_without_warnings(errors.getvalue())) if code == 2 else ""
    except Exception as error:
        return _traceback(error)
    return ""


def _without_warnings(said: str) -> str:
    """What is said of an error; netsim's own warnings come before, a line each."""
    return "\n".join(
        line for line in said.strip().splitlines() if not line.startswith("netsim: warning: ")
    )


def _too_long(message: str) -> str:
    if len(message) > MOST_CHARACTERS:
        return f"{len(message)} characters: {message[:160]}"
    if len(message.splitlines()) > 1:
        return f"several lines: {message[:160]!r}"
    raw = [words for words in RAW if words in message]
    if raw:
        return f"raw reason ({raw[0]}): {message[:160]!r}"
    return "" if message else "an error without a word"


def _traceback(error: BaseException) -> str:
    place = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in place if "netsim" in frame.filename] or list(place)
    where = f"{Path(ours[-1].filename).name}:{ours[-1].lineno}"
    return f"traceback: {type(error).__name__} at {where}: {str(error)[:150]!r}"


def _copied_secret(home: Path) -> str:
    for path in home.rglob("*"):
        if (
            path.is_file()
            and not path.is_symlink()
            and path.stat().st_size < 2**20
            and b"SECRET" in path.read_bytes()
        ):
            return f"escape: {path.name} holds what a link leads to"
    return ""


def work(seed: int, scratch: Path, kinds: list[str]) -> None:
    """Use the inputs that standard input names, a line each; answer a line each."""
    from planted import PLANTED

    faulthandler.enable()
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    if not set(kinds) <= PLANTED.keys():
        from samples import make_folders

        make_folders(scratch / "seeds", kinds)
    gc.freeze()  # what is there now is not looked through again and again
    answers.write("ready\n")
    answers.flush()
    guard = Guard()
    for line in sys.stdin:
        kind, number = line.split()
        home = scratch / "home"
        home.mkdir()
        try:
            fault = use_one(kind, int(number), seed, home, guard)
        except Exception as error:  # of the harness itself
            fault = f"harness: {_traceback(error)}"
        answers.write(json.dumps(fault) + "\n")
        answers.flush()


# -- in the parent: watch ------------------------------------------------------------------------


@dataclass
class Watched:
    """A child process and the scratch folder in which it works."""

    seed: int
    scratch: Path
    kinds: list[str]
    hang_s: float = HANG_S
    most_rss: int = MOST_RSS
    process: subprocess.Popen[str] | None = None
    errors: TextIO | None = None
    peak_rss: int = 0

    def start(self) -> None:
        command = [
            sys.executable,
            str(Path(__file__)),
            "--work",
            str(self.scratch),
            "--seed",
            str(self.seed),
        ]
        command += [word for kind in self.kinds for word in ("--kind", kind)]
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(
                [str(ROOT), *os.environ.get("PYTHONPATH", "").split(os.pathsep)]
            ),
            "OMP_NUM_THREADS": "1",
            "POLARS_MAX_THREADS": "1",
            "MPLCONFIGDIR": str(Path(tempfile.gettempdir()) / "matplotlib"),
        }
        self.errors = (self.scratch / "child.err").open("w")
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            text=True,
            env=environment,
        )
        assert self.process.stdout is not None
        if self.process.stdout.readline() != "ready\n":
            raise SystemExit((self.scratch / "child.err").read_text())

    def use(self, kind: str, number: int) -> str:
        """The fault of an input; nothing if there is none."""
        if self.process is None or self.process.poll() is not None:
            self.start()
        assert self.process is not None
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{kind} {number}\n")
        self.process.stdin.flush()
        fault = self._watch()
        if fault:
            children = _children(self.process.pid)
            self.process.send_signal(signal.SIGABRT)  # its error output says where it was
            self.process.wait()
            for child in children:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(child, signal.SIGKILL)
            return f"{fault} {self._place()}"
        answer = self.process.stdout.readline()
        if not answer:
            self.process.wait()
            return f"process ended by {self.process.returncode} {self._place()}"
        return str(json.loads(answer))

    def _watch(self) -> str:
        """Wait for an answer; why none is waited for any longer."""
        import select

        assert self.process is not None
        begun, moved = time.monotonic(), time.monotonic()
        first = last = self._cpu_s()
        while not select.select([self.process.stdout], [], [], POLL_S)[0]:
            if self.process.poll() is not None:
                return ""
            cpu_s, rss = self._cpu_s(), self._rss()
            if cpu_s > last or self._waits_for_its_turn():
                last, moved = cpu_s, time.monotonic()
            self.peak_rss = max(self.peak_rss, rss)
            if rss > self.most_rss:
                return f"memory: {rss / 2**30:.1f} GiB"
            if cpu_s - first > self.hang_s or time.monotonic() - moved > self.hang_s:
                return (
                    f"hang: {cpu_s - first:.0f} s of processor in {time.monotonic() - begun:.0f} s"
                )
        return ""

    def _stat(self) -> list[str]:
        assert self.process is not None
        return _stat_of(self.process.pid)

    def _waits_for_its_turn(self) -> bool:
        """It or a process that it waits for could go on, if the machine had time for it."""
        assert self.process is not None
        tree = [self.process.pid, *_children(self.process.pid)]
        return any(_stat_of(process)[0] == "R" for process in tree)

    def _cpu_s(self) -> float:
        """Of the process, and of those that it has started."""
        assert self.process is not None
        ticks = sum(map(int, self._stat()[11:15]))
        for child in _children(self.process.pid):
            ticks += sum(map(int, _stat_of(child)[11:15]))
        return ticks / TICKS_PER_S

    def _rss(self) -> int:
        return int(self._stat()[21]) * PAGE

    def _place(self) -> str:
        """Where the child was when it was ended: the top frames that are ours."""
        text = (self.scratch / "child.err").read_text(errors="replace")
        frames = [line.strip() for line in text.splitlines() if "netsim" in line and "File" in line]
        return "; ".join(frames[:2]) or text[-200:].strip()

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()


def _children(process: int) -> list[int]:
    """The processes that a process has started, and theirs."""
    found: list[int] = []
    for path in Path(f"/proc/{process}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            for child in map(int, path.read_text().split()):
                found += [child, *_children(child)]
    return found


def _stat_of(process: int) -> list[str]:
    """/proc/PID/stat from the state on."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ["Z"] + ["0"] * 40


@dataclass
class Campaign:
    """What came of the inputs so far."""

    seed: int
    keep: Path | None = None
    hang_s: float = HANG_S
    most_rss: int = MOST_RSS
    inputs: Counter[str] = field(default_factory=Counter)
    faults: list[tuple[str, int, str]] = field(default_factory=list)
    peak_rss: int = 0

    def run(
        self, kinds: list[str], *, seconds: float | None, count: int | None, first: int = 0
    ) -> None:
        with _scratch() as scratch:
            watched = Watched(self.seed, scratch, kinds, self.hang_s, self.most_rss)
            try:
                watched.start()
                until_s = None if seconds is None else time.monotonic() + seconds
                for kind, number in _in_turn(kinds, first):
                    over = until_s is not None and time.monotonic() > until_s
                    if over or (count is not None and self.inputs.total() >= count):
                        break
                    self._try(watched, kind, number)
            finally:
                watched.stop()
                self.peak_rss = watched.peak_rss

    def _try(self, watched: Watched, kind: str, number: int) -> None:
        fault = watched.use(kind, number)
        self.inputs[kind] += 1
        if self.inputs.total() % 1000 == 0:
            sys.stdout.write(f"{self.inputs.total()} inputs, {len(self.faults)} faults\n")
            sys.stdout.flush()
        home = watched.scratch / "home"
        if fault:
            self.faults.append((kind, number, fault))
            sys.stdout.write(f"{kind} {number}: {fault}\n")
            sys.stdout.flush()
            if self.keep is not None:
                shutil.copytree(
                    home,
                    self.keep / f"{kind}-{self.seed}-{number}",
                    symlinks=True,
                    dirs_exist_ok=True,
                    ignore=_specials,
                )
        shutil.rmtree(home, ignore_errors=True)


def _specials(folder: str, names: list[str]) -> list[str]:
    """Pipes, which cannot be copied."""
    return [
        name
        for name in names
        if not (Path(folder) / name).is_file() and not (Path(folder) / name).is_dir()
    ]


@contextlib.contextmanager
def _scratch() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        scratch = Path(folder)
        (scratch / "outside").mkdir()
        (scratch / "outside" / "secret").write_text("SECRET")
        (scratch / "outside" / "secret.safetensors").write_text("SECRET")
        (scratch / "seeds").mkdir()
        yield scratch


def _in_turn(kinds: list[str], first: int) -> Iterator[tuple[str, int]]:
    """(kind, number) without end, each kind as often as its share says."""
    numbers = dict.fromkeys(kinds, first)
    while True:
        for kind in kinds:
            for _ in range(SHARES.get(kind, 1)):
                yield kind, numbers[kind]
                numbers[kind] += 1


def _kinds() -> list[str]:
    from kinds import KINDS

    return list(KINDS)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--seconds", type=float)
    parser.add_argument("--count", type=int)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--first", type=int, default=0, help="number of the first input of each kind"
    )
    parser.add_argument("--kind", action="append", dest="kinds")
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--hang", type=float, default=HANG_S, metavar="SECONDS")
    parser.add_argument("--memory", type=int, default=MOST_RSS >> 20, metavar="MIB")
    parser.add_argument("--one", nargs=2, metavar=("KIND", "NUMBER"))
    parser.add_argument("--work", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.work is not None:
        work(options.seed, options.work, options.kinds or [])
        return
    if options.one is not None:
        with _scratch() as scratch:
            (scratch / "home").mkdir()
            fault = use_one(
                options.one[0], int(options.one[1]), options.seed, scratch / "home", Guard()
            )
            sys.stdout.write(f"{fault or 'no fault'}\n")
        return
    campaign = Campaign(options.seed, options.keep, options.hang, options.memory << 20)
    begun = time.monotonic()
    seconds = options.seconds or (None if options.count else 60.0)
    campaign.run(
        options.kinds or _kinds(), seconds=seconds, count=options.count, first=options.first
    )
    took_s = time.monotonic() - begun
    sys.stdout.write(
        f"{campaign.inputs.total()} inputs in {took_s:.0f} s, {len(campaign.faults)} faults, "
        f"at most {campaign.peak_rss / 2**20:.0f} MiB: {dict(campaign.inputs)}\n"
    )
    sys.exit(bool(campaign.faults))


if __name__ == "__main__":
    main()
