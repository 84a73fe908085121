"""The tables of a run folder: one source for Parquet, for the documentation and for the checks.

Rows travel as columns: NumPy arrays (or lists, or one scalar for all rows), never one object per
row. In an array, NaN (floats) and -1 (integers of nullable columns and enumerations) stand for
null.

An upload that is carried over (late_uploads = stale) is accounted for in one round only: the one in
which it ends, by the time that its gNB stops collecting uploads. `round` of its rows is that round,
in `uploads` and for all of its spans and their energy, computing included; `begun` is the round
whose plan it is of and whose samples it trained on. It is on_time if it arrived. Only
`subscriptions` and the foundation model's broadcast stay in the round they were in. So at each gNB

    subscribed(t) + carried(t - 1) = outcomes(t) + carried(t).
"""

from __future__ import annotations

from netsim.table_columns import TableColumn
from netsim.table_columns import bool_column as _bool
from netsim.table_columns import enum_column as _enum
from netsim.table_columns import float_column as _float
from netsim.table_columns import int_column as _int

SPAN_KINDS = (
    "broadcast",
    "compute",
    "wait",
    "uplink",
    "backhaul",
    "aggregate",
    "evaluate",
    "handover",
    "idle",
)
ACTIVITIES = ("idle", "download", "compute", "wait", "uplink")
OUTCOMES = ("on_time", "late", "outage", "aborted")
ON_TIME, LATE, OUTAGE, ABORTED = range(4)
BROADCAST, COMPUTE, WAIT, UPLINK, BACKHAUL, AGGREGATE, EVALUATE, HANDOVER, IDLE = range(9)


SCHEMA = 1
"""Version of the tables, in metadata.json: it grows when a column changes its meaning or goes."""

_ROUND = _int("round", "round number; 0 is what happens before training")
_UE = _int("ue", "UE index")
_GNB = _int("gnb", "gNB (site) index")
_MODULE = _int("module", "which of the N adapters")

