"""UEs that come, go and change gNBs (where they are: `netsim.topology.journey`).

roaming   who may be scheduled in a round, and what it loses by motion
leaving   downloads and computing broken off
"""
