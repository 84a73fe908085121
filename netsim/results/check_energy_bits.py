"""Energy and bits: recomputed from power, cycles and rates, and summed table by table."""

from __future__ import annotations

import polars as pl
from polars import col

from netsim.results.check_accounts import CELL, UPLOAD, Accounts
from netsim.results.laws import Check, at_most_zero, equal, equal_sums, total
from netsim.results.states import UE_ENERGY


def energy_checks(accounts: Accounts) -> list[Check]:
    """Energy from power, cycles and clocks; its sums table by table."""
    return [
        *_upload_energy(accounts),
        *_compute_energy(accounts),
        *_energy_sums(accounts),
    ]


def _upload_energy(accounts: Accounts) -> list[Check]:
    on_air = accounts.on_air
    drawn_j = on_air["drawn_w"] * on_air["on_air_s"]
    return [
        equal(
            "upload energy = power drawn x time on the air",
            on_air["energy_j"],
            drawn_j,
        ),
        at_most_zero("power radiated <= power drawn", on_air["power_w"] - on_air["drawn_w"]),
    ]


def _compute_energy(accounts: Accounts) -> list[Check]:
    computing = accounts.spans.filter(col("kind") == "compute").join(accounts.ues, on="ue")
    joules_per_cycle = computing["energy_coefficient"] * computing["cpu_hz"] ** 2
    expected_j = computing["cycles"] * joules_per_cycle
    duration_s = computing["end_s"] - computing["start_s"]
    return [
        equal(
            "compute energy = cycles x rho f^2",
            computing["energy_j"],
            expected_j,
        ),
        equal(
            "compute time x clock rate = cycles",
            duration_s * computing["cpu_hz"],
            computing["cycles"],
            slack=_clock_slack(accounts),
        ),
    ]


def _clock_slack(accounts: Accounts) -> float:
    """Number of cycles within the resolution of the clock at the end of the run."""
    end_s = accounts.spans["end_s"].max()
    fastest_hz = accounts.ues["cpu_hz"].max()
    if end_s is None or fastest_hz is None:
        return 0.0
    assert isinstance(end_s, float)
    assert isinstance(fastest_hz, float)
    return 4 * 2.0**-52 * end_s * fastest_hz


def _energy_sums(accounts: Accounts) -> list[Check]:
    rounds = accounts.rounds.with_columns(of_round=pl.sum_horizontal(UE_ENERGY.values()))
    spent = (
        _at_home(accounts)
        .filter(col("energy_j") > 0)
        .group_by(CELL)
        .agg(spent=col("energy_j").sum())
    )
    per_round = rounds.join(
        spent,
        on=CELL,
        how="left",
    ).fill_null(0.0)
    in_rounds = accounts.spans.filter(col("round") > 0)  # before: the foundation model is heard
    per_ue = in_rounds.group_by("ue").agg(col("energy_j").sum())
    by_kind = in_rounds.group_by("kind").agg(col("energy_j").sum())
    of_kind = dict(by_kind.iter_rows())
    states = [
        equal_sums(
            f"energy of {kind} spans = of rounds",
            of_kind.get(kind, 0.0),
            total(rounds[column]),
        )
        for kind, column in UE_ENERGY.items()
    ]
    return [
        *states,
        equal(
            "energy of spans = of rounds",
            per_round["spent"],
            per_round["of_round"],
        ),
        equal_sums(
            "energy of uplink spans = of uploads",
            total(accounts.sending["energy_j"]),
            total(accounts.uploads["energy_j"]),
        ),
        equal_sums(
            "energy per UE = of rounds",
            total(per_ue["energy_j"]),
            total(rounds["of_round"]),
        ),
    ]


def _at_home(accounts: Accounts) -> pl.DataFrame:
    """Spans with the gNB that accounts for them: an upload stays with its first gNB."""
    home = accounts.uploads.select(*UPLOAD, home="gnb")
    joined = accounts.spans.join(
        home,
        on=UPLOAD,
        how="left",
        maintain_order="left",
    )
    is_uplink = col("kind") == "uplink"
    accountable = pl.when(is_uplink).then(col("home")).otherwise(col("gnb"))
    return joined.with_columns(gnb=accountable)


def bit_checks(accounts: Accounts) -> list[Check]:
    """Bits from rate and time; their sums table by table."""
    uploads = accounts.uploads
    on_air = accounts.on_air
    last_attempt = _bits_of_last_attempt(accounts)
    delivered = _delivered_per_round(accounts)
    sent_over_allowed = uploads["bits_sent"] / uploads["payload_bits"] / uploads["attempts"]
    return [
        equal(
            "bits sent = rate x time on the air",
            on_air["bits_sent"],
            on_air["rate_bps"] * on_air["on_air_s"],
        ),
        equal(
            "on time: bits of the last attempt = payload",
            last_attempt["bits"],
            last_attempt["payload_bits"],
        ),
        at_most_zero("bits sent <= payload x attempts", sent_over_allowed - 1),
        equal_sums(
            "bits of uplink spans = of uploads",
            total(accounts.sending["bits"]),
            total(uploads["bits_sent"]),
        ),
        equal(
            "bits delivered = of rounds",
            delivered["arrived"],
            delivered["delivered_bits"],
        ),
    ]


def _bits_of_last_attempt(accounts: Accounts) -> pl.DataFrame:
    arrived = accounts.arrived.select(*UPLOAD, "payload_bits", "attempts")
    spans = accounts.sending.join(arrived, on=UPLOAD)
    last = spans.filter(col("attempt") == col("attempts"))
    return last.group_by(UPLOAD).agg(
        col("bits").sum(),
        col("payload_bits").first(),
    )


def _delivered_per_round(accounts: Accounts) -> pl.DataFrame:
    arrived_bits = col("payload_bits").sum().alias("arrived")
    arrived = accounts.arrived.group_by(CELL).agg(arrived_bits)
    return accounts.rounds.join(
        arrived,
        on=CELL,
        how="left",
    ).fill_null(0)
