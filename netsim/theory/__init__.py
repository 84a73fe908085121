"""Theorem 1 of the paper: the bound on the risk gap, and its constants from measurements."""
