"""Real LoRA learning: what federated fine-tuning computes, apart from when and by whom.

    without torch   datasets, tables (their rows), partition (over the UEs), payload (bits of an
    upload) models          foundation, tokens, adapters
    arithmetic      gradients (the engine's interface), generic (any model, through PEFT),
                    encoder (RoBERTa and BERT, packed and batched), workers
    rounds          aggregation, evaluation, learner

Importing this package does not import torch.
"""
