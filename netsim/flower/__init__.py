"""Flower apps on the radio clock (extra `flower`, flwr 1.42 or newer).

    netsim flower APP --scenario quickstart          # a folder with tool.flwr.app
    run = netsim.flower.run(server_app, client_app, "quickstart")

An unmodified ServerApp sends its messages through a `Grid` over a simulated network, and an
unmodified ClientApp answers them. Node ids are UEs. What is sent at once is one round of the run:
each content is broadcast to those who are to hear it, UEs compute, and replies are uploaded in the
shares and at the powers of the scenario. A reply arrives when its upload does, or not at all;
`timeout` is simulated time. The run folder is that of any run, and so are report and sweep.

apps        a ServerApp and a ClientApp, from a folder or from Python
clients     executes ClientApps, and knows how large their replies are
exchange    messages to a round of the simulation, and back
grid        what the ServerApp sees
measures    losses and accuracies that the app reports, as evaluations of the run
driver      a run from beginning to end
"""

from __future__ import annotations

from netsim.errors import InputError

try:
    import flwr as _flwr  # noqa: F401
except ImportError:
    raise InputError(
        "Flower apps need flwr: pip install 'netsim-fedlora[flower]'", where="netsim.flower"
    ) from None

from netsim.flower.driver import run

__all__ = ["run"]
