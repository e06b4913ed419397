"""Places for text in a picture of known width: measuring, wrapping, clamping, and keeping labels off each other.

Vega knows no collision between marks of different rows, so positions are computed here, in pixels.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from math import floor, log, log10

PICTURE = 700  # the whole width; half of it is a phone, and 13 px letters are still read there
FONT = 13
SMALL = 12
_NARROW, _WIDE = set("ijltfrI.,:;'|!()[]/ “”·"), set("mwMWGOQ@%—")


@dataclass(frozen=True, slots=True)
class Frame:
    """A stretch of time drawn on so many pixels, with room for labels to the right of it."""

    start: datetime
    end: datetime
    width: float
    margin: float = 0.0

    def x_of(self, t: datetime) -> float:
        """Pixel of an instant, clamped to the frame."""
        return min(1.0, max(0.0, (t - self.start) / (self.end - self.start))) * self.width

    def t_of(self, x: float) -> datetime:
        """Instant at a pixel; beyond the width it lies in the margin."""
        return self.start + (self.end - self.start) * (x / self.width)


def _advance(char: str) -> float:
    # Advance widths of Arial in em, in four classes; a hundredth or two too wide, so that text fits rather than not.
    return 0.33 if char in _NARROW else 0.86 if char in _WIDE else 0.68 if char.isupper() else 0.56


def text_width(text: str, size: int = FONT, *, bold: bool = False) -> float:
    """About how wide a line of text will be, in pixels."""
    return sum(map(_advance, text)) * size * (1.07 if bold else 1.0)


def cut(text: str, width: float, size: int = FONT, *, bold: bool = False) -> str:
    """The text, ended by an ellipsis where it would be wider than so many pixels."""
    if text_width(text, size, bold=bold) <= width:
        return text
    while text and text_width(text + "…", size, bold=bold) > width:
        text = text[: min(len(text) - 1, int(len(text) * 0.98))]
    return text.rstrip() + "…"


def wrap(text: str, size: int = FONT, width: float = PICTURE, *, bold: bool = False) -> list[str]:
    """Lines no wider than so many pixels; a single longer word is cut."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and text_width(longer, size, bold=bold) > width:
            lines.append(word)
        else:
            lines[-1] = longer
    return [cut(line, width, size, bold=bold) for line in lines]


def log_domain(values: list[float]) -> tuple[float, float]:
    """A range that holds x1 and every value, with air on both sides."""
    return min([1.0, *values]) / 1.35, max([1.0, *values]) * 1.35


def log_ticks(low: float, high: float) -> list[float]:
    """1, 2, 5, 10, ... inside the range; whole powers of ten where it is wide."""
    steps = (1,) if log10(high / low) > 2.5 else (1, 2, 5)
    powers = range(floor(log10(low)), floor(log10(high)) + 1)
    return [s * 10.0**p for p in powers for s in steps if low <= s * 10.0**p <= high]


def log_y(value: float, low: float, high: float, height: float) -> float:
    """Pixel of a value on a vertical log scale, from the top."""
    return height * (1 - log(value / low) / log(high / low))


def log_value(y: float, low: float, high: float, height: float) -> float:
    """The value at a pixel of a vertical log scale: the inverse of log_y."""
    return float(low * (high / low) ** (1 - y / height))


def spread(wanted: list[float], gap: float, low: float, high: float) -> list[float]:
    """Positions at least `gap` apart, in order, near the wanted ones, and inside the range if they fit."""
    order = sorted(range(len(wanted)), key=lambda i: wanted[i])
    placed, last = [0.0] * len(wanted), low - gap
    for i in order:
        placed[i] = last = max(wanted[i], last + gap)
    last = high + gap
    for i in reversed(order):
        placed[i] = last = min(placed[i], last - gap)
    return placed
