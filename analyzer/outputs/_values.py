"""Values as files carry them: no NaN, no infinities, times as ISO 8601 in UTC."""

from __future__ import annotations

import math
from datetime import date, datetime
from typing import Any


def plain(value: Any) -> Any:
    """None, bool, int, float, str or a list of them."""
    if hasattr(value, "item"):  # numpy scalars
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds") + "Z"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    return value
