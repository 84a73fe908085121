"""Studies: a grid of runs over overrides and seeds, each a full run folder.

grid        what a study consists of: jobs with stable identifiers
job         one job done: claimed, run, its folder whole or resumable
study       jobs that are still to do, given to a backend
local       worker processes of one thread each
worker      what such a process does
ray         the same jobs on a Ray cluster
"""
