"""The link layer of 5G NR: from SINR and resource blocks to delivered bits per second.

In reading order:

    grid            numerology, resource blocks of a channel, uplink fraction, overheads
    shares          shares of a band as whole resource blocks
    schemes         modulation and coding schemes, tables 1 to 3 of TS 38.214
    transport       transport-block size of TS 38.214 clause 5.1.3.2, its code blocks
    information     mutual information and dispersion of QAM over a Gaussian channel
    error_rate      block error rate at finite block length
    harq            retransmissions that combine: chase combining, incremental redundancy
    adaptation      which scheme is sent: inner loop, outer loop
    goodput         delivered bits per second by scheme and SINR
    effective       one SINR for transmissions that met several
    lookup          the same for many uploads at once, expected or with sampled errors
    access          time that the grant and the last block's retransmissions take
    adapted         goodput from block to block, by schemes that follow the channel
    rate_model      the same as a rate model of `netsim.radio.link`

All of it is pure and vectorised: no clock, no state, randomness only as an argument.
"""
