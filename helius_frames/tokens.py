"""What the numbers are of: the reader of tokens, its twin, and the columns that it brings to a frame."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Unpack

import numpy as np
import pandas as pd
import pyarrow as pa

from helius_frames import _sync, analysis
from helius_frames._options import ConnectionOptions, must_be, resolve, seal, with_options
from helius_frames._progress import ProgressDisplay
from helius_frames._pull.tokens import TokenPull, TokenRow
from helius_frames._transport.endpoint import Endpoint, Secret, as_secret, resolve_endpoint
from helius_frames._transport.families import FAMILIES, FamilyName
from helius_frames._version import __version__
from helius_frames.errors import (
    AttrsError,
    EndpointError,
    HeliusError,
    InputError,
    KeyMissingError,
    PullInterrupted,
)

if TYPE_CHECKING:
    from collections.abc import Coroutine, Mapping

    from helius_frames._frame import DtypeBackend

__all__ = ["TokenOptions", "aread_helius_tokens", "read_helius_tokens", "with_tokens"]

_TEXT: Final = pd.StringDtype(storage="pyarrow", na_value=np.nan)
_TIME: Final = pd.DatetimeTZDtype("us", "UTC")
# Mints remembered of one endpoint; a row takes about half a kilobyte.
_KEPT_MAX: Final = 200_000


class TokenOptions(ConnectionOptions, total=False):
    """What `read_helius_tokens` takes beside the options of every reader."""

    rpc_endpoint: str | Secret | None
    pools: bool


@with_options(ConnectionOptions)
def read_helius_tokens(
    mints: object,
    *,
    rpc_endpoint: str | Secret | None = None,
    pools: bool = False,
    **options: Unpack[ConnectionOptions],
) -> pd.DataFrame:
    """Read the names, decimals, supply and price of mints, one row for each.

    Decimals, supply and program come from the mint's account (``getMultipleAccounts``, 100 a request, any
    Solana RPC node), symbol, name and price from ``getAssetBatch`` (1,000 a request), where the endpoint
    serves it. What could be had is given, and ``note`` says why something is missing; it is never 0.

    Parameters
    ----------
    mints
        Addresses (base58): one, or any iterable, Series or Index of them. A mint given twice is read once.
    rpc_endpoint
        URL of a Solana RPC node, with its own key in it: asked for the accounts in place of the endpoint, and
        for names where the endpoint does not serve them. ``api_key`` never goes there.
    pools
        Read the accounts too in which the tokens behind compressed balances lie: five more for a mint, ten
        where it has extensions.
    plan, requests_per_second
        As in `read_helius_balances`, but each family of methods has a limit of its own on Helius: by plan
        10, 50, 200 or 500 requests a second for accounts (1 credit each), and 2, 10, 50 or 100 for assets
        (10 credits each).
    errors
        ``"raise"``: an error that retrying cannot fix ends the pull. ``"collect"``: ``note`` names it, and
        the rest is given. A method that the server does not serve is no error as long as the other is.
    api_key, cluster, endpoint, max_concurrency, timeout, retries, dtype_backend, progress, event_loop
        As in `read_helius_balances`.

    Returns
    -------
    One row per mint, in the order given; index ``mint`` (str):

    - ``symbol``, ``name``: str, as whoever made the mint wrote them, without control characters and
      shortened; two mints may have the same
    - ``decimals``: UInt8
    - ``supply``: UInt64, base units, at ``slot``; compressed tokens and others
    - ``token_program``: category, the address of the program that the mint belongs to
    - ``price_usd``: float64, of one whole token, up to ten minutes older than ``price_at``; most have none
    - ``price_at``: datetime64[us, UTC], when the price was read
    - ``slot``: Int64, at which decimals and supply were read
    - ``note``: str, why something is missing; empty where nothing is
    - ``compressed``: UInt64, only with ``pools``: base units that lie behind compressed balances

    Raises
    ------
    InputError
        An argument is wrong; nothing was sent.
    AuthenticationError, RateLimitError, RPCError, ProtocolError, TransportError
        The error that ended the pull, with ``partial`` and ``open_mints``.
    PullInterrupted
        Ctrl-C or a kernel interrupt, with the same.

    Examples
    --------
    >>> import pandas as pd
    >>> import helius_frames
    >>> tokens = pd.read_helius_tokens(helius_frames.demo.MINTS[:3], cluster="demo")
    >>> tokens[["symbol", "decimals"]].to_dict("list")
    {'symbol': ['FAIR', 'PTS', 'STU'], 'decimals': [6, 0, 6]}
    """
    __tracebackhide__ = True
    rpc_endpoint = as_secret(rpc_endpoint)
    seal(options)
    try:
        return _read(_pull(mints, rpc_endpoint, pools, options))
    except (HeliusError, PullInterrupted) as error:
        raise error.with_traceback(None) from None


@with_options(ConnectionOptions, without=["event_loop"])
def aread_helius_tokens(
    mints: object,
    *,
    rpc_endpoint: str | Secret | None = None,
    pools: bool = False,
    **options: Unpack[ConnectionOptions],
) -> Coroutine[Any, Any, pd.DataFrame]:
    """Read as `read_helius_tokens` does, on the event loop that awaits it.

    The parameters are those of `read_helius_tokens` but for ``event_loop``.

    Returns
    -------
    A coroutine of the frame.

    Raises
    ------
    HeliusError
        As `read_helius_tokens` does; a wrong argument at the call, before anything is awaited.

    Examples
    --------
    >>> import asyncio
    >>> import helius_frames
    >>> one = helius_frames.demo.MINTS[0]
    >>> asyncio.run(helius_frames.aread_helius_tokens(one, cluster="demo")).loc[one, "name"]
    'Fair Drop'
    """
    __tracebackhide__ = True
    rpc_endpoint = as_secret(rpc_endpoint)
    seal(options)
    if "event_loop" in options:
        raise TypeError(
            "aread_helius_tokens runs on the loop that awaits it: there is no option 'event_loop'"
        )
    try:
        pull = _pull(mints, rpc_endpoint, pools, options)
    except HeliusError as error:
        raise error.with_traceback(None) from None
    return _aread(pull)


@with_options(ConnectionOptions)
def with_tokens(
    frame: pd.DataFrame,
    tokens: pd.DataFrame | Mapping[str, Any] | None = None,
    *,
    rpc_endpoint: str | Secret | None = None,
    **options: Unpack[ConnectionOptions],
) -> pd.DataFrame:
    """Add the columns ``symbol``, ``decimals`` and ``supply`` to a frame of balances.

    Tables that are made of the frame then show names and whole tokens. The columns stay through filters,
    ``concat`` and Parquet. Where the frame has such columns, what is known now replaces what is there.

    Parameters
    ----------
    tokens
        A frame of `read_helius_tokens`; or a mapping from mint to symbol (text), to decimals (a number), or
        to a mapping of ``symbol``, ``decimals`` and ``supply``. Without it they are read now, from where
        the frame came, and remembered for this process and endpoint: `read_helius_tokens` reads them anew.
    rpc_endpoint, **options
        As in `read_helius_tokens`, where they are read now.

    Returns
    -------
    A new frame with all columns and attrs of this one, and:

    - ``symbol``: category
    - ``decimals``: UInt8
    - ``supply``: UInt64, base units

    missing where unknown.

    Raises
    ------
    AttributeError
        A column of the balance schema is missing.
    AttrsError
        ``df.attrs["helius"]`` is gone, and neither ``cluster`` nor ``endpoint`` is given.
    InputError
        ``tokens`` is of another kind, or holds something that is no symbol, decimals or supply.
    HeliusError
        As `read_helius_tokens` does.

    Examples
    --------
    >>> import helius_frames
    >>> df = helius_frames.read_helius_balances(helius_frames.demo.OWNERS[:20], cluster="demo")
    >>> df = df.helius.with_tokens()
    >>> df.dtypes[["symbol", "decimals", "supply"]].astype(str).tolist()
    ['category', 'UInt8', 'UInt64']
    """
    __tracebackhide__ = True
    rpc_endpoint = as_secret(rpc_endpoint)
    seal(options)
    analysis.check_schema(frame)
    if tokens is None:
        if options.get("endpoint") is None and options.get("cluster") is None:
            options["cluster"] = _cluster_of(frame)
        try:
            tokens = _remembered(frame["mint"].drop_duplicates(), rpc_endpoint, options)
        except (HeliusError, PullInterrupted) as error:
            raise error.with_traceback(None) from None
    return analysis.with_tokens(frame, tokens)


def _cluster_of(frame: pd.DataFrame) -> Any:  # noqa: ANN401 - what was stored; `resolve` checks it
    """Return the cluster that a frame was read from."""
    asked = analysis.pull_attrs(frame)
    if not asked:
        raise AttrsError(
            'df.attrs["helius"] is gone (pandas drops it, for one in a concat) or not ours: it is not known'
            " where this frame was read: pass cluster= or endpoint=, or tokens="
        )
    if "cluster" not in asked:
        raise InputError(
            f"the URL of {asked.get('endpoint', 'the endpoint')} is not kept with the frame: pass endpoint="
            " again"
        )
    return asked["cluster"]


def _pull(mints: object, rpc_endpoint: Secret | None, pools: object, options: ConnectionOptions) -> TokenPull:
    """Check every argument of a call and return its pull; nothing is sent before all are good."""
    unknown = next((name for name in options if name not in ConnectionOptions.__annotations__), None)
    if unknown is not None:
        names = ", ".join([*TokenOptions.__annotations__])
        raise TypeError(f"there is no option {unknown!r}; the options are {names}")
    if not isinstance(pools, bool):
        raise must_be("pools", "True or False", pools)
    is_empty = not isinstance(mints, str | bytes) and hasattr(mints, "__len__") and not len(mints)
    config = resolve((), None if is_empty else mints if mints is not None else "", options)
    rpc = None if rpc_endpoint is None else _rpc(rpc_endpoint)
    plan, own_rate = options.get("plan"), options.get("requests_per_second")

    def rate(family: FamilyName, endpoint: Endpoint) -> float | None:
        if own_rate is not None:
            return config.rate
        if endpoint is rpc and not endpoint.is_helius:
            return None  # the plan is of another server
        return FAMILIES[family].rates.get(plan) if plan is not None else None

    return TokenPull(config, rpc, rate, pools=pools)


def _rpc(url: Secret) -> Endpoint:
    """Return the endpoint of ``rpc_endpoint=``: its key stands in its URL, and no other one goes there."""
    try:
        return resolve_endpoint(endpoint=url, environ={})
    except KeyMissingError:
        reason = "rpc_endpoint needs a Helius API key: write it into the URL, as ?api-key=…"
    except EndpointError as error:
        reason = f"rpc_endpoint: {error.reason}"
    raise EndpointError(reason)


def _read(pull: TokenPull) -> pd.DataFrame:
    display = _display(pull)
    is_whole = False
    try:
        _sync.run(pull.run(), event_loop=pull.config.event_loop, on_tick=display)
        is_whole = True
    except HeliusError as error:
        _keep(error, pull)
        raise
    except KeyboardInterrupt:
        interrupt = PullInterrupted()
        _keep(interrupt, pull)
    finally:
        display.close(is_failed=not is_whole)
    if not is_whole:
        raise interrupt  # here, so that it carries no frames
    return _frame(pull)


async def _aread(pull: TokenPull) -> pd.DataFrame:
    __tracebackhide__ = True
    display = _display(pull)
    is_whole = False
    try:
        await _sync.with_ticks(pull.run(), display)
        is_whole = True
    except HeliusError as error:
        _keep(error, pull)
        raise error.with_traceback(None) from None
    finally:
        display.close(is_failed=not is_whole)
    return _frame(pull)


def _display(pull: TokenPull) -> ProgressDisplay:
    config = pull.config
    return ProgressDisplay(pull.progress, config.progress, is_local=config.endpoint.is_demo)


def _keep(error: HeliusError | PullInterrupted, pull: TokenPull) -> None:
    """Attach what had arrived to the exception that ended the pull."""
    error.keep(_frame(pull), pull.left(), len(pull.config.mints), "mint")


def _frame(pull: TokenPull) -> pd.DataFrame:
    frame = tokens_frame(pull.rows(), pools=pull.pools, dtype_backend=pull.config.dtype_backend)
    frame.attrs["helius"] = pull.attrs() | {"version": __version__}
    return frame


def tokens_frame(
    rows: Mapping[str, TokenRow], *, pools: bool = False, dtype_backend: DtypeBackend | None = None
) -> pd.DataFrame:
    """Build the frame of token facts: the one schema."""

    def column(name: str, dtype: Any) -> Any:  # noqa: ANN401 - an array of any of these dtypes
        return pd.array([getattr(row, name) for row in rows.values()], dtype=dtype)

    frame = pd.DataFrame(
        {
            "symbol": column("symbol", _TEXT),
            "name": column("name", _TEXT),
            "decimals": column("decimals", "UInt8"),
            "supply": column("supply", "UInt64"),
            "token_program": pd.Categorical(column("token_program", _TEXT)),
            "price_usd": column("price_usd", "Float64").to_numpy(dtype=np.float64, na_value=np.nan),
            "price_at": column("price_at", _TIME),
            "slot": column("slot", "Int64"),
            "note": column("note", _TEXT),
        },
        index=pd.Index(list(rows), dtype=_TEXT, name="mint"),
    )
    if pools:
        frame["compressed"] = column("compressed", "UInt64")
    if dtype_backend == "numpy_nullable":
        return frame.astype({"price_usd": "Float64"})
    if dtype_backend == "pyarrow":
        kinds = {name: pa.array(frame[name]).type for name in frame.columns}
        return frame.astype({name: pd.ArrowDtype(kind) for name, kind in kinds.items()})
    return frame


_kept: dict[tuple[tuple[str, str, str], ...], dict[str, TokenRow]] = {}


def _remembered(mints: pd.Series, rpc_endpoint: Secret | None, options: ConnectionOptions) -> pd.DataFrame:
    """Read mints that this process has not read yet from where they are asked for, and return all of them.

    Rows that an error took part in are read again next time. The demo cluster is not remembered: it costs
    nothing, and stands at different moments.
    """
    pull = _pull(mints, rpc_endpoint, False, options)  # noqa: FBT003
    endpoint, rpc = pull.config.endpoint, pull.rpc
    places = tuple(each.account("tokens") for each in (endpoint, rpc) if each is not None)
    kept = {} if endpoint.is_demo else _kept.setdefault(places, {})
    new = [mint for mint in pull.config.mints if mint not in kept]
    rows = {mint: kept[mint] for mint in pull.config.mints if mint in kept}
    if new:
        pull = _pull(new, rpc_endpoint, False, options)  # noqa: FBT003
        _read(pull)
        read = pull.rows()
        rows |= read
        if len(kept) + len(read) > _KEPT_MAX:
            kept.clear()
        kept |= {mint: row for mint, row in read.items() if row.is_final}
    return tokens_frame(rows)
