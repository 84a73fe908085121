"""`netsim report`: one HTML file with data, style and script inside, which loads nothing else.

Everything that comes from a scenario, a trace or a table is data: it travels as JSON in which "<"
is escaped, and the page's script shows it as text only. A content security policy lets the browser
run the two scripts whose hashes it names and load nothing else.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import os
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from string import Template
from typing import Any

from netsim.errors import DataError
from netsim.records import OUTCOMES, SPAN_KINDS
from netsim.reports import sections
from netsim.reports.columns import PageBudget
from netsim.reports.comparison import comparison, labels
from netsim.reports.folders import export_file
from netsim.reports.ground import ground
from netsim.reports.held_data import held_data, own_rows
from netsim.reports.module_ranks import module_ranks
from netsim.reports.timeline import timeline
from netsim.reports.ue_tracks import STATES
from netsim.results.damage import naming_damage
from netsim.results.digest import digest, truncated_uploads
from netsim.results.masking import masking
from netsim.results.metrics import TARGET_ACCURACY
from netsim.results.pairing import pairing
from netsim.results.plain_files import read_text
from netsim.results.reader import Run
from netsim.results.run_folder import SCENARIO

SCRIPTS = (
    "core",
    "learning",
    "timeline",
    "costs",
    "ground",
    "people",
    "data",
    "comparison",
    "start",
)
RUNS = 12  # more colours are not told apart; a sweep has its own summaries


def write_report(
    runs: Sequence[Run],
    out: str | Path,
    budget: PageBudget | None = None,
    accuracy: float = TARGET_ACCURACY,
) -> Path:
    """Write the page of one run, or of several compared with the first.

    Raises DataError if there are too many runs, OutputError if `out` cannot be written.
    """
    if not 1 <= len(runs) <= RUNS:
        raise DataError(
            f"a report compares 1 to {RUNS} runs",
            where="netsim report",
            value=len(runs),
        )
    text = page(" / ".join(labels(runs)), page_data(runs, budget, accuracy))
    path = Path(out)
    with export_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
    return path


def page_data(
    runs: Sequence[Run],
    budget: PageBudget | None = None,
    accuracy: float = TARGET_ACCURACY,
) -> dict[str, Any]:
    """All that the page knows. Raises DataError, naming the file, if a table is damaged."""
    share = (budget or PageBudget()).shared_by(len(runs))
    names = labels(runs)
    with naming_damage(*runs):
        return {
            "kinds": SPAN_KINDS,
            "outcomes": OUTCOMES,
            "states": STATES,
            "runs": _runs_data(runs, names, share),
            "comparison": comparison(runs, names, accuracy) if len(runs) > 1 else None,
        }


def _runs_data(
    runs: Sequence[Run],
    names: Sequence[str],
    budget: PageBudget,
) -> list[dict[str, Any]]:
    """Everything the page knows of each run; all with bins of the same width."""
    farthest_m = max(sections.farthest_upload_m(run) for run in runs)
    labelled = zip(runs, names, strict=True)
    return [run_data(run, name, budget, farthest_m) for run, name in labelled]


def run_data(
    run: Run,
    label: str,
    budget: PageBudget,
    farthest_m: float,
) -> dict[str, Any]:
    """Everything the page knows of one run."""
    return {
        "label": label,
        "folder": run.path.name,
        "metadata": run.metadata,
        "scenario": _scenario_text(run),
        "digest": digest(run),
        "masking": masking(run),
        "pairing": pairing(run),
        "truncated": truncated_uploads(run),
        "ranks": module_ranks(run),
        "learning": sections.learning(run),
        "rounds": sections.rounds(run, budget),
        "ues": sections.ues(run, budget),
        "held_up": sections.who_held_up(run),
        "finish": sections.finish(run),
        "distance": sections.distance(run, farthest_m),
        "subscriptions": sections.subscriptions(run, budget),
        "movement": sections.movement(run),
        "gnbs": sections.cells(run),
        "data": held_data(run, budget),
        "own_rows": own_rows(run, budget),
        "timeline": timeline(run, budget),
        "ground": ground(run, budget),
    }


def _scenario_text(run: Run) -> str:
    path = run.path / SCENARIO
    return read_text(path) if os.path.lexists(path) else ""


def page(
    title: str,
    data: dict[str, Any],
    scripts: Sequence[str] = SCRIPTS,
    *,
    connects: bool = False,
) -> str:
    """The HTML text of `data`, shown by `scripts`; `connects`: to the server that it came from."""
    plotly = _inline(_plotly())
    script = _inline(_script(scripts))
    hashes = f"{_hash(plotly)} {_hash(script)}"
    policy = [
        "default-src 'none'",
        "img-src data: blob:",
        "style-src 'unsafe-inline'",
        f"script-src {hashes}",
    ]
    if connects:
        policy.append("connect-src 'self'")
    return Template(_page_file("page.html")).substitute(
        title=html.escape(title),
        style=_page_file("page.css"),
        data=json_in_html(data),
        plotly=plotly,
        plotly_license=_page_file("plotly-LICENSE.txt"),
        script=script,
        policy="; ".join(policy),
    )


def json_in_html(data: Any) -> str:
    """JSON that no HTML parser can leave: no "<", ">" or "&" in it. Raises DataError."""
    try:
        text = json.dumps(
            data,
            separators=(",", ":"),
            allow_nan=False,
        )
    except ValueError:
        raise DataError("a page cannot show numbers that are infinite or none") from None
    return text.replace("&", r"\u0026").replace("<", r"\u003c").replace(">", r"\u003e")


def _hash(script: str) -> str:
    digest = hashlib.sha256(script.encode()).digest()
    encoded = base64.b64encode(digest).decode()
    return f"'sha256-{encoded}'"


def _inline(script: str) -> str:
    """JavaScript that cannot end its <script> element early."""
    return script.replace("</script", r"<\/script").replace("<!--", r"<\!--")


def _page_file(name: str) -> str:
    path = files("netsim.reports") / "page" / name
    return path.read_text(encoding="utf-8")


def _script(names: Sequence[str]) -> str:
    parts = [_page_file(f"{name}.js") for name in names]
    body = "\n".join(parts)
    return f"'use strict';\n(() => {{\n{body}\n}})();\n"


@cache
def _plotly() -> str:
    """plotly.js as the package brings it, without importing the package."""
    spec = find_spec("plotly")
    assert spec is not None  # a dependency of netsim
    assert spec.origin is not None
    path = Path(spec.origin).parent / "package_data" / "plotly.min.js"
    return path.read_text(encoding="utf-8")
