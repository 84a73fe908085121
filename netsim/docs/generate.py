"""Pages of the reference that are made from the code: command line, scenario keys, tables.

`python netsim/docs/generate.py` writes them; a test tells when that has been forgotten.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import jupytext
from typer.main import Typer
from typer.models import ArgumentInfo, OptionInfo

from netsim.cli.commands import program
from netsim.cli.schema import WHERE, parameter_rows
from netsim.plugins import plugin_class, plugin_names
from netsim.records import SCHEMA, TABLES
from netsim.scenario.choices import CHOICES
from netsim.scenario.schema import schema_rows
from netsim.table_columns import TableColumn

FOLDER = Path(__file__).parent
SCRIPTS = FOLDER.parents[1] / "analysis" / "tutorials"
TUTORIALS = (  # in reading order
    "first_run",
    "latency_timelines",
    "sumo_density",
    "own_scheme",
    "comparing_schemes",
    "real_text",
)

ONE_ROW_PER = {
    "spans": "timed activity of a UE or gNB",
    "uploads": "upload",
    "rounds": "round and gNB",
    "evaluations": "measurement of a module or an ensemble",
    "subscriptions": "(round, UE, module)",
    "ues": "UE",
    "sites": "gNB site",
    "pairs": "pair of UEs of a round, with `uplink.access = noma`",
    "masked_sums": "module and gNB of a round, with `upload.secure_aggregation`",
    "handovers": "handover",
    "mobility": "sample of a UE's position, with `record = true`",
    "channel": "sample of a link, with `record = true`",
    "risk": "round, with `learning.log_risk = true`",
}
NOTE = "<!-- Made by `python netsim/docs/generate.py`; changes belong into the code. -->"


def pages() -> dict[str, str]:
    """Text of each generated page, by file name."""
    found = {
        "reference/cli.md": cli_page(),
        "reference/scenario.md": scenario_page(),
        "reference/tables.md": tables_page(),
    }
    for script in TUTORIALS:
        found[f"tutorials/{script}.md"] = tutorial_page(script)
    return {name: "\n".join(lines) + "\n" for name, lines in found.items()}


def main() -> None:
    """Write the pages."""
    for name, text in pages().items():
        (FOLDER / name).write_text(text, encoding="utf-8")


def table(headers: tuple[str, ...], rows: list[tuple[str, ...]]) -> Iterator[str]:
    """Lines of a Markdown table."""
    yield "| " + " | ".join(headers) + " |"
    yield "|" + "---|" * len(headers)
    for row in rows:
        cells = [cell.replace("|", "\\|").replace("\n", " ") for cell in row]
        yield "| " + " | ".join(cells) + " |"
    yield ""


def code(text: str) -> str:
    """Text as code, or nothing."""
    return f"`{text}`" if text else ""


# -- the command line ----------------------------------------------------------------------------


def cli_page() -> list[str]:
    """Every command with its arguments and options."""
    lines = [
        "# Command line",
        "",
        NOTE,
        "",
        "`netsim --help` lists the commands, `netsim COMMAND --help` says what one takes. "
        "`netsim --install-completion` lets the shell complete commands, options and, after "
        "`--set` and `--over`, keys.",
        "",
        "Exit codes: 0 done; 1 a run or a check failed; 2 bad input, with one message that names "
        "place, value and rule; 130 interrupted, and `netsim resume` goes on.",
        "",
    ]
    for name, command in commands(program(), "netsim"):
        lines += [f"## {name}", "", *command_lines(name, command)]
    return lines


def commands(group: Typer, prefix: str) -> Iterator[tuple[str, Callable[..., Any]]]:
    """Name and function of each command, those of groups included."""
    for info in group.registered_commands:
        assert info.callback is not None
        name = info.name or info.callback.__name__.strip("_").replace("_", "-")
        yield f"{prefix} {name}", info.callback
    for inner in group.registered_groups:
        assert inner.typer_instance is not None
        yield from commands(inner.typer_instance, f"{prefix} {inner.name}")


def command_lines(name: str, command: Callable[..., Any]) -> Iterator[str]:
    """What a command does, its usage, its arguments and options."""
    yield inspect.cleandoc(command.__doc__ or "")
    yield ""
    arguments: list[tuple[str, ...]] = []
    options: list[tuple[str, ...]] = []
    hints = get_type_hints(command, include_extras=True)
    usage = name
    for key, parameter in inspect.signature(command).parameters.items():
        info, default = declared(hints[key], parameter.default)
        needed = default is ...
        if isinstance(info, ArgumentInfo):
            shown = key.strip("_").upper()
            usage += f" {shown}" if needed else f" [{shown}]"
            arguments.append((code(shown), info.help or "", default_text(default)))
        elif isinstance(info, OptionInfo):
            options.append((option_text(key, info), info.help or "", default_text(default)))
    yield from ["```text", f"{usage} [OPTIONS]" if options else usage, "```", ""]
    if arguments:
        yield from table(("argument", "meaning", "default"), arguments)
    if options:
        yield from table(("option", "meaning", "default"), options)


def declared(hint: Any, default: Any) -> tuple[Any, Any]:
    """What typer is told of a parameter, and its default; `...` where it must be given."""
    info = get_args(hint)[1] if get_origin(hint) is Annotated else default
    if default is info:
        default = info.default
    return info, ... if default is inspect.Parameter.empty else default


def option_text(key: str, info: OptionInfo) -> str:
    """The names of an option, and the form of its value."""
    names = list(info.param_decls or ()) or ["--" + key.strip("_").replace("_", "-")]
    value = f" {info.metavar}" if info.metavar else ""
    return ", ".join(code(name + value) for name in names)


def default_text(default: Any) -> str:
    """A default as one would give it."""
    if default is ...:
        return "must be given"
    if default is None or isinstance(default, bool) or default == []:
        return ""
    return code(str(default))


# -- scenario keys -------------------------------------------------------------------------------


def scenario_page() -> list[str]:
    """Every key of a scenario, section by section, and the parameters of what is chosen by name."""
    lines = [
        "# Scenario keys",
        "",
        NOTE,
        "",
        "`netsim validate --schema` prints the same; `--schema radio` those whose name has that "
        "part. Numbers in the column *eq.* are the paper's, see [the model](../model/index.md). "
        "A key is given in a file, or as `--set radio.bandwidth_hz=2e7`.",
        "",
    ]
    sections: dict[str, list[tuple[str, ...]]] = {}
    for row in schema_rows():
        name = row["key"].rpartition(".")[0] or "top level"
        cells = (row["meaning"], row["type"], row["unit"], row["default"], row["equation"])
        sections.setdefault(name, []).append((code(row["key"]), *cells))
    headers = ("key", "meaning", "type", "unit", "default", "eq.")
    for name, rows in sections.items():
        lines += [f"## {name}", "", *table(headers, rows)]
    lines += ["## What is chosen by name", ""]
    lines += ["Each choice has parameters of its own, which stand in the same section.", ""]
    for choice in CHOICES:
        lines += [f"### `{choice.name_key}`", ""]
        lines += choice_lines(choice)
    return lines


def choice_lines(choice: Any) -> Iterator[str]:
    """The parameters of every plug-in of netsim's own behind one key."""
    own = []
    for name in plugin_names(choice.group):
        plugin = plugin_class(choice.group, name, choice.name_key)
        if plugin.__module__.startswith("netsim."):
            own.append(name)
    yield "One of " + ", ".join(code(name) for name in own) + ", or a plug-in."
    yield ""
    rows: list[tuple[str, ...]] = []
    for row in parameter_rows(choice):
        name = row[WHERE].partition(" = ")[2]
        if name in own:
            key = row["key"].rpartition(".")[2]
            cells = (row["meaning"], row["type"], row["unit"], row["default"])
            rows.append((code(name), code(key), *cells))
    headers = (choice.key, "parameter", "meaning", "type", "unit", "default")
    yield from table(headers, rows)


