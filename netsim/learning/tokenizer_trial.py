"""A tokenizer of unknown origin, tried in a process of its own before this one uses it.

tokenizer.json configures a library that can panic, ask for terabytes, or never end; a process that
this happens to can be given up. `python -m netsim.learning.tokenizer_trial FOLDER` is that process.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from netsim.child_processes import environment
from netsim.errors import InputError

SECONDS = 60.0
MOST_MEMORY = 8 * 2**30
"""Address space of the process, of which most is never used."""
FAST = "tokenizer.json"
OF_THE_LIBRARY = "Exception: "
"""How its own errors begin, which speak of its inner types."""
TEXTS = (
    "",
    "a",
    "A text, with signs: 12.5% - and (some) more!",
    "caf\u00e9 \u4e2d\u6587 \U0001f600",
    "a" * 3000,
)


def check_tokenizer(folder: Path) -> None:
    """Raises InputError if a folder's tokenizer cannot be loaded, or fails at some short texts."""
    command = [sys.executable, "-m", __name__, str(folder)]
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=SECONDS,
            env=environment(RUST_BACKTRACE="0"),
        )
    except subprocess.TimeoutExpired:
        raise _unusable(folder, f"it does not end within {SECONDS:g} s") from None
    if done.returncode:
        said = done.stderr.strip().splitlines()
        reason = said[-1] if done.returncode > 0 and said else "it ends its process"
        raise _unusable(folder, _told(reason))


@contextmanager
def without_panics(source: str | Path) -> Iterator[None]:
    """A panic of the library, which is no Exception, is an InputError."""
    try:
        yield
    except Exception:
        raise
    except BaseException as error:
        if type(error).__name__ != "PanicException":
            raise
        raise _unusable(source, str(error)) from None


def _unusable(source: str | Path, reason: str) -> InputError:
    plain = " ".join(reason.split())[:150]
    return InputError(f"the model's tokenizer cannot be used: {plain}", where=source)


def _told(reason: str) -> str:
    """What the library says of a file, without its inner names; where it tells a place, that."""
    if not reason.startswith(OF_THE_LIBRARY):
        return reason
    place = re.search(r"line \d+ column \d+$", reason)
    what = f"{FAST} is damaged, or of a kind that the tokenizers library does not read"
    return f"{what} (at {place.group()})" if place else what


def _try(folder: Path) -> None:
    """Load a tokenizer and use it."""
    if sys.platform == "linux":
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if (folder / FAST).is_file():
        import tokenizers

        fast = tokenizers.Tokenizer.from_file(str(folder / FAST))
        fast.encode_batch(list(TEXTS))
        return
    from transformers import AutoTokenizer

    slow = AutoTokenizer.from_pretrained(
        str(folder),
        local_files_only=True,
        trust_remote_code=False,
    )
    for text in TEXTS:
        slow(text)


if __name__ == "__main__":
    _try(Path(sys.argv[1]))
