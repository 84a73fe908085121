"""Who waits for what, as SimPy processes.

hub      the event that opens a round, and what is reported during it
ue       download, compute, wait for the grant, transmit
uplink   steps the uploads on the air
gnb      grants, collects, aggregates, passes on
core     opens a round and merges
"""
