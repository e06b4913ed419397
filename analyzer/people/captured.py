"""Shares of clients in captures: people behind the captured network, never of a country."""

from __future__ import annotations

from functools import partial

from analyzer.errors import NotEnoughData
from analyzer.people.cases import Case, Found
from analyzer.people.draws import Uncertain, at_worst, exact
from analyzer.people.matching import Anchors, timeless
from analyzer.people.routes import from_clients
from analyzer.quantities import People

CIRCUMVENTION = ("tunnel", "proxy", "anonymity", "covert")


def from_client_share(case: Case, anchors: Anchors) -> Found:
    """Share of the clients of one captured network; of that network only."""
    e = case.estimate
    kind, _, name = e.entity.partition("=")
    if kind not in ("kind", "family") or (kind == "kind" and name not in CIRCUMVENTION):
        raise NotEnoughData(f"{e.entity or 'all traffic'} is no use of a circumvention tool")
    if case.networks > 1:
        raise NotEnoughData(f"the store holds {case.networks} networks of {e.cc}: which of them this is cannot be told")
    addresses = timeless(case, anchors, "network_subscribers", "the clients of the network", needs_range=False)
    persons = timeless(case, anchors, "persons_per_address", "how many persons are behind an address, as a range")
    hit = timeless(case, anchors, "client_sensitivity", "the share of users among clients that is flagged")
    false = timeless(case, anchors, "client_false_positives", "the share of other clients that is flagged")
    shares = (case.mean_expected(is_share=True), exact(min(case.mean_observed(), 1.0), is_share=True))
    stated = (addresses, persons, hit, false)
    given = (*shares, *(a.uncertain() for a in stated))
    notes = [a.cited() for a in stated]
    notes.append("people behind the captured network only: nothing follows for the country")
    words = f"people behind the captured network who used {e.entity} beyond those expected, average step"
    worst = [at_worst(partial(_persons, alike=(part, part)), *given) for part in (0.0, 1.0)]
    ends = [end for found in worst if found for end in found]
    return Found(_persons(*given), "share of clients behind one network", words, tuple(notes),
                 (min(ends), max(ends)) if ends else None, is_of_tool=False, is_national=False)  # fmt: skip


def _persons(*given: Uncertain, alike: tuple[float, float] = (0.0, 1.0)) -> People:
    before, after, addresses, persons, hit, false = given
    return from_clients(before, after, addresses=addresses, persons_per_address=persons, sensitivity=hit,
                        false_positives=false, alike=alike)  # fmt: skip
