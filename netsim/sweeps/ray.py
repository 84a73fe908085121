"""The same jobs on a Ray cluster (extra `ray`).

Where the sweep folder is on a path that the nodes share, a node works in it as a local worker does.
Where it is not, a run is made in a folder of the node's own and comes back whole, as bytes through
Ray's object store. A job whose node is lost is given to another node.
"""

from __future__ import annotations

import io
import os
import shutil
import socket
import tempfile
import time
import uuid
import zipfile
from collections.abc import Generator, Iterator, Sequence
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any

from netsim.assembly.loaded import Loaded
from netsim.errors import InputError, RunError
from netsim.protocols import Silence
from netsim.results.sweep_folder import SweepFolder
from netsim.scenario.load import to_toml
from netsim.sweeps.grid import Job, job_toml
from netsim.sweeps.job import ELSEWHERE, JobOutcome, StudyListener, execute
from netsim.sweeps.local import ONE_THREAD
from netsim.version import __version__

RETRIES = 5  # nodes that one job may lose
POLL_S = 0.5
LET_GO_S = 60
CONNECT_S = 10.0
TOKEN = ".ray-"
MAX_UNPACKED_BYTES = 64 * 2**30


def run_ray(
    folder: Path,
    jobs: Sequence[Job],
    at_once: int | None,
    listener: StudyListener,
    *,
    address: str | None = None,
    shared: bool | None = None,
) -> Generator[JobOutcome, None, None]:
    """Do `jobs` on the cluster at `address` (None: RAY_ADDRESS, or Ray started on this machine).

    A job takes one core; `at_once` None: as many as the cluster has. `shared` tells whether the
    nodes see `folder`; None: each looks. Closing the iterator cancels what is left.
    """
    try:
        import ray
    except ImportError as error:
        raise InputError("needs the extra 'ray': pip install ray", where="--backend ray") from error
    ours = not ray.is_initialized()
    if ours:
        _connect(address)
    token = folder / f"{TOKEN}{uuid.uuid4().hex}"  # a node that sees it shares the folder
    if shared is not False:
        token.touch()
    cluster = _Cluster(SweepFolder(folder), token if shared is not False else None)
    waiting = list(reversed(jobs))
    try:
        while waiting or cluster.running:
            while waiting and len(cluster.running) < (at_once or len(jobs)):
                cluster.submit(waiting.pop())
            yield from cluster.ended()
    finally:
        cluster.cancel()
        token.unlink(missing_ok=True)
        if ours:
            ray.shutdown()


def _connect(address: str | None) -> None:
    """Raises InputError if no cluster answers, RunError if none can be started here."""
    import ray

    _check_address(address)
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # Ray would report to its makers
    try:
        ray.init(address=address, log_to_driver=False, logging_level="ERROR")
    except Exception as error:  # a node that does not start in time raises a bare one
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        if address is None:
            raise RunError(f"Ray cannot start on this machine: {reason}") from None
        rule = f"no Ray cluster answers there ({reason})"
        raise InputError(rule, where="--address", value=address) from None


class _Cluster:
    """Jobs that are on a cluster's nodes."""

    def __init__(self, folder: SweepFolder, token: Path | None) -> None:
        import ray

        self._folder = folder
        self._token = "" if token is None else str(token.resolve())
        self._execute = ray.remote(_execute).options(
            num_cpus=1,
            max_retries=RETRIES,
            retry_exceptions=False,
            runtime_env={"env_vars": ONE_THREAD},
        )
        self.running: dict[Any, Job] = {}

    def submit(self, job: Job) -> None:
        """Give a job to the cluster."""
        toml = job_toml(job.overrides, job.seed)
        scenario = to_toml(job.scenario)
        reference = self._execute.remote(
            self._token,
            job.id,
            scenario_toml=scenario,
            toml=toml,
            version=__version__,
        )
        self.running[reference] = job

    def ended(self) -> Iterator[JobOutcome]:
        """Outcomes of the jobs that end in the next POLL_S."""
        import ray

        references, _ = ray.wait(list(self.running), num_returns=1, timeout=POLL_S)
        for reference in references:
            job = self.running.pop(reference)
            try:
                outcome, packed = ray.get(reference)
                if packed is not None:
                    receive(
                        self._folder,
                        job.id,
                        packed,
                    )
            except (ray.exceptions.RayError, RunError) as error:
                reason = f"{type(error).__name__}: {error}".splitlines()[0]
                outcome = JobOutcome(job.id, "failed", reason)
            yield outcome

    def cancel(self) -> None:
        """Take back what is running."""
        import ray

        for reference in self.running:
            ray.cancel(reference)


