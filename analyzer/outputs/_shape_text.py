"""The shape of an effect in plain lines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from analyzer.records import Feature, SeriesShape


def lines(shape: SeriesShape) -> list[str]:
    """How high and when, how fast it fell, what was left, what came before onset and after the end."""
    by_name = {f.feature: f for f in shape.features}
    if not shape.direction:
        return [by_name["path"].note]
    word = "peak" if shape.direction == "rise" else "trough"
    first = [_peak(word, by_name["peak"], by_name["peak_day"]), _half_life(by_name["half_life"])]
    left = {f"after {name[9:-1]} days": f for name, f in by_name.items() if name.startswith("residual_")}
    around = {"just before onset": by_name["anticipation"], "after the block's end": by_name["overshoot"]}
    return [f"shape: {'; '.join(part)}" for part in (first, _together(left), _together(around))] + list(
        _changes(shape.features)
    )


def _together(features: Mapping[str, Feature]) -> list[str]:
    """Ratios by name; those refused for one reason in one part."""
    said = [_ratio(name, f) for name, f in features.items() if not _refused(f)]
    reasons: dict[str, list[str]] = {}
    for name, f in features.items():
        if _refused(f):
            reasons.setdefault(f.note, []).append(name)
    return [*said, *(f"{', '.join(names)}: none given ({why})" for why, names in reasons.items())]


def _refused(f: Feature) -> bool:
    return f.value is None and f.low is None and f.high is None


def _peak(word: str, peak: Feature, day: Feature) -> str:
    if _refused(peak):
        return f"{word}: none given ({peak.note})"
    when = f" on {day.day}" if day.day else ""
    span = f" ({day.note})" if day.low != day.high else ""
    return f"{_ratio(word, peak)}{when}{span}"


def _half_life(half: Feature) -> str:
    if _refused(half):
        return f"half-life: none given ({half.note})"
    if half.value is None:
        return f"half-life at least {_count(half.low)} {half.unit}: {half.note}"
    high = f"to {_count(half.high)}" if half.high is not None else "or more"
    return f"half-life {_count(half.value)} {half.unit} ({_count(half.low)} {high})"


def _count(value: float | None) -> str:
    """Whole from ten on: the interval is never finer."""
    return f"{value or 0.0:.0f}" if (value or 0.0) >= 10 else f"{value or 0.0:.2g}"


def _ratio(name: str, f: Feature) -> str:
    if f.value is not None and f.low is not None and f.high is not None:
        return f"{name} x{f.value:.2f} ({f.low:.2f} to {f.high:.2f})"
    if f.low is not None:
        return f"{name} at least x{f.low:.2f}"
    if f.high is not None:
        return f"{name} at most x{f.high:.2f}"
    return f"{name}: none given ({f.note})"


def _changes(features: Sequence[Feature]) -> Iterator[str]:
    for f in features:
        if f.feature == "change" and f.value is not None:
            yield f"{f.note} (x{f.value:.2f})"
