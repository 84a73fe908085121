"""`netsim init`: a scenario of one's own to start from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def init(
    file: Annotated[Path, typer.Argument(help="New scenario file.")] = Path("scenario.toml"),
    source: Annotated[
        str, typer.Option("--from", help="Bundled scenario to start from.")
    ] = "quickstart",
) -> None:
    """Write a commented scenario file to change and run."""
    import shlex

    from netsim.cli.console import console
    from netsim.errors import OutputError
    from netsim.scenario.load import bundled_text

    text = bundled_text(source)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("x", encoding="utf-8") as opened:
            opened.write(text)
    except FileExistsError:
        raise OutputError("is there already; choose another name", where=file) from None
    except OSError as error:
        raise OutputError(f"cannot be written: {error.strerror or error}", where=file) from None
    name = shlex.quote(str(file))
    console().print(
        f"{file}: the bundled {source}, to be changed\n"
        f"next: netsim validate {name}\n"
        f"      netsim run {name}\n"
        "      netsim validate --schema    every key with its meaning",
        markup=False,
    )
