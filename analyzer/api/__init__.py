"""The verbs of the command line in Python: open, load, fetch, query, blocks, estimate, scan, brief.

>>> import analyzer
>>> db = analyzer.open("uptake.duckdb")
>>> db.load("userstats-bridge-country.csv")          # doctest: +SKIP
>>> study = db.estimate("sd-2018-12-21-social")      # doctest: +SKIP
>>> study.to_frame()                                 # doctest: +SKIP
"""

from __future__ import annotations

from os import PathLike

from analyzer.api.database import Database, scan_report
from analyzer.api.studies import Study, now, write_brief

__all__ = ["Database", "Study", "now", "open", "scan_report", "write_brief"]


def open(path: str | PathLike[str] = "uptake.duckdb") -> Database:
    """The store at `path`; it need not exist yet."""
    return Database(path)
