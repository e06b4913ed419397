"""Errors a user can act on: what is wrong, where, and what to do about it."""


class AnalyzerError(Exception):
    """Base of every error the command line turns into one line and exit code 1."""


class BadInput(AnalyzerError):
    """A file or table cannot be read as what it claims to be; nothing of it was kept."""


class UnknownName(AnalyzerError):
    """A source, block, indicator, query or country that does not exist; the message lists near names."""


class StoreError(AnalyzerError):
    """The DuckDB file cannot be opened, written or trusted."""


class StoreBusy(StoreError):
    """Another process is writing the store; the same will work when it has ended."""


class FetchError(AnalyzerError):
    """A download did not give the documented file."""


class NotEnoughData(AnalyzerError, ValueError):
    """Nothing honest can be said from these data; the message says what is there ("6 of 14 steps")."""
