"""The air: what becomes of an upload on the band it has.

protocol    what the loop over uploads asks
links       rows on the air: what they send, and their SINR
field       interferers drawn for every upload; uploads do not touch one another
blocks      its uploads over coherence blocks
network     the actual uploads of all cells, stepped by coherence block

UEs that move and channels read from traces, around either: netsim.changing_channel
"""
