"""Compressed-token balances on Solana as one exact pandas DataFrame, and charts to explore them.

Importing the package adds ``pd.read_helius_balances``, ``pd.read_helius_holders``, ``df.helius`` and
``addresses.helius`` to pandas. It imports neither plotly nor ipywidgets, and patches no event loop.

Examples
--------
>>> import pandas as pd
>>> import helius_frames
>>> df = pd.read_helius_balances(helius_frames.demo.OWNERS, cluster="demo")
>>> df.helius.by_mint().columns[:3].tolist()
['holders', 'total', 'top1_share']
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from helius_frames import demo
from helius_frames._progress import PullProgress
from helius_frames._token_account import token_account_address
from helius_frames._transport.endpoint import CLUSTERS
from helius_frames._transport.rate_limit import PLANS
from helius_frames._version import __version__
from helius_frames.accessor import AddressesAccessor, BalancesAccessor
from helius_frames.errors import (
    AttrsError,
    AuthenticationError,
    CursorError,
    EndpointError,
    HeliusError,
    HostUnreachableError,
    InputError,
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
    aread_helius_holders,
    read_helius_balances,
    read_helius_holders,
)
from helius_frames.tokens import aread_helius_tokens, read_helius_tokens

if TYPE_CHECKING:
    from collections.abc import Mapping

    from IPython.core.interactiveshell import InteractiveShell

    from helius_frames.panel import Panel

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
    "HostUnreachableError",
    "InputError",
    "KeyMissingError",
    "MintError",
    "OwnerError",
    "ProtocolError",
    "PullInterrupted",
    "PullProgress",
    "RPCError",
    "RateLimitError",
    "RequestTimeout",
    "TransportError",
    "__version__",
    "app",
    "aread_helius_balances",
    "aread_helius_holders",
    "aread_helius_tokens",
    "demo",
    "read_helius_balances",
    "read_helius_holders",
    "read_helius_tokens",
    "token_account_address",
]

pd.api.extensions.register_dataframe_accessor("helius")(BalancesAccessor)
pd.api.extensions.register_series_accessor("helius")(AddressesAccessor)
pd.api.extensions.register_index_accessor("helius")(AddressesAccessor)

if not hasattr(pd, "read_helius_balances"):
    pd.read_helius_balances = read_helius_balances  # type: ignore[attr-defined]
if not hasattr(pd, "read_helius_holders"):
    pd.read_helius_holders = read_helius_holders  # type: ignore[attr-defined]
if not hasattr(pd, "read_helius_tokens"):
    pd.read_helius_tokens = read_helius_tokens  # type: ignore[attr-defined]


def app(*, decimals: Mapping[str, int] | None = None) -> Panel:
    """Open the pull panel: a form that fetches balances and shows charts, for people who do not write code.

    Owners are pasted or come from a file; cluster or endpoint, key, plan and a filter of mints are chosen
    in the form. The page stays responsive during a pull, and *Cancel* stops its requests. A key and an
    endpoint's URL are kept in no widget state, so no saved notebook holds them.

    Parameters
    ----------
    decimals
        A mapping from mint to the places of its amounts, for the explorer. Those that are typed into it are
        kept from pull to pull, and those of the demo cluster are known.

    Returns
    -------
    A widget. Show it as the last line of a cell, or serve the notebook with Voila. After a pull its
    ``frame`` is the frame that `read_helius_balances` returns and its ``explorer`` the explorer of it.

    Examples
    --------
    >>> import helius_frames
    >>> panel = helius_frames.app()
    >>> panel
    Panel(frame=None)
    """
    from helius_frames.panel import Panel  # noqa: PLC0415 - loads ipywidgets and plotly

    return Panel(decimals)


def load_ipython_extension(_shell: InteractiveShell) -> None:
    """Serve ``%load_ext helius_frames``: the import has done everything."""
