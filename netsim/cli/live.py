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
    port = server.server_port
    with suppress(KeyboardInterrupt), server:
        sys.stderr.write(
            f"only for this machine; from elsewhere: ssh -L {port}:127.0.0.1:{port} HOST, then the "
            "same address. Ctrl-C ends it.\n"
        )
        sys.stdout.write(f"{server.address}\n")
        sys.stdout.flush()
        server.serve_forever()
