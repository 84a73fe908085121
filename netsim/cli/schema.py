"""Every key of a scenario, and the parameters of what a key chooses by name."""

from __future__ import annotations

from dataclasses import MISSING, fields

from netsim.cli.console import print_table
from netsim.plugins import plugin_class, plugin_names
from netsim.scenario.schema import schema_rows

HEADERS = ("key", "type", "unit", "default", "equation", "meaning")
CHOSEN_BY_NAME = {  # entry-point group: section and the key that chooses
    "netsim.pathloss": ("radio.pathloss", "kind"),
    "netsim.compute": ("compute", "model"),
}


def print_schema() -> None:
    """The keys, then the parameters of plug-ins; those of schemes are in `netsim schemes`."""
    rows = [[row[header] for header in HEADERS] for row in schema_rows()]
    print_table(HEADERS, rows)
    print_table(("key", "type", "default", "where"), _plugin_rows())


def _plugin_rows() -> list[tuple[str, str, str, str]]:
    rows = []
    for group, (section, key) in CHOSEN_BY_NAME.items():
        for name in plugin_names(group):
            for item in fields(plugin_class(group, name, section)):
                default = "" if item.default is MISSING else str(item.default)
                where = f"{section}.{key} = {name}"
                rows.append((f"{section}.{item.name}", str(item.type), default, where))
    return rows
