"""The rows that are learned from and measured on, and who holds them.

In reading order:

    datasets.py         a data set: rows of text with classes, from the generator or from files
    hub.py              the same from the Hugging Face hub
    labelled_rows.py    text and label columns of a table
    table_files.py      tables in TSV, CSV and Parquet, with the place of each row for messages
    partition.py        which rows each UE holds, trains on in a round, and is tested on
    tokens.py           texts as token numbers, end to end
"""
