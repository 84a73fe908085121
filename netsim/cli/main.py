"""Where the program starts: from its first moment on, whatever ends it is a word and an exit code.

Nothing is imported before that moment, so that an interruption while libraries load, which takes
longer than many a command, ends like any other.
"""

from __future__ import annotations

import os
import sys
import warnings

TYPE_CHECKING = False  # as type checkers know it
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TextIO

PROGRAM = "netsim"  # also where it was started as `python -m netsim`, which no shell completes
FAILED = 1
BAD_INPUT = 2
INTERRUPTED = 130


def main(caught: Callable[[], None] = lambda: None) -> None:
    """Run the command line; exit codes: 0 done, 1 failed, 2 bad input, 130 interrupted.

    caught: called once a KeyboardInterrupt is caught, so that signals may raise it.
    """
    _open_streams()
    with warnings.catch_warnings():
        if not sys.warnoptions:  # those of libraries are for programmers, who ask for them
            warnings.simplefilter("ignore")
        code = _carry_out(caught)
    for stream in (sys.stdout, sys.stderr):
        code = _flush(stream) or code
    sys.exit(code)


def _open_streams() -> None:
    """Give the process somewhere to write to where its caller has closed standard output."""
    sys.stdout = sys.stdout or _nowhere()
    sys.stderr = sys.stderr or _nowhere()


def _nowhere() -> TextIO:
    return open(os.devnull, "w", encoding="utf-8")


def _carry_out(caught: Callable[[], None]) -> int:
    """The exit code of a command, once its error, if there is one, is told."""
    try:
        caught()
        return _told_code()
    except KeyboardInterrupt:
        import signal

        signal.signal(signal.SIGINT, signal.SIG_IGN)  # what is left is to end
        _forget_interruption()
        return _tell("interrupted", INTERRUPTED)
    except BrokenPipeError:  # nobody reads on
        return FAILED
    except MemoryError:
        return _tell("there is not enough memory for this", FAILED)
    except OSError as error:
        reason = error.strerror or str(error)
        if not error.filename:
            _drop(sys.stdout)  # what it still holds would fail once more
            return _tell(f"the output cannot be written: {reason}", FAILED)
        return _tell(f"{error.filename}: {reason}", BAD_INPUT)


def _forget_interruption() -> None:
    """Have Python end with our exit code.

    Python remembers whether the last code that it ran from text, as `dataclass` does, was
    interrupted. Under `python -m` it would then kill itself with SIGINT, whatever the exit code.
    Running an empty text makes it forget.
    """
    exec("")


def _told_code() -> int:
    from netsim.errors import NetsimError

    try:
        words = sys.argv[1:]
        if words == ["--version"]:  # without a parser, which takes longer
            return _print_version()
        from netsim.collecting import COMMAND, collecting_rarely

        with collecting_rarely(COMMAND):
            from netsim.cli.commands import program

            program(words)(prog_name=PROGRAM, standalone_mode=True)
    except NetsimError as error:
        return _tell(str(error), error.exit_code)
    except SystemExit as ended:
        if ended.code == INTERRUPTED and _untold(ended):
            raise KeyboardInterrupt from None
        return ended.code if isinstance(ended.code, int) else FAILED
    return 0


def _print_version() -> int:
    from netsim.version import __version__

    sys.stdout.write(f"netsim {__version__}\n")
    return 0


def _untold(ended: SystemExit) -> bool:
    """Whether typer made the exit of an interruption, without a word."""
    return ended.__context__ is not None and isinstance(
        ended.__context__.__cause__, KeyboardInterrupt
    )


def _tell(message: str, code: int) -> int:
    from netsim.errors import MOST_CHARACTERS, one_line, shortened

    try:
        sys.stderr.write(f"netsim: {shortened(one_line(message), MOST_CHARACTERS)}\n")
    except OSError:  # what is left is the code
        return code
    return code


def _flush(stream: TextIO) -> int | None:
    """Write what is left to be written; the exit code if that fails, None if it does not."""
    try:
        stream.flush()
    except OSError as error:
        _drop(stream)
        if stream is sys.stdout and not isinstance(error, BrokenPipeError):
            _tell(f"the output cannot be written: {error.strerror or error}", FAILED)
        return FAILED
    except ValueError:  # closed meanwhile
        return None
    return None


def _drop(stream: TextIO) -> None:
    """Keep Python from trying again, and complaining, when it ends."""
    try:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
    except (OSError, ValueError):
        return


if __name__ == "__main__":
    main()
