"""The version of netsim; the build of the package reads it from here."""

__version__ = "0.1.0"
