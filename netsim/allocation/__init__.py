"""Who may use how much of a gNB's band, at which power, for which module.

In reading order:

    uplinks         K uplinks that share a band: the rate of a share, the share of a rate
    bandwidth       Algorithm 1; two_tier: as the paper prints it
    staggered       the same for uploads that start at different times
    reallocation    a band divided anew, so that no upload loses
    admission       who may upload at all
    pairing         who shares a band with whom
    power           transmit power control, (21)-(22)
    cell_view       what the controller of one gNB knows
    wireless        bandwidth and power in turns: step 1 of Algorithm 2
    subscription    model switching: step 2 of Algorithm 2, (8)-(12)
    participation   its long-term constraint (7d) by dual ascent
    rounding        whole subscriptions from fractional ones
"""
