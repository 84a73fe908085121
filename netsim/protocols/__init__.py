"""The protocols by which a layer uses another without importing it.

`simulation` decides who trains and when, and hands tickets to a `Learner`; it writes tables to a
`RecordSink` and reports its progress to a `Listener`. A `Scheme` declares a round; it touches
neither tensors nor the clock.

    scheme      observation, plan and outcome of a round; the Scheme
    learning    tickets and their results; the Learner
    compute     work of local training
    radio       path loss, success probability, motion
    records     sinks of rows, listeners of progress
"""

from netsim.protocols.compute import ComputeModel, ModelShape, Training
from netsim.protocols.learning import (
    Evaluation,
    HeldRows,
    Learner,
    Redeemed,
    RiskProbe,
    Tail,
    Tickets,
    held_columns,
)
from netsim.protocols.radio import Mobility, Motion, Pathloss, SuccessModel
from netsim.protocols.records import Columns, Listener, Progress, RecordSink, Silence
from netsim.protocols.scheme import (
    Channel,
    Computed,
    ModuleGap,
    Observation,
    PayloadSize,
    RoundOutcome,
    RoundPlan,
    Scheme,
)

__all__ = [
    "Channel",
    "Columns",
    "ComputeModel",
    "Computed",
    "Evaluation",
    "HeldRows",
    "Learner",
    "Listener",
    "Mobility",
    "ModelShape",
    "ModuleGap",
    "Motion",
    "Observation",
    "Pathloss",
    "PayloadSize",
    "Progress",
    "RecordSink",
    "Redeemed",
    "RiskProbe",
    "RoundOutcome",
    "RoundPlan",
    "Scheme",
    "Silence",
    "SuccessModel",
    "Tail",
    "Tickets",
    "Training",
    "held_columns",
]
