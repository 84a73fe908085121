"""Python processes beside this one."""

from __future__ import annotations

import os
import sys


def environment(**variables: str) -> dict[str, str]:
    """Variables of this process and `variables`; a Python with these finds the same modules."""
    places = [place or os.getcwd() for place in sys.path]
    return {**os.environ, **variables, "PYTHONPATH": os.pathsep.join(places)}
