"""What uploads and downloads are encoded as (docs/model/codecs.md).

In reading order:

    bit_strings.py   fields of equal width, one after the other
    rounded.py       none, bfloat16
    quantised.py     qsgd, sign
    sparse.py        top_k, random_k, topk_qsgd
    carrying.py      to bits and back, with what a codec must keep to

Codecs import no torch: sizes are known in network-only runs, too.
"""
