"""Networks of gNB sites: made or read, the cells around them, the links between them.

In reading order:

| file | what lives there |
|---|---|
| graph.py | a site graph: positions, core mark and origin, as every other file reads them |
| deployment.py | sites of a scenario: Poisson, hexagonal, or of a graph |
| association.py | which site serves which place; UEs dropped in a cell or in the window |
| strongest.py | cells in which a site is the strongest |
| journey.py | where UEs are and who serves them, on a grid of time |
| landscape.py | from where UEs are to what their links are worth |
| backhaul.py | links between sites and the time of a payload to the core |
| core_links.py | delays of payloads between the core and the sites |
| links.py | generated links: star, tree, mesh |
| files.py | reads a site file of any kind (`site_table.py`, `geojson.py`, `opencellid.py`) |
| site_places.py | places under any of their names, degrees, sectors of one mast |
| generate.py, writers.py | `netsim topology make`: generated sites, and files of them |
| summary.py | `netsim topology show`: counts, density, cell areas, a picture |
"""
