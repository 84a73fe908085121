"""Real LoRA learning: what federated fine-tuning computes, apart from when and by whom.

In reading order:

    spec.py              what is trained and how, as plain values
    foundation.py        the frozen model w_0 and its tokenizer
    model_loading.py     loads it: built in, from a folder, or from the hub
    transformers_models.py   what transformers loads, and computes where no engine of ours does
    model_files.py       a model folder, looked at before anything in it is loaded
    tokenizer_trial.py   a tokenizer of unknown origin, tried in a process of its own
    trial.py             whether a model classifies at all
    hub_models.py        models by their name on the hub
    usual_targets.py     layers that get an adapter where nobody names any
    adapters.py          the N modules: one vector each, and where each tensor stands in it
    model_layouts.py     their layouts on a foundation model: which layers an adapter targets
    initial_weights.py   the modules before training
    data/                data sets, their partition over the UEs, tokens
    engine/              local training of many tickets at once, and logits
    aggregation/         rules that make new modules of the uploads
    evaluation/          loss and accuracy of modules; the risk gap
    learner.py           the learner that the simulation asks (protocols.Learner)
    training_jobs.py     its work on one chunk of tickets
    module_versions.py   its modules as they are, and older versions in flight
    round_learning.py    its rounds: tickets become uploads, and a rule makes new modules of them
    codecs/              what uploads and downloads are encoded as
    transfer.py          how modules go up and down, as plain values
    sending.py           what UEs make of uploads, and what they owe the server
    hearing.py           what UEs hear of modules
    own_parts.py         parts of modules that stay at UEs
    base_delta.py        what aggregation has added to the frozen weights
    learner_state.py     what it remembers between rounds, as files
    ue_memory_files.py   what its UEs remember, as files
    adapter_files.py     modules as files that others load
    composition.py       puts a learner together
    module_sizes.py      bits of modules and of their parts
    payload.py           bits of an upload, known without loading a model
    model_shape.py       size of a model from its config.json
    builtin/             the bundled model and its tasks

`spec`, `payload`, `model_shape`, `codecs`, `transfer`, `builtin` and `data` import no torch, nor
does this package.
"""
