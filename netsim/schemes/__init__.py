"""Schemes: who trains and uploads what in each round, with which power and bandwidth.

A scheme is one file with its citation. It reads an `Observation` and declares a `RoundPlan`.

Shared: `base` (discovery, the check of a plan), `radio` (admission, division of the band at P_max),
`group` (UEs per round), `ue_ranks` (ranks that belong to UEs), `variant` (a scheme with some
parameters of another fixed), `one_adapter` (everybody on one adapter: what is trained, sent and
merged), `held` (what UEs have of it already), `sizes` (of uploads that differ by UE),
`sampling` (weighted draws, expected times).

    fedlora, full_parameter             one module for everybody
    ffa_lora, rolora, fedsvd            one factor of it at a time
    slora                               columns of the weights first, then LoRA
    fedex_lora, flora, lora_fair        exact or refined averages of products
    fedsa_lora, fedper, ditto           parts of it stay at their UEs, or a module of their own
    fedprox, scaffold                   other local steps of UEs
    fedavgm, fedadam, fedyogi           other steps of the server (the last two: `adaptive_server`)
    split_lora                          upper layers at the gNB, activations on the air
    jcpba                               pruning of the frozen model, with bandwidth
    hierfavg                            gNBs average on their own between merges at the core
    hetlora, flexlora                   one adapter, each UE at its own rank
    near_iid_groups                     groups of UEs take turns with the adapters
    random, round_robin, proportional_fair, success_selection, joint_scheduling
                                        scheduling policies, adapters in turn
    oort, power_of_choice, fedcs        selection by losses and speed, likewise
    buffered_async                      nobody waits for anybody
    model_switching                     the paper's Algorithm 2; radio_control is its step 1
    greedy, one_shot, energy_constrained, max_power
                                        variants of Algorithm 2
"""
