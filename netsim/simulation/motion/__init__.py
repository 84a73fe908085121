"""Where UEs are and which gNB serves them.

journey   places and handovers on a grid of time
roaming   who may be scheduled in a round, and what it loses by motion
leaving   downloads and computing broken off
"""
