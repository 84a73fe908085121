"""Laws that `netsim verify` checks: simulated quantities against closed forms.

law         what a law is; means and ratios with their standard errors
runner      the list of laws, and the verdict over all of them together
networks    explicit Poisson networks on a torus, which know no formula
geometry    counts, distances, cells, interferers
fading      Rayleigh draws
downlink    coverage of a downlink, where the theory is exact; modules that are sent on it
success     success probability of an uplink, eq. (15)
scaling     without noise, success does not change with the scale of the network
field       the simulator's field mode
medium      the simulator's network mode
nr          the NR link layer
superposition  sums of uploads that are made on the air, symbol by symbol
energy      of UEs and gNBs by what they do, from the tables of runs
"""
