"""XML of unknown origin, streamed: no document types, no entities, no tag of unbounded size."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from xml.parsers import expat

from netsim.errors import DataError
from netsim.traces.files import blocks

MAX_TAG = 16 * 2**20
MAX_DEPTH = 1000
"""Elements within each other; formats of traces have some five."""
_QUOTED = re.compile(rb"\"[^\"]*\"|'[^']*'")
LOOKED_AT = 8
"""Every so many blocks it is counted how many elements are left open; for each one were slow."""


def stream(
    path: Path,
    *,
    start: Callable[[str, dict[str, str]], None],
    end: Callable[[str], None] | None = None,
    text: Callable[[str], None] | None = None,
) -> Iterator[None]:
    """Call the handlers for a file's elements.

    Yields after every block, so that the caller can take what its handlers have gathered. Memory
    does not grow with the file. Raises DataError with the line of what is wrong.
    """
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = text
    parser.StartDoctypeDeclHandler = _refuse
    parser.EntityDeclHandler = _refuse
    try:
        yield from _parse(parser, path)
    except _RefusedError:
        where = f"{path}, line {parser.CurrentLineNumber}"
        raise DataError("XML with a document type or entities is refused", where=where) from None
    except expat.ExpatError as error:
        raise DataError(f"not well-formed XML: {error}", where=path) from None
    except DataError as error:
        if error.where:
            raise
        where = f"{path}, line {parser.CurrentLineNumber}"
        raise DataError(error.rule, where=where, value=error.value) from None


def _parse(parser: expat.XMLParserType, path: Path) -> Iterator[None]:
    fed = 0
    for number, block in enumerate(blocks(path), start=1):
        if parser.EndElementHandler is None and number % LOOKED_AT == 0:
            check_depth(_opened(block))
        parser.Parse(block, False)
        fed += len(block)
        if fed - parser.CurrentByteIndex > MAX_TAG:
            raise DataError(f"one tag has more than {MAX_TAG} bytes", where=path)
        yield
    parser.Parse(b"", True)
    yield


def check_depth(depth: int) -> None:
    """Raises DataError where so many elements lie within each other."""
    if depth > MAX_DEPTH:
        raise DataError(f"has more than {MAX_DEPTH} elements within each other")


def _opened(text: bytes) -> int:
    """How many more elements begin than end in text without comments."""
    plain = _QUOTED.sub(b"", text.replace(b"\0", b""))  # zeros of UTF-16
    return plain.count(b"<") - 2 * plain.count(b"</") - plain.count(b"/>")


class _RefusedError(Exception):
    pass


def _refuse(*_: object) -> None:
    raise _RefusedError
