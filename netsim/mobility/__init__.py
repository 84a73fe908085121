"""How UEs move: as a model draws it, or as a trace was recorded.

In reading order:

| file | what lives there |
|---|---|
| region.py | where UEs may move: disc, rectangle, torus |
| interpolation.py | positions between samples, for all UEs and times at once |
| models.py | static, random waypoint, Gauss-Markov; the entry point for others |
| replay.py | UEs that move as the nodes of a trace file |
| extent.py | where a trace lies, whatever a few odd places say |
"""
