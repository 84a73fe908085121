"""The link layer of a scenario: what turns bandwidth and SINR into a rate."""

from __future__ import annotations

from netsim.errors import InputError, ScenarioError
from netsim.radio.downlink import FADING_BLOCKS, Downlink
from netsim.radio.fading import BLOCKS_PER_COHERENCE_TIME, coherence_time_s
from netsim.radio.nr.access import Access
from netsim.radio.nr.adaptation import OuterLoop
from netsim.radio.nr.goodput import NrLink
from netsim.radio.nr.grid import ResourceGrid
from netsim.radio.nr.harq import Harq
from netsim.radio.nr.rate_model import NrRateModel
from netsim.radio.rate_model import RateModel
from netsim.radio.superposition import AnalogRate
from netsim.scenario.model import Scenario
from netsim.scenario.nr import Nr
from netsim.scenario.radio import Radio
from netsim.scenario.uplink import AIRCOMP
from netsim.units import from_db


def build_rate_model(scenario: Scenario) -> RateModel:
    """Capacity, a code, analog symbols, or NR. Raises ScenarioError for what NR does not have."""
    radio = scenario.radio
    if scenario.uplink.access == AIRCOMP:
        return AnalogRate()
    if radio.nr is None:
        return RateModel(radio.rate_model, from_db(radio.sinr_threshold_db))
    sampled = radio.nr.errors == "sampled"
    return NrRateModel.of(_nr_link(radio, radio.nr), sampled=sampled)


def build_access(scenario: Scenario) -> Access:
    """What uploads wait for: nothing but over NR."""
    nr = scenario.radio.nr
    if nr is None:
        return Access()
    link = _nr_link(scenario.radio, nr)
    return Access(
        grant_s=link.grid.grant_delay_s,
        round_trip_s=link.round_trip_s,
        lost=nr.target_error,
        sampled=nr.errors == "sampled",
        seed=scenario.seed,
    )


def downlink_hz(scenario: Scenario) -> float:
    """Downlink bandwidth of a gNB."""
    return scenario.downlink.bandwidth_hz or scenario.radio.bandwidth_hz


def build_downlink(scenario: Scenario) -> Downlink:
    """How modules go to the UEs. Raises ScenarioError for a channel that NR does not have."""
    chosen, radio = scenario.downlink, scenario.radio
    model = None
    if chosen.link == "faded":
        model = _downlink_model(scenario)
    return Downlink(
        bandwidth_hz=downlink_hz(scenario),
        unicast=chosen.cast == "unicast",
        model=model,
        blocks=FADING_BLOCKS if radio.fading == "block" else 1,
        seed=scenario.seed,
    )


def _downlink_model(scenario: Scenario) -> RateModel:
    """The uplink's, in the slots that it leaves to the downlink and at its known SINR."""
    radio = scenario.radio
    if radio.nr is None:
        return RateModel(radio.rate_model, from_db(radio.sinr_threshold_db))
    part = 1.0 if radio.nr.uplink_fraction == 1 else 1.0 - radio.nr.uplink_fraction
    nr = radio.nr.model_copy(update={"uplink_fraction": part})
    carrier = radio.model_copy(update={"bandwidth_hz": downlink_hz(scenario)})
    return NrRateModel.of(_nr_link(carrier, nr, "downlink.bandwidth_hz"))


def fading_block_s(radio: Radio) -> float:
    """Length of a block of constant fading: the coherence time, or a part where it is resolved."""
    coherence_s = coherence_time_s(radio.ue_speed_m_s, radio.carrier_hz)
    if radio.block_correlation == "jakes":
        return coherence_s / BLOCKS_PER_COHERENCE_TIME
    return coherence_s


def _nr_link(radio: Radio, nr: Nr, where: str = "radio.bandwidth_hz") -> NrLink:
    try:
        grid = ResourceGrid(
            bandwidth_hz=radio.bandwidth_hz,
            subcarrier_spacing_hz=1e3 * nr.subcarrier_spacing_khz,
            uplink_fraction=nr.uplink_fraction,
            dmrs_elements=nr.dmrs_elements,
            overhead_elements=nr.overhead_elements,
            grant_delay_slots=nr.grant_delay_slots,
        )
    except InputError as error:
        key = f"scenario: {where}"
        raise ScenarioError(error.rule, where=key, value=error.value) from None
    return NrLink(
        grid=grid,
        mcs_table=nr.mcs_table,
        harq=Harq(
            combining=nr.harq,
            transmissions=nr.transmissions,
            round_trip_slots=nr.round_trip_slots,
        ),
        outer_loop=OuterLoop(target=nr.target_error, step_up_db=nr.outer_step_db),
        margin_db=nr.margin_db,
        csi_delay_s=nr.csi_delay_s,
    )
