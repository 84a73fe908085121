"""`netsim schemes`: what can stand behind `scheme.kind`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin

if TYPE_CHECKING:
    from netsim.plugins import Parameter

Row = tuple[str, str, str]


def schemes() -> None:
    """List the schemes, each with what it does, its citation and its parameters."""
    from netsim.cli.console import print_table
    from netsim.schemes.base import scheme_class, scheme_names

    found = {kind: scheme_class(kind) for kind in scheme_names()}
    rows: list[Row] = []
    for kind, scheme in found.items():
        rows.append((kind, "", _summary(scheme)))
        rows.append(("", "", scheme.citation))
        rows += _parameter_rows(scheme, {cls: name for name, cls in found.items()})
        rows.append(("", "", ""))
    print_table(
        ("scheme.kind, parameters", "default", "what it does, citation, meaning"), rows[:-1]
    )


def _parameter_rows(scheme: type[Any], names: dict[type[Any], str]) -> list[Row]:
    """One row per parameter; those of a scheme that this one varies are said in one."""
    from netsim.plugins import parameters

    rows: list[Row] = []
    varied: dict[type[Any], set[str]] = {}
    for parameter in parameters(scheme):
        other = parameter.part
        if other in names:
            usual = {p.name: p.default for p in parameters(other)}
            left_out = varied.setdefault(other, set(usual))
            left_out.discard(parameter.name)
            if parameter.default == usual[parameter.name]:
                continue
        rows.append((f"  {parameter.name}", _shown(parameter.default), _meaning(parameter)))
    for other, left_out in varied.items():
        but = f", but for {', '.join(sorted(left_out))}" if left_out else ""
        rows.append(("  ...", "", f"the parameters of {names[other]}{but}"))
    return rows


def _meaning(parameter: Parameter) -> str:
    if get_origin(parameter.type) is not Literal:
        return parameter.meaning
    choices = " | ".join(map(str, get_args(parameter.type)))
    return f"{parameter.meaning} ({choices})"


def _summary(scheme: type[Any]) -> str:
    return (scheme.__doc__ or "").strip().splitlines()[0]


def _shown(default: Any) -> str:
    """A default as a scenario would give it."""
    if default is ...:
        return "(required)"
    if default is None:
        return "not set"
    if isinstance(default, bool):
        return str(default).lower()
    return f"{default:g}" if isinstance(default, float) else str(default)
