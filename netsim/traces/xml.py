"""XML of unknown origin, streamed: no document types, no entities, no tag of unbounded size."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from xml.parsers import expat

from netsim.errors import DataError
from netsim.traces.files import blocks

MAX_TAG = 16 * 2**20


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
    for block in blocks(path):
        parser.Parse(block, False)
        fed += len(block)
        if fed - parser.CurrentByteIndex > MAX_TAG:
            raise DataError(f"one tag has more than {MAX_TAG} bytes", where=path)
        yield
    parser.Parse(b"", True)
    yield


class _RefusedError(Exception):
    pass


def _refuse(*_: object) -> None:
    raise _RefusedError
