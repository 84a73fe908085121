"""netsim: a discrete-event simulator of federated LoRA fine-tuning over wireless networks.

    run = netsim.run("quickstart", {"rounds": 5}, out="runs/first")
    run.uploads.group_by("outcome").len().collect()
    netsim.report(run)

    study = netsim.sweep("quickstart", {"topology.density_per_km2": [1, 2]}, range(8))
    study.differences("upload_p50_s")
    netsim.plot(study, "response", "density.svg")

Names are imported on first use: `import netsim` loads no other file, so that the command line is
soon where it can be interrupted with a word.
"""

import os

# Before NumPy is imported: huge pages for its large arrays, which it asks for, take longer to come
# by than they save (netsim/docs/performance.md).
os.environ.setdefault("NUMPY_MADVISE_HUGEPAGE", "0")

TYPE_CHECKING = False  # as type checkers know it
if TYPE_CHECKING:
    from typing import Any

    from netsim.allocation.bandwidth import Allocation, allocate_bandwidth
    from netsim.allocation.subscription import solve_subscription
    from netsim.errors import (
        DataError,
        InputError,
        NetsimError,
        OutputError,
        RunError,
        ScenarioError,
    )
    from netsim.execution import Session, resume, run
    from netsim.plugins import parameter, part
    from netsim.protocols import (
        Codec,
        Learner,
        Observation,
        RoundOutcome,
        RoundPlan,
        Scheme,
        Tracker,
    )
    from netsim.reports.export import export
    from netsim.reports.plots import plot
    from netsim.reports.report import report
    from netsim.results.reader import Run, open_run
    from netsim.results.sweep import Sweep, open_sweep
    from netsim.scenario.load import load_scenario
    from netsim.scenario.model import Scenario
    from netsim.schemes.radio import SharedBand
    from netsim.sweeps.study import sweep
    from netsim.version import __version__

_HOME = {
    "Allocation": "netsim.allocation.bandwidth",
    "allocate_bandwidth": "netsim.allocation.bandwidth",
    "solve_subscription": "netsim.allocation.subscription",
    "DataError": "netsim.errors",
    "InputError": "netsim.errors",
    "NetsimError": "netsim.errors",
    "OutputError": "netsim.errors",
    "RunError": "netsim.errors",
    "ScenarioError": "netsim.errors",
    "Session": "netsim.execution",
    "resume": "netsim.execution",
    "run": "netsim.execution",
    "parameter": "netsim.plugins",
    "part": "netsim.plugins",
    "Codec": "netsim.protocols",
    "Learner": "netsim.protocols",
    "Observation": "netsim.protocols",
    "RoundOutcome": "netsim.protocols",
    "RoundPlan": "netsim.protocols",
    "Scheme": "netsim.protocols",
    "Tracker": "netsim.protocols",
    "export": "netsim.reports.export",
    "plot": "netsim.reports.plots",
    "report": "netsim.reports.report",
    "Run": "netsim.results.reader",
    "open_run": "netsim.results.reader",
    "Sweep": "netsim.results.sweep",
    "open_sweep": "netsim.results.sweep",
    "load_scenario": "netsim.scenario.load",
    "Scenario": "netsim.scenario.model",
    "SharedBand": "netsim.schemes.radio",
    "sweep": "netsim.sweeps.study",
    "__version__": "netsim.version",
}

__all__ = [
    "Allocation",
    "Codec",
    "DataError",
    "InputError",
    "Learner",
    "NetsimError",
    "Observation",
    "OutputError",
    "RoundOutcome",
    "RoundPlan",
    "Run",
    "RunError",
    "Scenario",
    "ScenarioError",
    "Scheme",
    "Session",
    "SharedBand",
    "Sweep",
    "Tracker",
    "__version__",
    "allocate_bandwidth",
    "export",
    "load_scenario",
    "open_run",
    "open_sweep",
    "parameter",
    "part",
    "plot",
    "report",
    "resume",
    "run",
    "solve_subscription",
    "sweep",
]


def __getattr__(name: str) -> "Any":
    if name not in _HOME:
        raise AttributeError(f"module 'netsim' has no attribute {name!r}")
    from importlib import import_module

    module = import_module(_HOME[name])
    return module.__dict__[name]


def __dir__() -> list[str]:
    return __all__
