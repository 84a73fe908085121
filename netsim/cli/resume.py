"""`netsim resume`: go on with a run that was interrupted, killed, or has failed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from netsim.cli.run import Live, LogNames, carry_out


def resume(
    run_dir: Annotated[Path, typer.Argument(help="Run folder, as `netsim run` left it.")],
    log: LogNames = None,
    live: Live = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print only the run folder.")] = False,
) -> None:
    """Go on with a run from its last checkpoint; a finished run is left as it is."""
    import sys

    from netsim.execution import resume as resume_run
    from netsim.reports.live_process import served
    from netsim.results.run_folder import SCENARIO, RunFolder
    from netsim.scenario.load import load_scenario

    if RunFolder.open(run_dir).status == "done":
        resume_run(run_dir)
        sys.stdout.write(f"{run_dir}\n" if quiet else f"{run_dir} is finished: nothing to do\n")
        return
    rounds = load_scenario(run_dir / SCENARIO).rounds
    with served(run_dir, wanted=live):
        carry_out(
            lambda listener: resume_run(run_dir, listener, log=log),
            rounds,
            quiet,
        )
