"""Does a run folder balance? Checks that hold for every run, from its tables alone.

Energy recomputed from power x airtime and from cycles, bits from rate x time; the sums of spans,
uploads, rounds and UEs agree; spans are causal and do not overlap; shares never exceed the band.
"""

from __future__ import annotations

from netsim.results.check_accounts import Accounts
from netsim.results.check_energy_bits import bit_checks, energy_checks
from netsim.results.check_time_shares import causality_checks, count_checks, shannon, shares
from netsim.results.damage import naming_damage
from netsim.results.laws import Check
from netsim.results.tables import RunTables


def check_run(
    run: RunTables,
    *,
    bandwidth_hz: float,
    constant_rate: bool,
) -> list[Check]:
    """All checks of a run with a gNB band of `bandwidth_hz`.

    With a constant rate (one fading draw on a static share, Shannon's formula) it is also
    recomputed from the SINR.
    """
    with naming_damage(run):
        return _checks(run, bandwidth_hz, constant_rate)


def _checks(
    run: RunTables,
    bandwidth_hz: float,
    constant_rate: bool,
) -> list[Check]:
    accounts = Accounts(
        spans=run.spans.collect(),
        uploads=run.uploads.collect(),
        rounds=run.rounds.collect(),
        ues=run.ues.collect(),
    )
    checks = [
        *energy_checks(accounts),
        *bit_checks(accounts),
        *causality_checks(accounts),
        *count_checks(accounts),
        shares(accounts, bandwidth_hz),
    ]
    if constant_rate:
        checks.append(shannon(accounts))
    return checks
