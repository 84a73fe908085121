"""What is looked at of the uploads of a round to tell what UEs have spent."""

from __future__ import annotations

from typing import Protocol

from netsim.units import BoolArray, FloatArray, IntArray


class Activities(Protocol):
    """M rows, ordered by UE; times in s. The rows of a UE are downloaded and computed together."""

    ue: IntArray
    leads: BoolArray  # the first of the UE's rows
    power_w: FloatArray  # radiated while sending
    opened_s: FloatArray  # the gNB begins to send modules
    downloaded_s: FloatArray
    computed_s: FloatArray  # or given up
    ready: BoolArray  # others are never sent
    upload_start_s: FloatArray
    end_s: FloatArray  # of sending; NaN: not yet

    def __len__(self) -> int: ...


def over_s(rows: Activities) -> FloatArray:
    """When each row is over: sent, or given up; inf: not yet. [M]."""
    ended_s = rows.end_s.copy()
    ended_s[~rows.ready] = rows.computed_s[~rows.ready]
    ended_s[ended_s != ended_s] = float("inf")
    return ended_s
