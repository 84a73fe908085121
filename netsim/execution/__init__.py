"""Runs from start to end, on disk and in memory.

runs        `netsim.run` and `netsim.resume`: a scheme's loop over a session, whatever interrupts it
session     `netsim.Session`: a run in its folder that is stepped round by round
listening   warnings, for logging and for the metadata
saving      what a checkpoint holds
progress_bar    a bar in a script or a notebook, on request
record      metadata.json as the run grows
forecast    a trial in memory, for `netsim validate`
"""

from netsim.execution.forecast import Forecast, forecast
from netsim.execution.record import new_record
from netsim.execution.runs import carry_out, resume, run
from netsim.execution.session import Session

__all__ = [
    "Forecast",
    "Session",
    "carry_out",
    "forecast",
    "new_record",
    "resume",
    "run",
]
