"""Shares corrected for classifier error, at the level that is counted: flows, clients or bytes.

Arrays and records in, frozen records out: no database, no terminal.
"""

from analyzer.shares.changes import ChangeBand, Decomposition, change_band, decompose
from analyzer.shares.clients import ByteSizes, ClientError, ClientRule, client_error, fewest_flows, flagged_probability
from analyzer.shares.correction import CorrectedShare, corrected_share, false_flag_share
from analyzer.shares.rates import TRANSPORT_CAVEAT, ErrorRates, Rate, choose, load_rates, shipped_rates
from analyzer.shares.sampling import Expanded, chance_seen, expand_sampled

__all__ = [
    "TRANSPORT_CAVEAT",
    "ByteSizes",
    "ChangeBand",
    "ClientError",
    "ClientRule",
    "CorrectedShare",
    "Decomposition",
    "ErrorRates",
    "Expanded",
    "Rate",
    "chance_seen",
    "change_band",
    "choose",
    "client_error",
    "corrected_share",
    "decompose",
    "expand_sampled",
    "false_flag_share",
    "fewest_flows",
    "flagged_probability",
    "load_rates",
    "shipped_rates",
]
