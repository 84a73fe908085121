"""The book and the code agree: generated pages, public names, and every file and test it names."""

from __future__ import annotations

import ast
import importlib.util
import inspect
import re
from functools import cache
from pathlib import Path

import pytest

import netsim

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "netsim" / "docs"
PAGES = sorted(DOCS.rglob("*.md"))
PLACE = re.compile(r"(?:netsim|tests|analysis|topologies|traces)/[\w./-]*\w")


def test_generated_pages_are_those_of_the_code() -> None:
    """Fails after a change of commands, keys, tables or tutorials: `python
    netsim/docs/generate.py`.
    """
    spec = importlib.util.spec_from_file_location("generate", DOCS / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    generate = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generate)
    for name, text in generate.pages().items():
        written = (DOCS / name).read_text(encoding="utf-8")
        assert written == text, f"{name} is out of date: python netsim/docs/generate.py"


def test_every_public_name_has_an_entry() -> None:
    text = (DOCS / "reference" / "python.md").read_text(encoding="utf-8")
    entries = set(re.findall(r"^::: (\S+)", text, re.MULTILINE))
    for name in netsim.__all__:
        if name == "__version__":
            continue
        found = getattr(netsim, name)
        assert found.__module__ in entries or f"{found.__module__}.{found.__name__}" in entries
        assert found.__doc__, name
        if inspect.isfunction(found):
            assert "Raises" in found.__doc__, name


def test_no_text_leads_to_a_page_that_no_clone_has() -> None:
    """The designs from which netsim was made are not part of it."""
    gone = "model" + "-spec"
    files = [file for room in ("netsim", "tests", "analysis") for file in (ROOT / room).rglob("*")]
    texts = [file for file in files if file.suffix in (".py", ".md", ".toml", ".js")]
    assert [str(file) for file in texts if gone in file.read_text(encoding="utf-8")] == []


@cache
def names_in(path: Path) -> set[str]:
    """Functions and classes that a file defines."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    kinds = (ast.FunctionDef, ast.ClassDef)
    return {node.name for node in ast.walk(tree) if isinstance(node, kinds)}


def lost_places(text: str) -> list[str]:
    """Files that are not there, and tests and functions that their file does not define."""
    lost = []
    for found in re.finditer(PLACE.pattern + r"(?:::(\w+))?", text):
        path = ROOT / found[0].partition("::")[0]
        if re.fullmatch(r"netsim/[A-Z]\w+-v\d", found[0]):  # a Gymnasium environment
            continue
        defined = not found[1] or (path.is_file() and found[1] in names_in(path))
        if not (path.exists() and defined):
            lost.append(found[0])
    for path, names in re.findall(r"\| `(netsim/[\w/]+\.py)`((?:, `\w+`)+) \|", text):
        known = names_in(ROOT / path)
        lost += [f"{path}: {name}" for name in re.findall(r"`(\w+)`", names) if name not in known]
    return lost


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(DOCS).as_posix())
def test_what_a_page_names_exists(page: Path) -> None:
    assert lost_places(page.read_text(encoding="utf-8")) == []


def test_a_lost_place_is_seen() -> None:
    text = "`netsim/gone.py` `tests/docs/test_site.py::test_gone` | `netsim/units.py`, `gone` |"
    assert lost_places(text) == [
        "netsim/gone.py",
        "tests/docs/test_site.py::test_gone",
        "netsim/units.py: gone",
    ]


def test_comments_lead_to_pages_that_exist() -> None:
    for folder in ("netsim", "tests", "analysis"):
        for path in (ROOT / folder).rglob("*.py"):
            for page in re.findall(
                r"docs/((?:model|concepts|howto)/[\w-]+\.md)", path.read_text(encoding="utf-8")
            ):
                assert (DOCS / page).is_file() or path == Path(__file__), f"{path}: {page}"


def test_the_version_stands_everywhere_alike() -> None:
    cited = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f"\nversion: {netsim.__version__}\n" in cited
    assert f"## [{netsim.__version__}]" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_folders_say_what_they_hold() -> None:
    """No empty `__init__.py` in a folder of more than two files."""
    for path in ROOT.glob("netsim/**/__init__.py"):
        many = len([file for file in path.parent.iterdir() if file.is_file()]) > 2
        assert not many or path.read_text(encoding="utf-8").strip(), path
