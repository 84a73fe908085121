"""The protocols by which a layer uses another without importing it.

`simulation` decides who trains and when, and hands tickets to a `Learner`; it writes tables to a
`RecordSink` and reports its progress to a `Listener`. A `Scheme` declares a round; it touches
neither tensors nor the clock.

    scheme      what is observed before a round; the Scheme
    plan        what it declares for the round, and how that went
    asking      what a scheme may ask for when it plans
    backhaul    what gNBs pass to the core
    exchange    what UEs train of a module, and what goes down and up for it
    learning    tickets and their results; the Learner
    codec       the numbers of a module as bits
    masked_sums secure aggregation: what it sends, how long it takes
    compute     work of local training
    optimisation  optimisers of server and UEs
    radio       path loss, success probability, motion
    records     sinks of rows, listeners of progress, trackers
"""

from netsim.protocols.asking import Channel, Computed, LocalLoss, LocalLosses
from netsim.protocols.backhaul import Averages, Stacked, bits_to_core
from netsim.protocols.codec import Codec, Encoded, Numbers
from netsim.protocols.compute import ComputeModel, ModelShape, Training
from netsim.protocols.exchange import (
    BASE,
    HEAD,
    LORA_A,
    LORA_B,
    PARTS,
    WHOLE,
    WHOLE_MODULES,
    Exchange,
    Needs,
    PayloadSize,
    WorkShare,
    all_work,
)
from netsim.protocols.learning import (
    Aggregation,
    Evaluation,
    HeldRows,
    Learner,
    Redeemed,
    RiskProbe,
    Tail,
    Tickets,
    held_columns,
)
from netsim.protocols.masked_sums import MaskedSum, MaskedSums, SecureAggregation
from netsim.protocols.optimisation import (
    FEDERATED_AVERAGING,
    Optimisation,
    ServerSteps,
)
from netsim.protocols.plan import RoundOutcome, RoundPlan
from netsim.protocols.radio import Mobility, Motion, Pathloss, SuccessModel
from netsim.protocols.records import Columns, Listener, Progress, RecordSink, Silence, Tracker
from netsim.protocols.scheme import Observation, Scheme

__all__ = [
    "BASE",
    "FEDERATED_AVERAGING",
    "HEAD",
    "LORA_A",
    "LORA_B",
    "PARTS",
    "WHOLE",
    "WHOLE_MODULES",
    "Aggregation",
    "Averages",
    "Channel",
    "Codec",
    "Columns",
    "ComputeModel",
    "Computed",
    "Encoded",
    "Evaluation",
    "Exchange",
    "HeldRows",
    "Learner",
    "Listener",
    "LocalLoss",
    "LocalLosses",
    "MaskedSum",
    "MaskedSums",
    "Mobility",
    "ModelShape",
    "Motion",
    "Needs",
    "Numbers",
    "Observation",
    "Optimisation",
    "Pathloss",
    "PayloadSize",
    "Progress",
    "RecordSink",
    "Redeemed",
    "RiskProbe",
    "RoundOutcome",
    "RoundPlan",
    "Scheme",
    "SecureAggregation",
    "ServerSteps",
    "Silence",
    "Stacked",
    "SuccessModel",
    "Tail",
    "Tickets",
    "Tracker",
    "Training",
    "WorkShare",
    "all_work",
    "bits_to_core",
    "held_columns",
]
