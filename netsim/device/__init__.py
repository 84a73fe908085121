"""Devices: which hardware UEs have, how long they compute, and what it costs in energy.

fleet       hardware and data of the UEs of a run
profiles    device classes, drawn by seed
compute     work of local training in cycles, and the time it takes
timing      when UEs compute their modules, one after the other
energy      joules of computing and transmitting, as the paper has them
"""
