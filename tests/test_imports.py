"""What is loaded when: the command line is there at once, a network-only run has no torch."""

from __future__ import annotations

import dataclasses
import re
import resource
import subprocess
import sys
from pathlib import Path

import netsim


def _python(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def _cpu_s(arguments: list[str]) -> float:
    """CPU seconds of a Python process: wall time says little beside other tests."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, *arguments], capture_output=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def test_import_loads_neither_torch_nor_polars() -> None:
    heavy = "sorted({'torch', 'polars', 'numpy', 'scipy', 'pydantic', 'transformers'} & set(sys.modules))"
    assert _python(f"import sys, netsim; sys.stdout.write(repr({heavy}))") == "[]"


INTERRUPTED_AT_ONCE = """
import os
import sys

class Interrupting:
    def find_spec(self, name, *rest):
        if name not in ("netsim", "netsim.__main__"):
            import _signal
            sys.stdout.write(f"{name}, after {sorted(set(sys.modules) - before)}")
            sys.stdout.flush()
            _signal.raise_signal(_signal.SIGINT)

sys.path.insert(0, sys.argv[1])
sys.meta_path.insert(0, Interrupting())
before = set(sys.modules)
from netsim.__main__ import main
main()
"""


def test_the_command_line_can_be_interrupted_with_a_word_at_once() -> None:
    """SIGINT that comes before `main` runs is a traceback: two small files are imported till then.

    One that comes with the third is a word and an exit code.
    """
    root = str(Path(netsim.__file__).parents[1])
    done = subprocess.run(
        [sys.executable, "-E", "-S", "-c", INTERRUPTED_AT_ONCE, root],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "netsim.cli, after ['netsim', 'netsim.__main__']"
    assert (done.returncode, done.stderr) == (130, "netsim: interrupted\n")


def test_a_program_that_imports_netsim_keeps_its_signals() -> None:
    code = "import signal, netsim, netsim.__main__, netsim.cli.main; "
    code += "assert signal.getsignal(signal.SIGINT) is signal.default_int_handler"
    _python(code)


def test_help_is_quick_and_loads_no_torch() -> None:
    code = (
        "import sys\nfrom netsim.cli.commands import program\n"
        "try:\n    program()(['--help'])\nexcept SystemExit:\n    pass\n"
        "assert not {'torch', 'polars', 'scipy'} & set(sys.modules)"
    )
    _python(code)
    ratios = (  # another is measured only if the first is too much: a busy machine may be why
        _cpu_s(["-m", "netsim.cli.main", "--help"]) / _cpu_s(["-c", "import typer"])
        for _ in range(3)
    )
    assert any(ratio < 4 for ratio in ratios)


# Each command in turn, with what is not to be loaded by then.
LIGHT: tuple[tuple[tuple[str, ...], set[str]], ...] = (
    (("--version",), {"typer"}),
    (("list", "--help"), {"netsim.cli.sweep", "netsim.cli.trace", "numpy"}),
    (("trace", "--help"), {"numpy", "polars"}),
    (("schemes",), {"polars", "scipy", "networkx", "torch"}),
    (("validate", "--schema"), {"networkx", "torch"}),
)


def test_commands_load_what_they_need() -> None:
    code = (
        "import io, sys, netsim.cli.main as program\n"
        f"for words, unwanted in {LIGHT!r}:\n"
        "    sys.argv = ['netsim', *words]\n"
        "    said, sys.stdout = sys.stdout, io.StringIO()\n"
        "    try:\n        program.main()\n"
        "    except SystemExit as ended:\n        assert not ended.code, words\n"
        "    finally:\n        sys.stdout = said\n"
        "    assert not unwanted & set(sys.modules), (words, unwanted & set(sys.modules))\n"
    )
    _python(code)


def test_every_public_name_exists() -> None:
    import netsim

    assert all(getattr(netsim, name) is not None for name in netsim.__all__)


def test_network_only_run_imports_no_torch(tmp_path: Path) -> None:
    code = (
        "import sys, netsim\n"
        "s = netsim.load_scenario('quickstart', {'network_only': True, 'rounds': 2, 'ues.count': 5})\n"
        f"run = netsim.run(s, out={str(tmp_path / 'run')!r})\n"
        "assert run.metadata['status'] == 'done'\n"
        "sys.stdout.write(repr(sorted({'torch', 'peft', 'transformers'} & set(sys.modules))))"
    )
    assert _python(code) == "[]"


def test_help_tells_every_field_of_what_schemes_see_and_declare() -> None:
    for made in (netsim.Observation, netsim.RoundPlan, netsim.RoundOutcome):
        told = made.__doc__ or ""
        for field in dataclasses.fields(made):
            assert re.search(rf"^ +{field.name}: \S", told, re.MULTILINE), field.name


def test_public_names_are_there() -> None:
    for name in netsim.__all__:
        assert getattr(netsim, name) is not None
