"""What goes with an access to the uplink, and what does not."""

from __future__ import annotations

import pytest

import netsim
from netsim.errors import ScenarioError


def test_an_unknown_access_is_refused() -> None:
    with pytest.raises(ScenarioError, match=r"uplink\.access: input should be 'ofdma'"):
        netsim.load_scenario("quickstart", {"uplink.access": "cdma"})
