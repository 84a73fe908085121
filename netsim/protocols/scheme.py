"""What a scheme sees of a round, and what it is."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

from netsim.protocols.asking import Channel, Computed, LocalLoss
from netsim.protocols.compute import Training
from netsim.protocols.exchange import PayloadSize
from netsim.protocols.learning import Tail
from netsim.protocols.optimisation import FEDERATED_AVERAGING, Optimisation
from netsim.protocols.plan import RoundOutcome, RoundPlan
from netsim.protocols.radio import SuccessModel
from netsim.units import BoolArray, FloatArray, IntArray


@dataclass(frozen=True)
class Observation:
    """What a scheme may know when it plans round `round`: facts stamped before its start.

    K UEs, those of all gNBs that learn; N modules. Channel knowledge is large-scale: mean fading,
    mean interference. Where all cells are simulated, the expected interference of the other cells
    grows with the band: it is part of the noise density, and `interference_w` is 0. Quantities are
    linear and in SI units.

    Attributes:
        round: the round to plan: 1, 2, ...
        start_s: simulated time at which it starts, s.
        seed: of the run; draws of a scheme use `netsim.rng.stream(seed, name, round)`.
        gnb: serving gNB. [K]
        available: present, idle, and with band to be had: a plan schedules no others. [K]
        free_share: part of its gNB's band that uploads under way leave to the plan, 0 to 1. [K]
        distance_m: to the serving gNB, m. [K]
        signal_gain: mean channel gain to the serving gNB, linear. [K]
        interference_w: mean interference at the serving gNB, of a partner on its band too, W. [K]
        noise_psd_w_hz: noise power density at the serving gNB, W/Hz. [K]
        compute_energy_j: energy of training one module in the round, J. [K]
        samples: D_k, samples per round. [K]
        payload_bits: size of an upload of each module at its own rank, bit. [N]
        payload_of: sizes at other ranks: `payload_of(module, rank)`, bit. [M]
        unencoded_of: the same before uploads are encoded; None: uploads are not.
        bandwidth_hz: of each gNB, Hz.
        sinr_threshold: SINR below which an upload fails, linear.
        rate_model: shannon, threshold, nr, or analog: uploads of a module add up on the air.
        min_power_w: lowest transmit power, W.
        max_power_w: highest transmit power of a UE, P_max, W.
        deadline_s: length of a round, s.
        rounds: the run has at most so many, T.
        formulas: corrected or paper.
        interferers_follow: interferers send with the power of the UE that they disturb.
        local_loss: `local_loss(ue)`: losses of the modules at UEs, nats [M, N]; None: not learnt.
        success: success probability of uploads, eq. (15): `success.probability(...)`.
        label_counts: rows of each of C classes that each UE holds. [K, C]
        barrier: the uploads of a gNB start together, when its last UE has computed.
        computed: `computed(ue, module, rank)` tells when UEs of a plan would be ready to send, s.
        channel: `channel()` tells gains and interference as they will be.
        previous: how the round before went; None in round 1.
        rate_factor: rates are planned as rate_factor W delta log2(1 + SINR / sinr_gap).
        sinr_gap: see `rate_factor`; both are 1 at capacity.
        training: the local training, as models of computing are told of it; None: not known.
        sent_power_w: that power control will set in equal shares, W [K]; None: the plan's.
    """

    round: int
    start_s: float
    seed: int
    gnb: IntArray
    available: BoolArray
    free_share: FloatArray
    distance_m: FloatArray
    signal_gain: FloatArray
    interference_w: FloatArray
    noise_psd_w_hz: FloatArray
    compute_energy_j: FloatArray
    samples: IntArray
    payload_bits: FloatArray
    payload_of: PayloadSize
    bandwidth_hz: float
    sinr_threshold: float
    rate_model: str
    min_power_w: float
    max_power_w: float
    deadline_s: float
    rounds: int
    formulas: str
    interferers_follow: bool
    local_loss: LocalLoss | None
    success: SuccessModel
    label_counts: IntArray
    barrier: bool
    computed: Computed
    channel: Channel
    previous: RoundOutcome | None
    rate_factor: float = 1.0
    sinr_gap: float = 1.0
    sent_power_w: FloatArray | None = None
    unencoded_of: PayloadSize | None = None
    training: Training | None = None


class Scheme(Protocol):
    """Who subscribes to what, with which power and bandwidth. One file per scheme.

    A scheme that subclasses this needs only its name, its citation and `plan`.
    """

    name: ClassVar[str]  # as registered
    citation: ClassVar[str]  # where it was published

    @property
    def asynchronous(self) -> bool:
        """Nobody waits: no barrier, and uploads may outlast their rounds, whatever is set."""
        return False

    @property
    def needs_learning(self) -> bool:
        """Plans depend on training, so that a network-only run cannot use the scheme."""
        return False

    @property
    def needs_head(self) -> bool:
        """It is about the classification head, which learning.train_head must not freeze."""
        return False

    @property
    def outdates_uploads(self) -> str | None:
        """What it does ("change ...") after which older uploads are of no use; None: nothing."""
        return None

    @property
    def outdates_memories(self) -> str | None:
        """What it does after which numbers that UEs still owe are of no use; None: nothing."""
        return self.outdates_uploads

    @property
    def sends_more(self) -> str | None:
        """What tells of its data besides the change of a module and sizes; None: nothing."""
        return None

    @property
    def exact_downloads(self) -> bool:
        """UEs must have what comes down as it is: frozen weights change by it, say."""
        return False

    @property
    def reckons_rates(self) -> bool:
        """It chooses by the rates of parts of the band that UEs would have for themselves."""
        return False

    @property
    def tail(self) -> Tail | None:
        """How local training presses the last ranks towards zero; None: it does not."""
        return None

    @property
    def unit_rows(self) -> bool:
        """Rows of A start as unit vectors: B is then a part of the columns of the weights."""
        return False

    @property
    def averages(self) -> bool:
        """Its modules are averages of what arrives, so that optimisers can step along them."""
        return True

    @property
    def optimisation(self) -> Optimisation:
        """Optimisers of its own; those of the scenario's [learning] are for schemes without."""
        return FEDERATED_AVERAGING

    def ranks(self, configured: Sequence[int]) -> tuple[int, ...]:
        """Ranks of the adapters that the scheme works with, from those the scenario configures."""
        return tuple(configured)

    @abstractmethod
    def plan(self, observation: Observation) -> RoundPlan:
        """The next round: a function of `observation` and of the scheme's own state."""
        ...

    def state(self) -> dict[str, Any]:
        """All that `plan` remembers between rounds, as arrays and JSON values; none by default."""
        return {}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Put back what `state` gave."""
