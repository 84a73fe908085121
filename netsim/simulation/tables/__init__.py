"""The tables of a run, one file each.

closed          a round that is over, as the tables see it
spans, uploads, rounds, subscriptions     written at the end of each round
ues, evaluations                          written at the start, and at each evaluation
handovers, mobility, channel, logbook     of runs that move or are recorded
risk                                      the risk gap and its bound, on request
progress                                  what the listener is told
writer                                    writes all of them
"""
