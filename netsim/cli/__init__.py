"""The command line: a file per command or group of commands.

main        where the program starts, and what errors look like
commands    the commands together
console     tables and numbers

run, resume, flower     progress (while it goes on), summary (at its end)
sweep               sweep_progress, sweep_tables
validate            expectations (of a scenario), carrier, schema (every key)
init (scheme_package: a package with a scheme), runs (list, diff)
completion          keys that the shell offers
report, live, plot, export      a run as a page, also while it goes on, a figure, for other programs
topology, trace     networks and traces; trace_facts
schemes, verify
"""
