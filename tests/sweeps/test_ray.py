"""Ray: what comes through the object store stays in its place; a lost node loses nothing."""

from __future__ import annotations

import io
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from netsim.errors import InputError, RunError
from netsim.sweeps.ray import pack, receive, run_ray, unpack
from netsim.sweeps.study import Study

DENSITY = "topology.density_per_km2"


def test_a_run_folder_comes_back_as_it_was(tmp_path: Path) -> None:
    files = {
        "metadata.json": b"{}",
        "uploads/part-000000.parquet": bytes(range(256)),
        "adapters/0/x": b"",
    }
    for name, content in files.items():
        (tmp_path / "a" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "a" / name).write_bytes(content)
    (tmp_path / "a" / "link").symlink_to("/etc/hostname")
    unpack(pack(tmp_path / "a"), tmp_path / "b")
    found = {
        str(f.relative_to(tmp_path / "b")): f.read_bytes()
        for f in (tmp_path / "b").rglob("*")
        if f.is_file()
    }
    assert found == files


@pytest.mark.parametrize("name", ["../x", "/x", "a/../../x", "a/..", "c:x", "a\\..\\x", "link", ""])
def test_nothing_is_written_elsewhere(
    name: str, make_study: Callable[..., Study], tmp_path: Path
) -> None:
    study = make_study({})
    job, packed = study.jobs[0].id, io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("uploads/part-000000.parquet", b"fine")
        entry = zipfile.ZipInfo("x")
        entry.filename = name
        if name == "link":
            entry.external_attr = 0o120777 << 16
        archive.writestr(entry, b"/etc/passwd")
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(RunError, match="no place in it"):
        receive(study.folder, job, packed.getvalue())
    assert sorted(tmp_path.rglob("*")) == before


def test_a_broken_archive_is_one_error(make_study: Callable[..., Study], tmp_path: Path) -> None:
    study = make_study({})
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "f").write_bytes(b"content" * 10)
    whole = pack(tmp_path / "a")
    for broken in (b"", whole[:-30], whole.replace(b"content", b"contend", 1)):
        with pytest.raises(RunError, match="broken"):
            receive(study.folder, study.jobs[0].id, broken)
    assert not study.folder.run_path(study.jobs[0].id).exists()


def test_a_finished_run_is_not_replaced(
    make_study: Callable[..., Study], heard: Any, tmp_path: Path
) -> None:
    study = make_study({})
    job = study.jobs[0].id
    study.run(heard, at_once=1)
    (tmp_path / "a").mkdir()
    receive(study.folder, job, pack(tmp_path / "a"))
    assert study.folder.metadata(job)["status"] == "done"


def test_without_ray_the_extra_is_named(
    make_study: Callable[..., Study], heard: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(InputError, match=r"--backend ray: needs the extra 'ray'"):
        make_study({}).run(heard, backend="ray")


def test_a_lost_node_loses_nothing(
    make_study: Callable[..., Study],
    digests: Callable[[Path], dict[str, str]],
    heard: Any,
    tmp_path: Path,
) -> None:
    """Of 3 nodes of one core each, one is killed while it is at a run: all runs come, with their
    bytes.

    First in a shared folder; then, with another of the nodes, through the object store.
    """
    pytest.importorskip("ray", reason="the extra 'ray' is not installed")
    from ray.cluster_utils import Cluster

    over, fixed = {"rounds": [2, 300]}, {"ues__count": 40}
    make_study(over, range(3), out="alone", **fixed).run(heard, at_once=2)
    expected = digests(tmp_path / "alone" / "runs")
    size = {"num_cpus": 1, "object_store_memory": 80 * 2**20}
    cluster = Cluster(initialize_head=True, head_node_args={**size, "include_dashboard": False})
    try:
        others = [cluster.add_node(**size) for _ in range(2)]
        for shared in (None, False):
            study = make_study(over, range(3), out=f"shared-{shared}", **fixed)
            victim, outcomes = others.pop(), []
            work = run_ray(
                study.folder.path, study.todo, None, heard, address=cluster.address, shared=shared
            )
            for outcome in work:
                outcomes.append(outcome)
                if len(outcomes) == 1:
                    cluster.remove_node(victim, allow_graceful=False)
            assert sorted(o.id for o in outcomes) == sorted(job.id for job in study.jobs)
            assert {o.status for o in outcomes} == {"done"}
            assert digests(study.folder.path / "runs") == expected
    finally:
        cluster.shutdown()


def test_a_node_that_does_not_start_in_time_is_one_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ray raises a bare Exception then; a stand-in does here."""

    def late(**_options: object) -> None:
        raise Exception("The current node timed out during startup.\nMore.")

    monkeypatch.setitem(
        sys.modules, "ray", SimpleNamespace(init=late, is_initialized=lambda: False)
    )
    work = run_ray(Path(), [], None, None)  # type: ignore[arg-type]
    with pytest.raises(
        RunError,
        match=r"Ray cannot start on this machine: The current node timed out during startup\.$",
    ):
        next(work)
