"""Where the program starts, as `netsim` and as `python -m netsim`.

Python's own answer to Ctrl-C is a traceback. `main` takes that answer away before anything else is
imported; `netsim.cli.main` gives it back once it catches what is raised. Until then, and again once
a command is over, nothing is at stake: the process just ends.
"""

# Not `signal`: that loads `enum` before it can be used, and Ctrl-C could come in that time.
import _signal  # type: ignore[import-not-found, unused-ignore]
import os

INTERRUPTED = 130


def main() -> None:
    """Run the command line; exit codes: 0 done, 1 failed, 2 bad input, 130 interrupted."""
    _end_at_once()
    from netsim.cli.main import main as start

    try:
        start(caught=_raise)
    finally:
        _end_at_once()
        _leave_memory()


def _end_at_once() -> None:
    """From here on Ctrl-C ends the process with a word; where it is ignored it stays so."""
    if _signal.getsignal(_signal.SIGINT) is _signal.default_int_handler:
        _signal.signal(_signal.SIGINT, _end)


def _leave_memory() -> None:
    """Have Python end without looking for garbage among all that libraries loaded."""
    import gc

    gc.freeze()


def _raise() -> None:
    """From here on Ctrl-C is raised, as it is by default."""
    if _signal.getsignal(_signal.SIGINT) is _end:
        _signal.signal(_signal.SIGINT, _signal.default_int_handler)


def _end(_number: int, _frame: object) -> None:
    os.write(2, b"netsim: interrupted\n")
    os._exit(INTERRUPTED)


if __name__ == "__main__":
    main()
