"""The command line: its commands. `netsim.cli.main` runs it, and says what errors look like.

A command is imported where it is asked for, and heavy libraries only inside commands, so that
`netsim COMMAND --help` is there at once.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from importlib import import_module

import typer

# name: file, and the function or the group of commands in it
PLACES = {
    "run": ("run", "run"),
    "flower": ("flower", "flower"),
    "resume": ("resume", "resume"),
    "list": ("runs", "list_runs"),
    "diff": ("runs", "diff"),
    "init": ("init", "init"),
    "live": ("live", "live"),
    "report": ("report", "report"),
    "plot": ("plot", "plot"),
    "schemes": ("schemes", "schemes"),
    "sweep": ("sweep", "sweep"),
    "validate": ("validate", "validate"),
    "verify": ("verify", "verify"),
    "export": ("export", "app"),
    "topology": ("topology", "app"),
    "trace": ("trace", "app"),
}
EMPTY_IS_A_QUESTION = ("sweep",)  # without a word it prints its help


def program(words: Sequence[str] = ()) -> typer.Typer:
    """The program that these words of a command line ask for: with one command, or with all.

    A parser of every command takes longer than many a command.
    """
    asked = [words[0]] if words and words[0] in PLACES else PLACES
    return _program_with(asked)


def _program_with(names: Iterable[str]) -> typer.Typer:
    app = typer.Typer(
        help="Discrete-event simulator of federated LoRA fine-tuning over wireless networks.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )
    app.callback(invoke_without_command=True)(options)
    for name in names:
        file, attribute = PLACES[name]
        command = import_module(f"netsim.cli.{file}").__dict__[attribute]
        if isinstance(command, typer.Typer):
            app.add_typer(command, name=name)
        else:
            app.command(name, no_args_is_help=name in EMPTY_IS_A_QUESTION)(command)
    return app


def options(
    version: bool = typer.Option(
        False,
        "--version",
        help="Print the version and exit.",
    ),
) -> None:
    """Options of the program itself."""
    if version:
        from netsim.version import __version__

        sys.stdout.write(f"netsim {__version__}\n")
        raise typer.Exit
