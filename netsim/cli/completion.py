"""What the shell offers after `--set` and `--over`: the keys of a scenario."""

from __future__ import annotations


def scenario_keys(incomplete: str) -> list[str]:
    """Dotted keys that begin so, each with its `=`."""
    from netsim.scenario.schema import schema_rows

    plain = [row["key"] for row in schema_rows() if "[]" not in row["key"]]
    return [f"{key}=" for key in plain if key.startswith(incomplete)]
