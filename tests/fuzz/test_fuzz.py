"""A short slice of the fuzzing campaign, and the faults that it found once."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from netsim.cli.main import main

HERE = Path(__file__).parent
CORPUS = HERE / "corpus"
QUICK = (
    "scenario_keys",
    "scenario_file",
    "trace",
    "topology",
    "data",
    "run",
    "checkpoint",
    "adapters",
    "live",
    "init",
)
INPUTS = 300  # some 10 s; a count, so that a slow machine tries the same


def _campaign(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(HERE / "campaign.py"), *words]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)


def test_a_slice_of_the_campaign() -> None:
    seed = os.environ.get("NETSIM_FUZZ_SEED", "1")  # other seeds by hand
    kinds = [word for kind in QUICK for word in ("--kind", kind)]
    done = _campaign("--count", str(INPUTS), "--seed", seed, *kinds)
    assert done.returncode == 0, f"seed {seed}: {done.stdout}{done.stderr}"
    assert int(done.stdout.split(" inputs in ")[0].splitlines()[-1]) > 20


FAULTS = {
    "raises": "traceback: ZeroDivisionError",
    "hangs": "hang: ",
    "takes": "memory: ",
    "writes": "escape: ",
    "copies": "escape: ",
    "aborts": "process ended by",
    "talks": "1000 characters: ",
}


def test_the_campaign_sees_faults(tmp_path: Path) -> None:
    kinds = [word for fault in FAULTS for word in ("--kind", f"planted_{fault}")]
    done = _campaign(
        "--count",
        str(len(FAULTS)),
        "--hang",
        "3",  # these inputs need little to be loaded
        "--memory",
        "200",
        "--keep",
        str(tmp_path),
        *kinds,
    )
    assert done.returncode == 1, done.stderr
    for fault, told in FAULTS.items():
        assert f"planted_{fault} 0: {told}" in done.stdout, done.stdout + done.stderr
    assert f" {len(FAULTS)} faults" in done.stdout
    assert len(list(tmp_path.iterdir())) == len(FAULTS)


@pytest.fixture
def ten_seconds() -> Iterator[None]:
    """What hangs is interrupted."""

    def late(_number: int, _frame: object) -> None:
        raise TimeoutError("more than 10 s")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(10)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.mark.usefixtures("ten_seconds")
@pytest.mark.parametrize("case", sorted(path.name for path in CORPUS.iterdir()))
def test_faults_of_the_past(
    case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`words.json` holds the words of the command line; what they speak of is beside it."""
    shutil.copytree(CORPUS / case, tmp_path / "home", symlinks=True)
    words = json.loads((CORPUS / case / "words.json").read_text(encoding="utf-8"))
    monkeypatch.chdir(tmp_path / "home")
    monkeypatch.setattr("sys.argv", ["netsim", *words])
    with pytest.raises(SystemExit) as ended:
        main()
    said = capsys.readouterr().err
    assert ended.value.code == 2, said
    assert len(said.splitlines()) == 1
    assert len(said) <= 300
