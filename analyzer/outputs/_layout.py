"""Places for text in a picture of known width: wrapping, clamping, and keeping labels off each other.

Vega knows no collision between marks of different rows, so positions are computed here, in pixels.
"""

from __future__ import annotations

import textwrap
from datetime import datetime
from math import floor, log10

WIDTH = 640  # of the plotting area; the whole picture is some 60 wider, and still readable at half size
FONT = 13
_CHAR = 0.55  # mean width of a character of a plain sans face, in units of its size


def text_width(text: str, size: int = FONT) -> float:
    """About how wide a line of text will be, in pixels; errs on the wide side."""
    return len(text) * size * _CHAR


def wrap(text: str, size: int = FONT, width: float = WIDTH + 50) -> list[str]:
    """Lines that fit the picture; a word longer than a line is broken."""
    return textwrap.wrap(text, width=max(10, int(width / (size * _CHAR)))) or [""]


def x_of(t: datetime, start: datetime, end: datetime) -> float:
    """Pixel of an instant, clamped to the picture."""
    share = (t - start) / (end - start)
    return min(1.0, max(0.0, share)) * WIDTH


def t_of(x: float, start: datetime, end: datetime) -> datetime:
    """Instant at a pixel."""
    return start + (end - start) * (x / WIDTH)


def fit(text: str, x: float, size: int = FONT) -> tuple[float, str]:
    """Where a label wanted at x can start without leaving the picture; cut with an ellipsis if it cannot."""
    most = int(WIDTH / (size * _CHAR))
    shown = text if len(text) <= most else text[: most - 1].rstrip() + "…"
    return max(0.0, min(x, WIDTH - text_width(shown, size))), shown


def log_domain(values: list[float]) -> tuple[float, float]:
    """A range that holds x1 and every value, with air on both sides."""
    return min([1.0, *values]) / 1.35, max([1.0, *values]) * 1.35


def log_ticks(low: float, high: float) -> list[float]:
    """1, 2, 5, 10, ... inside the range; whole powers of ten where it is wide."""
    wide = log10(high / low) > 2.5
    steps = (1,) if wide else (1, 2, 5)
    powers = range(floor(log10(low)), floor(log10(high)) + 1)
    return [s * 10.0**p for p in powers for s in steps if low <= s * 10.0**p <= high]


def spread(wanted: list[float], gap: float, low: float, high: float) -> list[float]:
    """Positions at least `gap` apart, in order, near the wanted ones, and inside the range if they fit."""
    order = sorted(range(len(wanted)), key=lambda i: wanted[i])
    placed, last = [0.0] * len(wanted), low - gap
    for i in order:
        last = max(wanted[i], last + gap)
        placed[i] = last
    last = high + gap
    for i in reversed(order):
        placed[i] = max(low, min(placed[i], last - gap))
        last = placed[i]
    return placed
