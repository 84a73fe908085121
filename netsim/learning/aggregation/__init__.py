"""Rules that make new modules of the uploads of a round.

In reading order:

    rule.py             an upload, and the interfaces of rules: plain, stateful, with a part at UEs
    memories.py         what rules remember of modules and at UEs
    average.py          the average weighted by samples (eq. 1)
    server_step.py      optimisers at the server (FedAvgM, FedAdam, FedYogi)
    control_variates.py drift taken away by control variates (SCAFFOLD)
    staleness.py        the same for uploads that arrive late (FedBuff)
    zero_padding.py     different ranks, padded (HetLoRA)
    products.py         sums of products B A
    redistribution.py   different ranks, by products (FlexLoRA)
    exact_average.py    exact or nearly exact averages of products (FedEx, FLoRA, LoRA-FAIR, FedSVD,
                        SLoRA)
    outside_rule.py     rules of outside packages
    named_rules.py      rules by the names that schemes give
"""
