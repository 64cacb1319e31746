"""Tables and measures from a frame of balances, computed exactly.

Totals are exact: Python integers in short tables, ``decimal128(38, 0)`` in columns as long as the frame.
Shares and measures are floats.
Each function takes a frame with the columns ``owner``, ``mint``, ``balance`` and ``slot``, does not change it
and returns a new one; further columns are ignored, `with_decimals` keeps them. Those that take a ``source``
take a `MintIndex` as well. This layer knows numpy, pandas and pyarrow, no plotly and no widgets.
"""

from helius_frames.analysis._airdrop import about_list, airdrop, airdrop_report, airdrop_summary, summarise
from helius_frames.analysis._attrs import failures, pull_attrs
from helius_frames.analysis._classes import Edges, classes, equal_balances, thresholds
from helius_frames.analysis._concentration import check_count, gini, hhi, nakamoto, top_share
from helius_frames.analysis._coverage import Mints
from helius_frames.analysis._diff import diff
from helius_frames.analysis._expected import Expected, Units
from helius_frames.analysis._fingerprint import fingerprint
from helius_frames.analysis._index import Holders, MintIndex, Source
from helius_frames.analysis._labels import Exclude, Labels, with_owners, without_owners
from helius_frames.analysis._mints import (
    Scale,
    bin_lows,
    by_mint,
    check_scale,
    distribution,
    ecdf,
    holders_between,
    lorenz,
    top_holders,
)
from helius_frames.analysis._overlap import Overlap, overlap
from helius_frames.analysis._owners import PullSummary, by_owner, drift, owners_of, pull_summary, slots
from helius_frames.analysis._schema import COLUMNS, check_schema
from helius_frames.analysis._shape import check_decimals, pivot, with_decimals
from helius_frames.analysis._text import shorten
from helius_frames.analysis._through_time import Pulls, cohorts, timeline
from helius_frames.analysis._tokens import holdings, with_tokens
from helius_frames.analysis._words import amount_text, count_text, share_text

__all__ = [
    "COLUMNS",
    "Edges",
    "Exclude",
    "Expected",
    "Holders",
    "Labels",
    "MintIndex",
    "Mints",
    "Overlap",
    "PullSummary",
    "Pulls",
    "Scale",
    "Source",
    "Units",
    "about_list",
    "airdrop",
    "airdrop_report",
    "airdrop_summary",
    "amount_text",
    "bin_lows",
    "by_mint",
    "by_owner",
    "check_count",
    "check_decimals",
    "check_scale",
    "check_schema",
    "classes",
    "cohorts",
    "count_text",
    "diff",
    "distribution",
    "drift",
    "ecdf",
    "equal_balances",
    "failures",
    "fingerprint",
    "gini",
    "hhi",
    "holders_between",
    "holdings",
    "lorenz",
    "nakamoto",
    "overlap",
    "owners_of",
    "pivot",
    "pull_attrs",
    "pull_summary",
    "share_text",
    "shorten",
    "slots",
    "summarise",
    "thresholds",
    "timeline",
    "top_holders",
    "top_share",
    "with_decimals",
    "with_owners",
    "with_tokens",
    "without_owners",
]
