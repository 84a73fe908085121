"""What people look at: the one-page report, and exports for other programs.

The page
    report          `netsim.report`: of a run, of several, or of a sweep
    html            data, style and script in one file that needs no network
    live            the page of a run in progress, served to this machine
    live_process    the same beside a run, for `netsim run --live`
    sweep_page      the page of a sweep: response curves, and what each step did
    comparison      names of several runs, and their differences from the first
    sections        what each part of the page shows of one run, as plain columns
    module_ranks    ranks by which modules are told apart
    timeline        the spans of chosen rounds
    ground          the map: sites, their Voronoi cells, UEs
    ue_tracks       where UEs were, and what they did, at chosen moments
    held_data       what the UEs hold, and what the modules are worth to each
    columns         frames as lists, thinned out to what a page can carry
    page/           HTML, style sheet and scripts

Figures
    plots           one figure of a run or a sweep for a paper
    run_figures, sweep_figures
    plot_style      the look that all figures share

Exports
    export          `netsim.export`: any of those below
    perfetto        a run as trace events: trace_events, trace_counters, trace_tracks
    csv_files       the tables as CSV
    events          TensorBoard
    adapters        the trained adapters with their base model
    folders         where exports go
"""
