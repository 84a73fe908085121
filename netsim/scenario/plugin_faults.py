"""Exceptions of plug-ins: whose they are, and where they were raised."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from netsim.errors import NetsimError, RunError, ScenarioError
from netsim.plugins import plugin_class
from netsim.protocols import Scheme
from netsim.scenario.choices import SCHEMES, chosen
from netsim.scenario.model import Scenario

OURS = "netsim."


@contextmanager
def naming_plugins(scenario: Scenario, scheme: Scheme | None = None) -> Iterator[None]:
    """Turns an exception that a scenario's plug-in raises, or what it calls, into a RunError.

    The message names the plug-in, the exception and the plug-in's last line; the exception itself
    is the cause. Exceptions of netsim's own parts stay as they are.
    """
    try:
        yield
    except NetsimError:
        raise
    except Exception as error:
        blamed = _blamed(error, _plugins(scenario, scheme))
        if blamed is None:
            raise
        raise RunError(blamed) from error


def _plugins(scenario: Scenario, scheme: Scheme | None) -> dict[str, str]:
    """{module or package: the plug-in that it is of} for those that are not netsim's own."""
    found = {}
    for choice, name, _ in chosen(scenario):
        plugin: type | None = None
        if choice.group == SCHEMES and scheme is not None:
            plugin = type(scheme)
        else:
            with suppress(ScenarioError):
                plugin = plugin_class(choice.group, name, choice.name_key)
        if plugin is not None and not plugin.__module__.startswith(OURS):
            package = plugin.__module__.partition(".")[0]
            found[package] = f"{choice.name_key} = {name} ({plugin.__qualname__})"
    return found


def _blamed(error: Exception, plugins: dict[str, str]) -> str | None:
    """What to say of an exception with a plug-in's line in its traceback."""
    told = None
    for frame, line in traceback.walk_tb(error.__traceback__):
        module = str(frame.f_globals.get("__name__", ""))
        plugin = plugins.get(module.partition(".")[0])
        if plugin is not None:
            place = f"{frame.f_code.co_filename}, line {line}, in {frame.f_code.co_name}"
            told = f"{plugin} raised {type(error).__name__}: {error} ({place})"
    return told
