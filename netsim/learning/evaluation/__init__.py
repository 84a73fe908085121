"""Measurements of the modules; none takes simulated time.

In reading order:

    losses.py       loss and accuracy of modules and ensembles, from logits
    scorer.py       measures modules on test and validation rows
    risk_meter.py   losses and gradients at every UE's test set, for the risk gap (5)
"""
