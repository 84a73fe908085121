"""`netsim live`: watch a run in progress in a browser."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def live(
    run_dir: Annotated[Path, typer.Argument(help="Run folder, of a run in progress or over.")],
    port: Annotated[int, typer.Option(help="Port of the loopback; 0: a free one.")] = 0,
) -> None:
    """Serve a run's report to this machine's browsers; it follows the run as its tables grow."""
    import sys
    from contextlib import suppress

    from netsim.reports.live import LiveServer

    server = LiveServer(run_dir, port)
    sys.stdout.write(f"{server.address}\n")
    sys.stdout.flush()
    sys.stderr.write(
        "only for this machine; from elsewhere: "
        f"ssh -L {server.server_port}:127.0.0.1:{server.server_port} HOST, then the same address. "
        "Ctrl-C ends it.\n"
    )
    with suppress(KeyboardInterrupt), server:
        server.serve_forever()
