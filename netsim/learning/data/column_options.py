"""What the user says about a data set: `text=review,label=sentiment,separator=semicolon`.

`second` names the other sentence of a pair. Columns are named, or numbered from 1 with header=no.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from netsim.errors import DataError
from netsim.learning.data.labelled_rows import TextColumns
from netsim.learning.data.text_dialect import TextDialect
from netsim.traces.tables.choice import ENCODINGS, SEPARATORS, option_entries

COLUMNS = ("text", "second", "label")
_WORDS = {
    "separator": tuple(SEPARATORS),
    "encoding": tuple(ENCODINGS),
    "header": ("yes", "no"),
}


@dataclass(frozen=True)
class DataOptions:
    """Columns of a data set and how its text files are written."""

    columns: TextColumns = field(default_factory=TextColumns)
    dialect: TextDialect = field(default_factory=TextDialect)

    def keeping(self, names: tuple[str, ...]) -> DataOptions:
        """The options, with further columns that are kept."""
        return replace(self, columns=replace(self.columns, kept=names))


def parse_data_columns(text: str, where: str = "scenario: data.columns") -> DataOptions:
    """The options that a text gives. Raises DataError."""
    given = {}
    for key, value in option_entries(text, where):
        if key not in (*COLUMNS, *_WORDS):
            known = ", ".join((*COLUMNS, *_WORDS))
            raise DataError(f"must be one of {known}", where=where, value=key)
        words = _WORDS.get(key)
        if words and value.lower() not in words:
            raise DataError(f"{key} must be one of {', '.join(words)}", where=where, value=value)
        given[key] = value.lower() if words else value
    encoding = given.get("encoding")
    separator = given.get("separator")
    return DataOptions(
        TextColumns(given.get("text"), given.get("second"), given.get("label")),
        TextDialect(
            encoding=ENCODINGS[encoding] if encoding else None,
            separator=SEPARATORS[separator] if separator else None,
            has_header=given.get("header") != "no",
        ),
    )
