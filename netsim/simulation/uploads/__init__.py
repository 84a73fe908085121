"""Uploads: what they are, how they move, what they come to.

table       one row per upload that is planned, under way or just over
segments    the log of what was sent on which band
band        how a gNB's band is divided: it stays, or it is divided anew
advance     the loop from event to event; nobody else writes an upload's progress
transfers   uploads that go on at another gNB
flight      the uploads of a round, step by step, up to any time in it
outcomes    on time, late, in outage, aborted; the books of a round
under_way   uploads between two rounds
"""