# -- tables --------------------------------------------------------------------------------------


def tables_page() -> list[str]:
    """The tables of a run folder and their columns."""
    lines = [
        "# Tables",
        "",
        NOTE,
        "",
        "A run folder has a folder of Parquet files for each table. In Python each is a "
        "`polars.LazyFrame`: `run.uploads`, or `run.table(name)`. "
        f"`metadata.json` names the version of the tables, `schema`; this is version {SCHEMA}. "
        "[Stability](../stability.md) says what may change.",
        "",
    ]
    for name, columns in TABLES.items():
        lines += [f"## {name}", "", f"One row per {ONE_ROW_PER[name]}.", ""]
        rows = [column_row(column) for column in columns]
        lines += table(("column", "meaning", "type", "unit", "null?"), rows)
    return lines


def column_row(column: TableColumn) -> tuple[str, ...]:
    """One column of a table."""
    meaning = column.meaning
    if column.categories:
        meaning = f"{meaning}: {', '.join(column.categories)}"
    null = "yes" if column.nullable else ""
    return code(column.name), meaning, column.kind, column.unit, null


# -- tutorials -----------------------------------------------------------------------------------


def tutorial_page(script: str) -> list[str]:
    """The cells of a percent script: text as it is, code in fences."""
    notebook = jupytext.read(SCRIPTS / f"{script}.py")
    lines = []
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            lines += [cell.source, ""]
        else:
            lines += ["```python", cell.source, "```", ""]
    source = f"`analysis/tutorials/{script}.py`"
    told = f"This page is {source}: `jupytext --to ipynb {script}.py` makes a notebook of it."
    return [lines[0], "", NOTE, "", told, *lines[1:-1]]


if __name__ == "__main__":
    main()
