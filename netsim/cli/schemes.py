"""`netsim schemes`: what can stand behind `scheme.kind`."""

from __future__ import annotations


def schemes() -> None:
    """List the schemes with their citation and parameters."""
    import dataclasses

    from netsim.cli.console import print_table
    from netsim.schemes.base import scheme_class, scheme_names

    rows = []
    for kind in scheme_names():
        found = scheme_class(kind)
        parameters = ", ".join(
            f"{f.name}={f.default} ({f.metadata.get('meaning', '')})"
            for f in dataclasses.fields(found)
            if f.init
        )
        summary = (found.__doc__ or "").strip().splitlines()[0]
        rows.append((kind, summary, found.citation, parameters or "none"))
    print_table(("scheme.kind", "what it does", "citation", "parameters"), rows)