def _check_address(address: str | None) -> None:
    """Raises InputError at once where nobody listens; Ray would try for a quarter of an hour."""
    host, colon, port = (address or "").removeprefix("ray://").rpartition(":")
    if not colon:  # auto, local, or none
        return
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=CONNECT_S).close()
    except (OSError, ValueError, OverflowError) as error:
        raise InputError(
            f"no Ray cluster answers there ({error})", where="--address", value=address
        ) from None


def _execute(
    token: str,
    job: str,
    scenario_toml: str,
    toml: str,
    version: str,
) -> tuple[JobOutcome, bytes | None]:
    """What a node does. The run folder comes as bytes unless the node shares the sweep folder."""
    if version != __version__:
        rule = f"the node has netsim {__version__}, the sweep was started by {version}"
        return JobOutcome(job, "failed", rule), None
    if token and Path(token).is_file():
        return _execute_shared(Path(token).parent, job, scenario_toml), None
    with tempfile.TemporaryDirectory(prefix="netsim-") as scratch:
        folder = SweepFolder.create(Path(scratch) / "sweep", scenario_toml)
        folder.add_job(job, toml)
        outcome = execute(
            folder.path,
            job,
            scenario_toml,
            Silence(),
            _loaded(),
        )
        path = folder.run_path(job)
        return outcome, pack(path) if path.is_dir() else None


def _execute_shared(folder: Path, job: str, scenario_toml: str) -> JobOutcome:
    """A retry may come before the process of the lost node has let go of the run."""
    for _ in range(LET_GO_S):
        outcome = execute(
            folder,
            job,
            scenario_toml,
            Silence(),
            _loaded(),
        )
        if outcome.status != ELSEWHERE:
            break
        time.sleep(1.0)
    return outcome


@cache
def _loaded() -> Loaded:
    """Data and model of this process of the cluster, which does one job after the other."""
    return Loaded()


def pack(folder: Path) -> bytes:
    """The regular files of a folder as an archive."""
    packed = io.BytesIO()
    # Parquet is compressed already
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
        for file in sorted(folder.rglob("*")):
            if file.is_file() and not file.is_symlink():
                archive.write(file, file.relative_to(folder).as_posix())
    return packed.getvalue()


def receive(folder: SweepFolder, job: str, packed: bytes) -> None:
    """Put a packed run folder in its place, whole or not at all. Raises RunError."""
    with folder.claim(job) as mine:
        if not mine or folder.metadata(job)["status"] == "done":
            return
        arriving = folder.path / f"{TOKEN}{uuid.uuid4().hex}"
        try:
            unpack(packed, arriving)
            folder.clear(job)
            arriving.replace(folder.run_path(job))
        except OSError as error:
            raise RunError(f"{folder.run_path(job)}: cannot be written: {error.strerror}") from None
        except zipfile.BadZipFile as error:
            raise RunError(f"a run came back broken: {error}") from None
        finally:
            shutil.rmtree(arriving, ignore_errors=True)


def unpack(packed: bytes, folder: Path) -> None:
    """Write the files of an archive below `folder`, nothing elsewhere.

    Raises RunError or BadZipFile.
    """
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        entries = archive.infolist()
        if sum(entry.file_size for entry in entries) > MAX_UNPACKED_BYTES:
            raise RunError(f"a run came back with more than {MAX_UNPACKED_BYTES} bytes")
        for entry in entries:
            name = PurePosixPath(entry.filename)
            if not _is_plain(entry, name):
                rule = "a run came back with a file that has no place in it"
                raise RunError(f"{rule}: {entry.filename!r}")
            target = folder.joinpath(*name.parts)
            target.parent.mkdir(parents=True, exist_ok=True)
            with archive.open(entry) as source, target.open("xb") as file:
                shutil.copyfileobj(source, file)


def _is_plain(entry: zipfile.ZipInfo, name: PurePosixPath) -> bool:
    """A regular file whose path stays below the folder it is unpacked to."""
    kind = entry.external_attr >> 28  # type of a Unix file; 8 is a regular one
    if kind not in (0, 8) or name.is_absolute() or not name.parts:
        return False
    return all(_names_one_component(part) for part in name.parts)


def _names_one_component(part: str) -> bool:
    return part not in ("", ".", "..") and not {"\\", ":"} & set(part)
