"""The store's series of one country, each read once: what one series' checks need to know of the others."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field, replace
from typing import Any

from analyzer.checks import Vintage
from analyzer.store import Store
from analyzer.study.series import Aligned, SeriesKey, aligned


@dataclass(slots=True)
class AtHand:
    """Series of a country.  What was read for one series is kept for the others, all countries until it is taken."""

    store: Store
    cc: str
    known: dict[Hashable, Any] = field(default_factory=dict)  # answers that several series ask for
    _keys: tuple[SeriesKey, ...] | None = None
    _own: dict[SeriesKey, Aligned] = field(default_factory=dict)
    _whole: dict[SeriesKey, Aligned] = field(default_factory=dict)
    _vintages: tuple[Vintage, ...] | None = None

    @property
    def keys(self) -> tuple[SeriesKey, ...]:
        """Every series with a value, those of nothing but zeros among them."""
        if self._keys is None:
            rows = self.store.rows("series_of_country", cc=self.cc)
            found = (SeriesKey(r["indicator"], r["asn"], r["entity"], r["unit"], r["scale_id"]) for r in rows)
            self._keys = tuple(found)
        return self._keys

    def own(self, key: SeriesKey) -> Aligned:
        """A series of this country alone."""
        if key not in self._own:
            self.whole(key)
        return self._own[key]

    def whole(self, key: SeriesKey) -> Aligned:
        """A series with all countries; kept until it is taken."""
        if key not in self._whole:
            self._whole[key] = self._read(key)
        return self._whole[key]

    def take(self, key: SeriesKey) -> Aligned:
        """A series with all countries that nobody will ask for again."""
        return self._whole.pop(key, None) or self._read(key)

    def _read(self, key: SeriesKey) -> Aligned:
        found = aligned(self.store, key, self.cc)
        self._own[key] = of_country(found, self.cc)
        return found

    def denominators(self) -> tuple[Vintage, ...]:
        """Denominators of the country as every file gave them."""
        if self._vintages is None:
            rows = self.store.rows("denominator_vintages", cc=self.cc)
            self._vintages = tuple(Vintage(**row) for row in rows)
        return self._vintages


def of_country(series: Aligned, cc: str) -> Aligned:
    """A series without the other countries; without any where this one is not in it."""
    if cc not in series.values:
        return replace(series, values={}, quality={}, n={}, censored={}, snapshot_ids={}, provisional_from={})
    return replace(
        series,
        values={cc: series.values[cc]},
        quality={cc: series.quality[cc]},
        n={cc: series.n[cc]},
        censored={cc: series.censored[cc]},
        snapshot_ids={cc: series.snapshot_ids[cc]},
    )
