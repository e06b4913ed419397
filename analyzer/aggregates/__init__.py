"""Labelled flows -> hourly aggregates without addresses or names: what may be stored, and nothing else.

`Collector` takes batches of flows and keeps sums and keyed hashes; `tables` makes of it columns for the store, in which
every cell that rests on fewer than k clients is suppressed, and others with it so that no sum gives it away.
"""

from analyzer.aggregates.collect import Collector
from analyzer.aggregates.tables import DEFAULT_K, DEFAULT_RULE, Aggregates, ClientRule, tables

__all__ = ["DEFAULT_K", "DEFAULT_RULE", "Aggregates", "ClientRule", "Collector", "tables"]
