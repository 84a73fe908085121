"""The rows that are learned from and measured on, and who holds them.

In reading order:

    datasets.py         a data set: rows of text with classes, from the generator or from files
    hub.py              the same from the Hugging Face hub
    part_files.py       where the parts of a data set lie
    labelled_rows.py    text and label columns of a table
    table_files.py      tables in TSV, CSV, JSONL and Parquet, with the place of each row
    text_dialect.py     encoding and separator of text files
    cells.py            the column that is meant, texts, labels and what means none
    column_options.py   what the user says about columns: `data.columns`
    pools.py            rows dealt from shuffled pools, one for each class
    natural.py          rows of a user or a site to one UE
    worlds.py           how rows are dealt, and what their labels mean to a UE
    partition.py        which rows each UE holds, trains on in a round, and is tested on
    tokens.py           texts as token numbers, end to end
"""
