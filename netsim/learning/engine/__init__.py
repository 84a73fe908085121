"""Batched local training: many tickets of many UEs and modules share one pass over the model.

In reading order:

    local_descent.py      what an engine computes (its protocol), and the optimisers' steps
    generic.py            the plain engine: any model, through PEFT, one ticket after another
    choice.py             which engine a model gets
    moving_base.py        an engine on frozen weights that an aggregation has changed
    batching.py           tickets as chunks that are computed together
    workers.py            processes that compute chunks
    tail_penalty.py       HetLoRA's regulariser, which the steps add

The fast engine of encoders (RoBERTa, BERT, DistilBERT), forward and backward written out:

    encoder.py            the engine
    encoder_families.py   where the architectures keep their weights
    encoder_tickets.py    where the tickets' tensors belong
    embeddings.py         the input of the first layer
    packing.py            where the tokens of a chunk stand
    text_rows.py          texts in rows of slots, for it
    encoder_layers.py     one layer
    attention.py          its attention over packed texts
    first_token.py        the last layer, for the classified tokens only
    head_factors.py       its low-rank part
    head.py               the classification heads
    frozen_products.py    products with frozen weights
    low_rank.py           the tickets' own low-rank part
    alike_tickets.py      tickets whose calls can be shared

The fast engine of small decoders (Llama, Qwen2), by autograd:

    decoder.py            the engine
    decoder_model.py      the forward pass
    decoder_packing.py    where the tokens of a chunk stand
"""
