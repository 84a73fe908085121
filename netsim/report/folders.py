"""Where exports go."""

from __future__ import annotations

from pathlib import Path

from netsim.errors import OutputError
from netsim.results.reader import Run


def new_folder(path: Path) -> None:
    """Make a folder. Raises OutputError if it is taken or cannot be made."""
    try:
        taken = path.exists() and not _is_empty_folder(path)
        if taken:
            raise OutputError("the output folder must be new or empty", where=path)
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot be written: {error.strerror or error}", where=path) from None


def beside(run: Run, ending: str) -> Path:
    """A path next to the run folder, named after it."""
    has_name = run.path.name not in ("", "..")
    path = run.path if has_name else run.path.resolve()
    return path.with_name(path.name + ending)


def _is_empty_folder(path: Path) -> bool:
    return path.is_dir() and not any(path.iterdir())