TABLES: dict[str, tuple[TableColumn, ...]] = {
    "spans": (
        _ROUND,
        _int("ue", "UE index; null for the gNB's own activities", nullable=True),
        _GNB,
        _int("module", "which of the N adapters; null where it is about none", nullable=True),
        _enum("kind", SPAN_KINDS, "activity"),
        _float("start_s", "s", "start in simulated time"),
        _float("end_s", "s", "end in simulated time"),
        _float("bandwidth_hz", "Hz", "band held, uplink only", nullable=True),
        _float("bits", "bit", "bits carried", nullable=True),
        _float("cycles", "cycle", "processor cycles done, compute only", nullable=True),
        _float("energy_j", "J", "energy the UE spent"),
        _enum(
            "outcome",
            OUTCOMES,
            "how it ended; compute: aborted if not ready in time",
            nullable=True,
        ),
        _int("attempt", "transmission attempt, 1 is the first", nullable=True),
        _float("train_loss", "nat", "mean training loss at the downloaded module", nullable=True),
        _float(
            "gradient_norm", "1", "L2 norm of the gradient at the downloaded module", nullable=True
        ),
    ),
    "uploads": (
        _ROUND,
        _int("begun", "round whose plan it is of; an earlier one where it was carried over"),
        _UE,
        _GNB,
        _MODULE,
        _float("payload_bits", "bit", "size of the update"),
        _int("rank", "ranks sent, where UEs have ranks of their own", nullable=True),
        _bool(
            "payload_emulated",
            "payload_bits was set by hand or scaled: it is not the size of what is sent",
        ),
        _float("bandwidth_hz", "Hz", "band allotted"),
        _float("power_w", "W", "transmit power"),
        _float("drawn_w", "W", "power drawn while sending: amplifier and circuits"),
        _float("distance_m", "m", "distance to the serving gNB"),
        _float(
            "sinr_db",
            "dB",
            "at the start; block fading: airtime mean; where all cells send: signal over mean "
            "interference and noise of the airtime",
            nullable=True,
        ),
        _float("rate_bps", "bit/s", "mean rate over the airtime"),
        _float("bits_sent", "bit", "bits carried, useful or not; aircomp: of the tensors"),
        _int("attempts", "transmissions made"),
        _float("start_s", "s", "start of the transmission"),
        _float("end_s", "s", "end of the transmission"),
        _float("deadline_s", "s", "deadline of `round`"),
        _float(
            "download_s",
            "s",
            "from the start of `begun` at the gNB to the end of the UE's download",
        ),
        _float("compute_s", "s", "computing, of all modules of the UE"),
        _float("wait_s", "s", "waiting for the grant"),
        _float("airtime_s", "s", "from the start to the end of the transmission"),
        _float("retransmit_s", "s", "part of the airtime after the first attempt"),
        _float("backhaul_s", "s", "of the gNB's aggregate to the core"),
        _int("staleness", "versions between download and aggregation"),
        _float("energy_j", "J", "energy of the transmission"),
        _enum("outcome", OUTCOMES, "how it ended"),
        _bool("truncated", "aircomp: silent, as its channel cannot be inverted within its power"),
        _float("noise", "1", "aircomp: deviation on each number of sum D_k u_k", nullable=True),
    ),
    "rounds": (
        _ROUND,
        _GNB,
        _float("start_s", "s", "start of the round at the gNB"),
        _float("deadline_s", "s", "aggregation deadline"),
        _float("end_s", "s", "end at the gNB, its aggregation included"),
        _int("subscribed", "(UE, module) pairs the plan subscribed"),
        _int("on_time", "uploads that counted"),
        _int("late", "uploads cut by the deadline, or by the end of the last round"),
        _int("outage", "uploads below the SINR threshold, or truncated"),
        _int("truncated", "of these, UEs that were silent (aircomp)"),
        _int("aborted", "uploads broken off (handover, departure)"),
        _int("not_ready", "pairs whose computing was not done in time: no upload"),
        _int("carried", "pairs under way at the end, which go on into the next round"),
        _float("compute_energy_j", "J", "computing, all UEs"),
        _float("uplink_energy_j", "J", "transmitting, all UEs"),
        _float("receive_energy_j", "J", "receiving the gNB's broadcasts, all UEs"),
        _float("wait_energy_j", "J", "waiting for the grant, awake and asleep, all UEs"),
        _float("idle_energy_j", "J", "the rest of the round, all UEs that are there"),
        _float("gnb_energy_j", "J", "of the gNB; null if not accounted for", nullable=True),
        _int("empty_batteries", "UEs whose battery is empty at the end"),
        _float("wasted_energy_j", "J", "of all but idling, what was spent on what did not count"),
        _float("payload_bits", "bit", "sum over the uploads begun"),
        _float("delivered_bits", "bit", "sum over the uploads that counted"),
        _int(
            "dead_ranks",
            "ranks of the modules that are zero for good, where UEs have ranks of their own",
            nullable=True,
        ),
        _bool("payload_emulated", "sizes were set by hand or scaled, as in `uploads`"),
        _float(
            "epsilon",
            "1",
            "privacy spent so far, of the UE that has spent most, at privacy.delta; null without "
            "privacy, and where nothing has arrived",
            nullable=True,
        ),
    ),
    "evaluations": (
        _ROUND,
        _float("time_s", "s", "simulated time"),
        _float("energy_j", "J", "energy spent so far on what is in the books"),
        TableColumn(
            "target",
            "str",
            "",
            "module index, ensemble (eq. 3), averaged_logits, or best (of a UE)",
        ),
        _int("ue", "whose test split; null is the common one", nullable=True),
        TableColumn("split", "str", "", "validation or test"),
        _float("loss", "nat", "cross-entropy; ensemble: mean of modules; of an app", nullable=True),
        _float("accuracy", "1", "share of right answers; ensemble: mean softmax", nullable=True),
        _int("samples", "rows measured"),
    ),
    "subscriptions": (
        _ROUND,
        _UE,
        _MODULE,
        _bool("subscribed", "beta of eq. 1"),
        _float("fraction", "1", "subscription before rounding", nullable=True),
        _float("success_probability", "1", "lambda of eq. 15", nullable=True),
        _float("dual", "1", "dual variable of the participation constraint (7d)", nullable=True),
    ),
    "ues": (
        _UE,
        TableColumn(
            "name", "str", "", "of the vehicle or node in the replayed trace", nullable=True
        ),
        TableColumn("class", "str", "", "device class"),
        _float("cpu_hz", "Hz", "clock rate"),
        _float("energy_coefficient", "J s^2/cycle^3", "rho: energy per cycle is rho f^2"),
        _int("samples", "samples used per round, D_k"),
        _int("local_samples", "rows the UE holds"),
        TableColumn("label_histogram", "list", "", "rows held, per class as the UE takes it"),
        TableColumn("domain_histogram", "list", "", "rows held, per domain", nullable=True),
        TableColumn("data_group", "str", "", "of a natural partition", nullable=True),
        _int("concept", "group of UEs to whom labels mean the same", nullable=True),
        _int("distinct_samples", "different rows the UE holds", nullable=True),
        _int("shared_samples", "of these, rows that another UE holds too", nullable=True),
        _float("x_m", "m", "initial position; null while absent", nullable=True),
        _float("y_m", "m", "initial position; null while absent", nullable=True),
        _int("gnb", "serving gNB; null while absent", nullable=True),
        _float("distance_m", "m", "to the serving gNB; null while absent", nullable=True),
        _float(
            "gain_db",
            "dB",
            "mean channel gain to the serving gNB; null while absent",
            nullable=True,
        ),
    ),
    "sites": (
        _int("gnb", "gNB (site) index"),
        _float("x_m", "m", "position"),
        _float("y_m", "m", "position"),
        _bool("core", "where the modules are merged"),
    ),
    "pairs": (
        _ROUND,
        _GNB,
        _int("first", "UE that is received stronger on average, and decoded first"),
        _int("second", "UE on the same band, decoded once the first is subtracted"),
        _float("share", "1", "of the gNB's band, which both use"),
        _float("first_gain_db", "dB", "mean channel gain of the first"),
        _float("second_gain_db", "dB", "of the second"),
    ),
    "masked_sums": (
        _ROUND,
        _GNB,
        _MODULE,
        _int("members", "UEs whose uploads were planned to go into the sum, n"),
        _int("partners", "UEs with which each of them shares masks, k"),
        _int("needed", "of those who hold shares of a UE's secrets, who must have arrived, t"),
        _int("arrived", "members whose masked numbers have arrived"),
        _int("numbers", "that each member sends, d"),
        _float("number_bits", "bit", "of a masked number: of its code, and room for the sum"),
        _int("room_bits", "part of `number_bits` that is room for the sum"),
        _float("key_up_bits", "bit", "of a member's keys and shares, which go before the numbers"),
        _float("down_bits", "bit", "to a member: keys and shares of its partners, in its download"),
        _float("answer_bits", "bit", "of a member that has arrived: shares that unmask the sum"),
        _float("unmasking_s", "s", "from the end of the collection to the last answer"),
        _bool("unmasked", "the sum was formed; else its uploads are lost"),
    ),
    "handovers": (
        _float("time_s", "s", "when"),
        _UE,
        _int("from_gnb", "old serving gNB"),
        _int("to_gnb", "new serving gNB"),
        TableColumn("during", "str", "", "activity it broke into: " + ", ".join(ACTIVITIES)),
        _float("bits_lost", "bit", "sent bits that no longer count"),
    ),
    "mobility": (
        _float("time_s", "s", "simulated time of the sample"),
        _UE,
        _float("x_m", "m", "position"),
        _float("y_m", "m", "position"),
        _int("gnb", "serving gNB"),
    ),
    "channel": (
        _float("time_s", "s", "holds from then to the next sample of its link and attempt"),
        _UE,
        _GNB,
        _int("attempt", "transmission attempt that met it, 1 is the first"),
        _float("gain", "1", "channel gain, fading included, linear"),
        _float(
            "interference_w",
            "W",
            "heard in the whole band; null where all cells send",
            nullable=True,
        ),
    ),
    "risk": (
        _ROUND,
        _float("measured_gap", "nat", "risk gap (5) after the round, on the UEs' own test sets"),
        _float(
            "bound", "nat", "bound (6) from the losses before, default constants", nullable=True
        ),
        _float(
            "convergence", "nat", "term of `bound`: what is left of the gap before", nullable=True
        ),
        _float(
            "unreliability", "nat", "term of `bound`: updates that may not arrive", nullable=True
        ),
        _float("heterogeneity", "nat", "term of `bound`: one task for all UEs", nullable=True),
        _float("foundation", "nat", "term of `bound`: foundation, if printed", nullable=True),
        _float(
            "missing", "1", "weight of the data that may not arrive, mean of S_n", nullable=True
        ),
        _float("contraction", "1", "mean of A_n, default constants", nullable=True),
        _float("floor", "nat", "mean of B_n, default constants", nullable=True),
        _float("bound_estimated", "nat", "bound (6) with the estimated constants", nullable=True),
        _float("smoothness", "1", "eps estimated from the rounds before", nullable=True),
        _float("convexity", "1", "xi estimated from the rounds before, at most eps", nullable=True),
        _float("dispersion", "1", "zeta_1 estimated from the rounds before", nullable=True),
        _float("dispersion_slope", "1", "zeta_2, fixed"),
    ),
}
