r"""Studies: a grid of runs over overrides and seeds, each a full run folder.

    grid        what a study consists of: jobs with stable identifiers
    job         one job done: claimed, run, its folder whole or resumable
    study       jobs that are still to do, given to a backend
    listening       nobody, or a bar on request, where no command line shows it
    local       worker processes of one thread each
    worker      what such a process does
    ray         the same jobs on a Ray cluster

On a SLURM cluster there are two ways. An array of jobs may fill one sweep folder on a shared path,
since no file belongs to two runs and a run is locked by who works on it:

    #SBATCH --array=0-15 --cpus-per-task=8
    netsim sweep study.toml --over topology.density_per_km2=0.5,1,2 --seeds $SLURM_ARRAY_TASK_ID \
        --jobs $SLURM_CPUS_PER_TASK --out /shared/density

Or Ray on the nodes of one allocation, which gives the runs of a lost node to the others:

    #SBATCH --nodes=4 --ntasks-per-node=1 --cpus-per-task=32
    head=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | head -n1)
    srun --nodes=1 --ntasks=1 -w "$head" ray start --head --port=6379 --num-cpus=32 --block &
    sleep 20
    srun --nodes=3 --ntasks=3 -x "$head" ray start --address="$head:6379" --num-cpus=32 --block &
    sleep 20
    netsim sweep study.toml --over topology.density_per_km2=0.5,1,2 --seeds 0:16 --backend ray \
        --address "$head:6379"
"""
