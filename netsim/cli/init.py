"""`netsim init`: a scenario, or a package with a scheme, of one's own to start from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

DEFAULT = "quickstart"


def init(
    name: Annotated[
        Path, typer.Argument(help="New scenario file; with --scheme a new folder.")
    ] = Path("scenario.toml"),
    source: Annotated[
        str | None,
        typer.Option("--from", help="Bundled scenario to start from.", show_default="quickstart"),
    ] = None,
    scheme: Annotated[
        bool,
        typer.Option("--scheme", help="Write a package with a scheme, its test and entry point."),
    ] = False,
) -> None:
    """Write a commented scenario file to change and run, or a package with a scheme."""
    from netsim.errors import InputError, OutputError

    if scheme and source is not None:
        rule = "is of a scenario; a scheme's package has a scenario that fits it"
        raise InputError(rule, where="--from", value=source)
    if not name.name:
        raise OutputError("must be the name of a new file or folder", where=name)
    file = name if scheme or name.suffix else name.with_suffix(".toml")
    try:
        told = _write_scheme(file) if scheme else _write_scenario(file, source or DEFAULT)
    except FileExistsError:
        raise OutputError("is there already; choose another name", where=file) from None
    except OSError as error:
        raise OutputError(f"cannot be written: {error.strerror or error}", where=file) from None
    _say(*told)


def _write_scenario(file: Path, source: str) -> tuple[str, ...]:
    """Writes it; what there is to say: what was made, and what to do next."""
    from netsim.scenario.load import bundled_text

    text = bundled_text(source)
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("x", encoding="utf-8") as opened:
        opened.write(text)
    return (
        f"{file}: the bundled {source}, to be changed",
        f"netsim validate {_word(file)}",
        f"netsim run {_word(file)}",
        "netsim validate --schema    every key with its meaning",
    )


def _write_scheme(folder: Path) -> tuple[str, ...]:
    """As `_write_scenario`."""
    from netsim.cli.scheme_package import write_package

    written = write_package(folder)
    return (
        f"{folder}: {', '.join(file.name for file in written)}",
        f"pytest {_word(folder)}",
        f"pip install -e {_word(folder)}",
        f"netsim run {_word(folder / 'scenario.toml')}",
    )


def _word(path: Path) -> str:
    import shlex

    return shlex.quote(str(path))


def _say(made: str, *commands: str) -> None:
    """What was written, and what to do next."""
    from netsim.cli.console import console

    next_ones = "\n      ".join(commands)
    console().print(f"{made}\nnext: {next_ones}", markup=False)
