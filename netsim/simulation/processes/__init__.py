"""Who waits for what, as SimPy processes.

hub      calls UEs to a round, and counts what gNBs wait for
ue       download, compute, report
uplink   moves the uploads on the air
gnb      grants, collects, aggregates, passes on
core     opens a round and merges
"""
