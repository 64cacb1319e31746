"""Compressed-token balances on Solana as one exact DataFrame, and charts to explore them.

Importing the package adds ``pd.read_helius_balances``, ``df.helius`` and ``addresses.helius`` to pandas. It
imports neither plotly nor ipywidgets, and patches no event loop.

Examples
--------
>>> import pandas as pd
>>> import helius_frames
>>> df = pd.read_helius_balances(helius_frames.demo.OWNERS, cluster="demo")
>>> df.helius.by_mint().columns[:3].tolist()
['holders', 'zero_balances', 'total']
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from helius_frames import demo
from helius_frames._endpoint import CLUSTERS
from helius_frames._pace import PLANS
from helius_frames._progress import Tally
from helius_frames._version import __version__
from helius_frames.accessor import AddressesAccessor, BalancesAccessor
from helius_frames.errors import (
    AttrsError,
    AuthenticationError,
    CursorError,
    EndpointError,
    HeliusError,
    HeliusErrorGroup,
    HostUnreachableError,
    InputError,
    InputErrorGroup,
    KeyMissingError,
    MintError,
    OwnerError,
    ProtocolError,
    PullInterrupted,
    RateLimitError,
    RequestTimeout,
    RPCError,
    TransportError,
)
from helius_frames.reader import (
    AsyncBalanceChunks,
    BalanceChunks,
    aread_helius_balances,
    read_helius_balances,
)

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

__all__ = [
    "CLUSTERS",
    "PLANS",
    "AsyncBalanceChunks",
    "AttrsError",
    "AuthenticationError",
    "BalanceChunks",
    "CursorError",
    "EndpointError",
    "HeliusError",
    "HeliusErrorGroup",
    "HostUnreachableError",
    "InputError",
    "InputErrorGroup",
    "KeyMissingError",
    "MintError",
    "OwnerError",
    "ProtocolError",
    "PullInterrupted",
    "RPCError",
    "RateLimitError",
    "RequestTimeout",
    "Tally",
    "TransportError",
    "__version__",
    "aread_helius_balances",
    "demo",
    "read_helius_balances",
]

pd.api.extensions.register_dataframe_accessor("helius")(BalancesAccessor)
pd.api.extensions.register_series_accessor("helius")(AddressesAccessor)
pd.api.extensions.register_index_accessor("helius")(AddressesAccessor)

if not hasattr(pd, "read_helius_balances"):
    pd.read_helius_balances = read_helius_balances  # type: ignore[attr-defined]


def load_ipython_extension(_shell: InteractiveShell) -> None:
    """Serve ``%load_ext helius_frames``: the import has done everything."""
