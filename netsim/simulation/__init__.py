"""A run in simulated time: who sends what, when it arrives, what it costs.

How a round goes. `session.Simulation.step` takes a plan. `opening` makes a row in the table of
uploads for each (UE, module) pair of it, with the times of its broadcast and its computing
(`timetable`); UEs that leave or change gNBs meanwhile lose what they break off (`motion`), and rows
that earlier rounds have left under way are added. Then the SimPy clock runs. The core opens the
round (`processes.core`); each UE takes the time of its download and its computing, and reports to
its gNB (`processes.ue`); the uplink moves all uploads from event to event over the air
(`processes.uplink`, `uploads.advance`, `air`); each gNB collects what arrives until all have ended,
enough have arrived or the deadline passes, aggregates, and passes its aggregate on
(`processes.gnb`). When the core has merged, `closing` keeps the books: uploads that are over, with
their outcomes and energy, go into the tables (`tables`), the others into the next round. The
learner computes what arrived (`training`), and a checkpoint may be taken.

At the end of a round no process is needed any more: UEs wait for the next round to open, which
takes up what is under way, whether the run was interrupted or not. So a run goes on by starting its
processes anew at the time of the clock, and what is drawn is keyed by round. Checkpoints hold

    time_s      of the clock
    course      round, energy, versions of the modules, what evaluations said
    previous    how the last round went, which the next plan may look at
    under_way   uploads that outlast the round, with what they have sent, if any do
    roaming     who has come and gone, and the handovers under way, where UEs move
    tables      up to where handovers, places and channels are written; probes of the `risk` table
    stores      batteries, and what UEs have heard

In reading order:

state       what the rooms share: fleet, links, rules, payloads, the round in progress
uploads/    the table of uploads, and the one loop that moves them
air/        what an upload meets: fading, interference, traces
processes/  who waits for what on the clock
motion/     where UEs are, who serves them, what they break off
stores      batteries and cached modules of UEs
opening     a round opens
closing     a round ends
training    what a round asks of the learner
tables/     one file per table that a run writes
system      all that stays the same during a run
observing   what a scheme may know
session     a run that is stepped
clock       its time; how far it is: netsim.course
"""
