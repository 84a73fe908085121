"""Run folders: how they are written, and what can be read from them.

Written
    run_folder      the layout of a run folder, its metadata, its lock
    table_buffer    rows as they come, and the typed frame they make
    writer          tables as Parquet parts, in bounded memory
    state_file      the state of a run as JSON and arrays
    plain_files     files that others may have put there: read with limits, written whole
    checkpoint      the state of a run at the end of a round, safe from a power cut

Read
    tables          the tables as lazy frames
    parts           queries done one part at a time
    reader          a run folder opened: tables and analyses together
    damage          which table is damaged or foreign, and how
    card            a run or a sweep as notebooks show it

Asked of one run
    arguments       what may be asked
    latency, energy, reliability, accuracy
    own_rows        accuracy on each UE's own rows
    targets         cost of a sustained target, area under the curve
    distributions   percentiles and distribution functions
    metrics         the headline metrics, one row per run
    digest          what a run's summary says first
    checks          does the run balance? check_accounts, check_energy_bits, check_time_shares
    laws            two columns that must be equal, or one that must not exceed zero

Asked of several
    intervals       confidence intervals
    cost_contrast   two schemes by what they spend until a target, censored runs included
    compare         paired differences of two runs, or of two sets of runs
    settings        scenarios as dotted keys, and where runs differ
    sweep_folder    the layout of a sweep folder
    sweep_pairs     which runs of a sweep are compared, and their differences
    conclusions     what a step of a sweep did, as a sentence
    opened          a run or a sweep, given as a folder or opened already
    sweep           all runs of a sweep: response to what was varied, paired differences
"""
