"""Model and data that netsim brings along, all made by this project.

    text        seeded generator of two labelled tasks (`reviews`, `passages`) and of unlabelled
    documents shapes      parameter counts of the foundation model and of LoRA modules on it,
    without torch
    pretrain    the recipe of the bundled weights: `python -m netsim.learning.builtin.pretrain --out
    DIR` model/      the bundled RoBERTa and its tokenizer, in the format of the Hugging Face hub

Importing this package does not import torch.
"""

from __future__ import annotations

from pathlib import Path


def model_folder() -> Path:
    """Folder of the bundled model: what `from_pretrained` of the Auto classes takes."""
    return Path(__file__).parent / "model"
