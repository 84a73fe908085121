"""Every snippet of the book is executed, page by page, in a folder of its own.

`<!-- file: NAME -->` before a block: the block is that file. `<!-- not run: REASON -->`: it needs
what a test does not have, and says what. Commands are run at small size: few UEs, two rounds.
"""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from forking import PYTEST, ForkServer

from netsim.cli.main import main
from netsim.scenario.load import load_text

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "netsim" / "docs"
BLOCK = re.compile(
    r"(?:<!-- (?P<mark>file|not run): (?P<note>[^>]*) -->\n)?^```(?P<language>\w+)\n(?P<text>.*?)^```",
    re.DOTALL | re.MULTILINE,
)
RUN_ELSEWHERE = ("tutorials", "reference")  # by test_tutorials; generated, without snippets
pytestmark = pytest.mark.usefixtures("sweeps_here")
SMALL = {"rounds": 2, "ues.count": 8, "data.train_samples": 300}
LEARNING = {
    "rounds": 1,
    "ues.count": 4,
    "learning.workers": 1,
    "data.samples_per_ue": 20,
    "data.train_samples": 300,
    "data.test_samples": 40,
}
BY_LOSSES = ("scheme.kind=oort", "scheme.kind=power_of_choice")  # plan by what is learnt
LEARNS = ("data.path", "model.path", "data.task", "data.partition", *BY_LOSSES)


@dataclass(frozen=True)
class Block:
    """A fenced block of a page."""

    mark: str | None
    note: str
    language: str
    text: str


def blocks(page: Path) -> list[Block]:
    """The blocks of a page in order."""
    found = BLOCK.finditer(page.read_text(encoding="utf-8"))
    return [Block(m["mark"], m["note"] or "", m["language"], m["text"]) for m in found]


def pages() -> list[Path]:
    """Pages that have something to run."""
    found = [page for page in sorted(DOCS.rglob("*.md")) if page.parent.name not in RUN_ELSEWHERE]
    kinds = ("python", "bash", "toml")
    return [page for page in found if any(b.language in kinds for b in blocks(page))]


def small(words: list[str]) -> list[str]:
    """The same command, over in a second or two."""
    if words[0] == "sweep":
        few = [word.replace("0:8", "0:2").replace("0:16", "0:2") for word in words]
        return [*few, "--network-only", *sets(words, SMALL), "--jobs", "1"]
    if words[0] == "validate" and words[1:2] in (["quickstart"], ["mine.toml"]):
        return [*words, *sets(words, SMALL)]
    if words[0] != "run":
        return words
    if any(word.startswith(LEARNS) for word in words):
        return [*words, *sets(words, LEARNING)]
    if words[1] == "law.toml":  # executes apps, which network-only leaves out
        return words
    folder = len(words) > 1 and Path(words[1]).is_dir()  # a replay has its own UEs
    own = {"rounds": 2} if folder else SMALL
    return [*words, "--network-only", *sets(words, own)]


def sets(words: list[str], wanted: dict[str, Any]) -> list[str]:
    """Overrides, without those that the command gives, or that a trace's nodes decide."""
    text = " ".join(words)
    left_out = [key for key in wanted if f"{key}=" in text]
    if "mobility.path" in text or ".toml" in text:
        left_out.append("ues.count")
    chosen = {key: value for key, value in wanted.items() if key not in left_out}
    return [word for key, value in chosen.items() for word in ("--set", f"{key}={value}")]


@dataclass
class Reader:
    """Somebody who types what a page says."""

    home: Path
    install: Callable[[Path], None]
    monkeypatch: pytest.MonkeyPatch
    forks: ForkServer

    def follow(self, page: Path) -> None:
        if page.name == "flower.md":
            pytest.importorskip("flwr", reason="needs the extra flower")
        names: dict[str, Any] = {"__name__": "page"}
        for block in blocks(page):
            if block.mark == "not run":
                assert len(block.note) > 10, "say why"
            elif block.mark == "file":
                path = self.home / block.note
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(block.text, encoding="utf-8")
            elif block.language == "python":
                if "import gymnasium" in block.text:
                    pytest.importorskip("gymnasium", reason="needs the extra gym")
                exec(compile(block.text, f"{page.name}: python", "exec"), names)
            elif block.language == "bash":
                for line in block.text.replace("\\\n", " ").splitlines():
                    self.type(line)
            elif block.language == "toml":
                tomllib.loads(block.text)
                load_text(block.text)

    def type(self, line: str) -> None:
        """One line at the prompt."""
        words = [os.path.expandvars(word) for word in shlex.split(line, comments=True)]
        if not words:
            return
        if words[:2] == ["pip", "install"]:
            self.install(self.home / words[-1])
        elif words[0] == "pytest":
            process = self.forks.start(*words[1:], script=PYTEST, folder=self.home)
            said = process.communicate()
            assert process.returncode == 0, said
        else:
            assert words[0] == "netsim", f"not a command that the test knows: {line}"
            self.netsim(small(words[1:]))

    def netsim(self, words: list[str]) -> None:
        self.monkeypatch.setattr("sys.argv", ["netsim", *words])
        with pytest.raises(SystemExit) as ended:
            main()
        assert not ended.value.code, shlex.join(words)


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.relative_to(DOCS).as_posix())
def test_a_page_can_be_followed(
    page: Path,
    tmp_path: Path,
    install: Callable[[Path], None],
    monkeypatch: pytest.MonkeyPatch,
    forks: ForkServer,
) -> None:
    for name in ("traces", "topologies"):
        (tmp_path / name).symlink_to(ROOT / name)
    monkeypatch.chdir(tmp_path)
    for name in ("SLURM_ARRAY_TASK_ID", "SLURM_CPUS_PER_TASK"):
        monkeypatch.setenv(name, "1")
    with contextlib.chdir(tmp_path):
        Reader(tmp_path, install, monkeypatch, forks).follow(page)


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.relative_to(DOCS).as_posix())
def test_files_are_named_for_the_reader(page: Path) -> None:
    """The comment that names a file is not seen; the text says the name, too."""
    text = page.read_text(encoding="utf-8")
    for found in re.finditer(r"^<!-- file: ([^>]*) -->", text, re.MULTILINE):
        assert f"`{found[1]}`" in text[max(0, found.start() - 300) : found.start()], found[1]


def test_what_is_wrong_in_a_page_is_seen(
    tmp_path: Path,
    install: Callable[[Path], None],
    monkeypatch: pytest.MonkeyPatch,
    forks: ForkServer,
) -> None:
    for text in (
        "```python\nassert False\n```",
        "```bash\nnetsim run --set radio.bandwith_hz=1\n```",
        "```bash\nmake it so\n```",
        "```toml\n[radio]\nbandwith_hz = 1\n```",
    ):
        page = tmp_path / "page.md"
        page.write_text(text + "\n", encoding="utf-8")
        with pytest.raises(BaseException):  # noqa: B017, PT011
            Reader(tmp_path, install, monkeypatch, forks).follow(page)
