"""The radio: from places and powers to channel gain, SINR, rate and the end of an upload.

In reading order:

    pathloss        the registry of path-loss models, and the paper's power law
    hata, tr38901   measured and 3GPP models; cellular: maps of line of sight and shadowing
    shadowing       log-normal shadowing; spatial: the random maps below it
    budget          antenna gains, receiver noise
    power_control   open-loop transmit power
    link_rows       links between UEs and sites, as columns
    fading          Rayleigh draws per upload and per coherence block
    network_fading  the same for the links to every site
    interference    the interferers of an upload: a Poisson field (field_points), or in real cells
    field_draw      interferers as drawn for a round, how they fade; field_draws: kept
    downlink        rates of UEs under fading, and the modules they hold; multicast: slots
    load            how much of the time the UEs of other cells are on the air
    background      UEs that load idle cells
    bands           where uploads lie in their gNB's band, and which of them overlap
    band_plan       who hears whom in a network
    rate_model      SINR to rate, and what schemes plan with
    link            from the rate to the end of an upload; progress: how far it is
    noma            the same of two UEs on one band; noma_success: their probabilities
    network_link    the same in one block of a network
    multicast       broadcasts of modules on the downlink
    coverage        closed-form success probabilities, eq. (15); thinning: the integral in it
    success         the same as schemes ask for it; arrival: under block fading
    following       the same where interferers follow the power control of all UEs
    replay          channels from traces in place of all this
    nr              the link layer of 5G NR
"""
