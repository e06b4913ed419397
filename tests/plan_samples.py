"""A plan that tests change one thing of."""

from __future__ import annotations

from datetime import datetime

from analyzer.plans import Event, Plan
from analyzer.verdicts import RULES_VERSION
from analyzer.version import __version__

SUDAN = "sd-2018-12-21-social"
NOW = datetime(2026, 1, 2, 3, 4, 5)
PLAN = Plan(
    event=Event(block=SUDAN),
    indicator="tor.bridge_users",
    type="users",
    horizon="14d",
    rules_version=RULES_VERSION,
    tool_version=__version__,
)
