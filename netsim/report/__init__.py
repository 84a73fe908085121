"""What people look at: the one-page report, and exports for other programs.

html        the page: data, style and script in one file that needs no network
sections    what each part of the page shows, as plain columns
timeline    the spans of chosen rounds
ground      sites, their Voronoi cells, and where UEs were at which time
perfetto    a run as trace events; tables, events: CSV, TensorBoard
"""
