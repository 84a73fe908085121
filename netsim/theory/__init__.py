"""Theorem 1 of the paper: the bound on the risk gap, and its constants from measurements.

In reading order:

    risk_bound.py     contraction, error floor and the bound (6), corrected and as printed
    estimation.py     the constants of Assumptions 1 to 3 from what a run has seen
    risk_monitor.py   the measured gap (5) beside its bound, round by round
"""
