"""Does a run folder balance? Checks that hold for every run, from its tables alone.

Energy recomputed from power x airtime and from cycles, bits from rate x time; the sums of spans,
uploads, rounds and UEs agree; spans are causal and do not overlap; shares never exceed the band.
"""

from __future__ import annotations

from netsim.results.check_accounts import Accounts, accounts
from netsim.results.check_energy_bits import bit_checks, energy_checks
from netsim.results.check_masked import masked_checks
from netsim.results.check_pairs import pair_checks
from netsim.results.check_superposed import superposition_checks
from netsim.results.check_time_shares import causality_checks, count_checks, shannon, shares
from netsim.results.damage import naming_damage
from netsim.results.laws import Check, together
from netsim.results.tables import RunTables


def check_run(
    run: RunTables,
    *,
    bandwidth_hz: float,
    constant_rate: bool,
    superposed: bool = False,
) -> list[Check]:
    """All checks of a run with a gNB band of `bandwidth_hz`; memory for one part of its tables.

    With a constant rate (one fading draw on a static share, Shannon's formula) it is also
    recomputed from the SINR. Superposed: uploads add up on the air (uplink.access = aircomp).
    """
    found: list[Check] = []
    masked = bool(run.part_files("masked_sums"))
    paired = bool(run.part_files("pairs"))
    with naming_damage(run):
        for part in accounts(run):
            checks = _checks(part, bandwidth_hz, constant_rate)
            if masked:
                checks += masked_checks(part)
            if paired:
                checks += pair_checks(part.uploads, part.pairs, bandwidth_hz)
            if superposed:
                checks += superposition_checks(part)
            found = [*map(together, found, checks)] if found else checks
    return found


def _checks(
    part: Accounts,
    bandwidth_hz: float,
    constant_rate: bool,
) -> list[Check]:
    checks = [
        *energy_checks(part),
        *bit_checks(part),
        *causality_checks(part),
        *count_checks(part),
        shares(part, bandwidth_hz),
    ]
    if constant_rate:
        checks.append(shannon(part))
    return checks
