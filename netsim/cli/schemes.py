"""`netsim schemes`: what can stand behind `scheme.kind`."""

from __future__ import annotations

from typing import Any, Literal, get_args, get_origin


def schemes() -> None:
    """List the schemes, each with what it does, its citation and its parameters."""
    from netsim.cli.console import print_table
    from netsim.schemes.base import scheme_class, scheme_names

    found = {kind: scheme_class(kind) for kind in scheme_names()}
    rows: list[tuple[str, str, str]] = []
    for kind, scheme in found.items():
        rows.append((kind, "", _summary(scheme)))
        rows.append(("", "", scheme.citation))
        rows += _parameter_rows(scheme, {cls: name for name, cls in found.items()})
        rows.append(("", "", ""))
    print_table(
        ("scheme.kind, parameters", "default", "what it does, citation, meaning"), rows[:-1]
    )


def _parameter_rows(scheme: type[Any], names: dict[type[Any], str]) -> list[tuple[str, str, str]]:
    """One row per parameter; those of a scheme that this one varies are said in one."""
    from netsim.plugins import parameters

    rows: list[tuple[str, str, str]] = []
    varied: dict[type[Any], set[str]] = {}
    for p in parameters(scheme):
        if p.part in names:
            usual = {q.name: q.default for q in parameters(p.part)}
            varied.setdefault(p.part, set(usual)).discard(p.name)
            if p.default == usual[p.name]:
                continue
        choices = " | ".join(map(str, get_args(p.type))) if get_origin(p.type) is Literal else ""
        rows.append(
            (f"  {p.name}", _shown(p.default), f"{p.meaning} ({choices})" if choices else p.meaning)
        )
    for other, left_out in varied.items():
        but = f", but for {', '.join(sorted(left_out))}" if left_out else ""
        rows.append(("  ...", "", f"the parameters of {names[other]}{but}"))
    return rows


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
