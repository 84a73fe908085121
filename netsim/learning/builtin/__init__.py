"""Model and data that netsim brings along, all made by this project.

In reading order:

    text.py         seeded generator of the labelled tasks and of unlabelled documents
    reviews.py      the grammar of one task: is the opinion in this sentence good or bad?
    grades.py       the grammar of a harder one: which of six grades does this review give?
    products.py     what the reviews talk about
    passages.py     the grammar of another: does this sentence answer this question?
    draws.py        the random choices that a grammar makes
    shapes.py       parameter counts of the model and of LoRA modules on it, without torch
    tokenizer.py    the tokenizer's recipe
    pretraining_text.py   documents as batches, and the first word vectors
    pretrain.py     the weights' recipe: `python -m netsim.learning.builtin.pretrain --out DIR`
    frozen_model.py   the bundled model as the engines take it, without transformers
    model/          the bundled RoBERTa and its tokenizer, in the format of the Hugging Face hub

Importing this package does not import torch.
"""

from __future__ import annotations

from pathlib import Path


def model_folder() -> Path:
    """Folder of the bundled model: what `from_pretrained` of the Auto classes takes."""
    return Path(__file__).parent / "model"
