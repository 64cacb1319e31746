"""Tables of mints and of the holders of one mint."""

from __future__ import annotations

from typing import Literal, TypeAlias, get_args

import numpy as np
import pandas as pd
import pyarrow as pa

from helius_frames.analysis._concentration import (
    TOP,
    Groups,
    check_count,
    ginis,
    hhis,
    medians,
    nakamotos,
    top_shares,
)
from helius_frames.analysis._exact import I64, U64, as_arrow, check_backend, integer_objects, minus, widen
from helius_frames.analysis._index import Holders, MintIndex, Source, by_holders, mint_groups
from helius_frames.analysis._labels import Exclude, by_mint_of_rest, rest_of
from helius_frames.analysis._schema import code_names, read_columns
from helius_frames.analysis._text import short_names
from helius_frames.analysis._tokens import (
    add_units,
    arrow_units,
    has_tokens,
    tokens_of,
    unit_objects,
)
from helius_frames.errors import InputError

Scale: TypeAlias = Literal["log", "linear"]

_ARROW_KINDS = {"symbol": pd.ArrowDtype(pa.string()), "share_of_supply": pd.ArrowDtype(pa.float64())}


def by_mint(
    source: Source,
    *,
    short: bool = False,
    dtype_backend: Literal["pyarrow"] | None = None,
    exclude: Exclude = None,
) -> pd.DataFrame:
    """Sum up each mint: its holders, its exact total and how unevenly it is held.

    Holders are the owners with a balance above zero; zero balances are counted apart and enter no
    measure. "Total" is what the owners of this frame hold, not the supply of the mint.

    Parameters
    ----------
    short
        Shorten the addresses in the index, to print the table; no two of them become the same.
    dtype_backend
        ``"pyarrow"``: Arrow dtypes, and ``total`` as decimal128(38, 0), to save the table. A decimal
        cannot be multiplied or divided where the result might need more than 38 digits.
    exclude
        Owners to leave out: ``"programs"``, labels, addresses; see `without_owners`.

    Returns
    -------
    One row per mint that has rows, most holders first; index ``mint`` (str):

    - ``symbol``: str; where several mints share one, with the short address behind it
    - ``holders``: int64
    - ``total``: object, Python integers, exact, base units
    - ``ui_total``: object, `decimal.Decimal`, exact, whole tokens; missing where the decimals are unknown
    - ``share_of_supply``: float64, of the supply, which was read at a slot of its own, so that it may exceed
      1 by a hair; NaN where the supply is unknown
    - ``top1_share``, ``top10_share``: float64 in (0, 1], see `top_share`; NaN without holders
    - ``gini``: float64 in [0, 1), see `gini`; NaN without holders
    - ``nakamoto``: int64, see `nakamoto`; 0 without holders
    - ``median``: UInt64, base units, the largest balance of the poorer half of the holders (of the middle
      two the smaller one, as `statistics.median_low`); missing without holders
    - ``largest``: uint64, base units; 0 without holders
    - ``hhi``: float64 in (0, 1], see `hhi`; NaN without holders
    - ``zero_balances``: int64
    - ``excluded_holders``: int64, and ``excluded_total``: Python integers, base units: what was left out of
      all other columns; only with ``exclude``

    ``symbol``, ``ui_total`` and ``share_of_supply`` are there where the frame has the columns ``symbol``,
    ``decimals`` and ``supply``, see `with_tokens`.

    Raises
    ------
    AttributeError
        A column of the balance schema is missing.
    InputError
        A balance is missing, negative or not an integer, an (owner, mint) pair is there twice, a mint has
        more than one number of decimals, or ``dtype_backend`` is not one of these.

    Examples
    --------
    >>> import helius_frames
    >>> from helius_frames.analysis import by_mint
    >>> df = helius_frames.read_helius_balances(helius_frames.demo.OWNERS, cluster="demo")
    >>> table = by_mint(df)
    >>> bool((table["holders"] + table["zero_balances"]).sum() == len(df))
    True
    >>> by_mint(df, short=True).index[0]
    '7or7…pcva'
    """
    check_backend(dtype_backend)
    if exclude is not None:
        table = by_mint_of_rest(source, exclude, by_mint)
    else:
        if isinstance(source, MintIndex):
            frame, mints = source.frame, source.columns.mints
            groups, codes = source.groups, source.mint_codes
        else:
            frame, columns = source, read_columns(source)
            mints, (groups, codes) = columns.mints, mint_groups(columns)
        table = _summary(mints.names[codes], groups)
        if has_tokens(frame):
            tokens = tokens_of(frame, mints)
            table = add_units(table, tokens, mints.names, codes, groups.totals, column="total")
        table = table.iloc[by_holders(groups)]
    if dtype_backend == "pyarrow":
        table = _as_arrow_with_units(table)
    return table.set_axis(short_names(table.index)) if short else table


def _as_arrow_with_units(table: pd.DataFrame) -> pd.DataFrame:
    units = table[[name for name in ("symbol", "ui_total", "share_of_supply") if name in table]]
    if "ui_total" in units:
        units = units.assign(ui_total=arrow_units(units["ui_total"]))
    units = units.astype({name: _ARROW_KINDS[name] for name in _ARROW_KINDS if name in units})
    return as_arrow(table.drop(columns=list(units))).join(units)[list(table)]


def top_holders(source: Source, mint: str, n: int = 20, *, exclude: Exclude = None) -> pd.DataFrame:
    """List the n largest holders of one mint.

    Parameters
    ----------
    exclude
        Owners to leave out: ``"programs"``, labels, addresses; see `without_owners`. How many holders they
        are and how much they hold is in the table's attrs, ``excluded_holders`` and ``excluded_total``.

    Returns
    -------
    One row per holder, largest first, equal balances in the order of the frame; index ``rank`` from 1:

    - ``owner``: str
    - ``balance``: uint64, base units
    - ``ui_balance``: object, `decimal.Decimal`, exact, whole tokens; only where the frame knows the decimals
    - ``symbol``: str; only where the frame knows it
    - ``share``, ``cumulative_share``: float64 in (0, 1], of the total held by the owners of this frame
    - ``slot``: int64

    Raises
    ------
    AttributeError
        A column of the balance schema is missing.
    InputError
        The mint is not in the frame, ``n`` is below 1, or the balances are not exact or are there twice.

    Examples
    --------
    >>> import helius_frames
    >>> from helius_frames.analysis import by_mint, top_holders
    >>> df = helius_frames.read_helius_balances(helius_frames.demo.OWNERS, cluster="demo")
    >>> top = top_holders(df, by_mint(df).index[0], n=5)
    >>> top["balance"].is_monotonic_decreasing
    True
    """
    check_count(n, "n")
    rest = rest_of(source, mint, exclude)
    index = MintIndex.for_mint(rest.source, mint)
    holders = index.holders(mint)
    table = index.holder_table(holders, max(holders.size - n, 0), holders.size)
    return rest.note(_with_units(table, source, mint))


def holders_between(source: Source, mint: str, low: int, high: int) -> pd.DataFrame:
    """List the holders of one mint whose balance is from ``low`` to ``high``, both included.

    This is the table behind one bar of the histogram; ``low`` and ``high`` are base units.

    Returns
    -------
    Rows as of `top_holders`; ``rank`` and ``cumulative_share`` count from the largest holder of the mint.

    Raises
    ------
    AttributeError
        A column of the balance schema is missing.
    InputError
        The mint is not in the frame, ``low`` or ``high`` is not an integer, or the balances are not exact or
        are there twice.

    Examples
    --------
    >>> import helius_frames
    >>> from helius_frames.analysis import by_mint, distribution, holders_between
    >>> df = helius_frames.read_helius_balances(helius_frames.demo.OWNERS, cluster="demo")
    >>> mint = by_mint(df).index[0]
    >>> bar = distribution(df, mint, bins=5).iloc[-1]
    >>> bool(len(holders_between(df, mint, bar["low"], bar["high"])) == bar["holders"])
    True
    """
    index = MintIndex.for_mint(source, mint)
    holders = index.holders(mint)
    first = _holders_below(holders, _whole_number("low", low))
    end = _holders_below(holders, _whole_number("high", high) + 1)
    return _with_units(index.holder_table(holders, first, max(first, end)), source, mint)


def distribution(
    source: Source, mint: str, bins: int = 60, scale: Scale = "log", *, exclude: Exclude = None
) -> pd.DataFrame:
    """Count the holders of one mint in bins of equal width on a log or a linear scale.

    The bins reach from the smallest to the largest balance above zero and leave nothing out between
    them. Their edges are whole base units, so each holder is in exactly one bin; a bin without a whole
    number in it does not exist, so there may be fewer than asked. Zero balances are in no bin: `by_mint`
    counts them.

    Parameters
    ----------
    exclude
        Owners to leave out: ``"programs"``, labels, addresses; see `without_owners`. How many holders they
        are and how much they hold is in the table's attrs, ``excluded_holders`` and ``excluded_total``.

    Returns
    -------
    One row per bin, ascending; none without holders:

    - ``low``, ``high``: uint64, the smallest and largest balance that falls into the bin, base units
    - ``holders``: int64
    - ``total``: object, Python integers, exact sum of their balances, base units

    Raises
    ------
    AttributeError
        A column of the balance schema is missing.
    InputError
        The mint is not in the frame, ``bins`` is below 1, ``scale`` is neither ``"log"`` nor
        ``"linear"``, or the balances are not exact or are there twice.

    Examples
    --------
    >>> import helius_frames
    >>> from helius_frames.analysis import by_mint, distribution
    >>> df = helius_frames.read_helius_balances(helius_frames.demo.OWNERS, cluster="demo")
    >>> table = by_mint(df)
    >>> bins = distribution(df, table.index[0])
    >>> bool(bins["holders"].sum() == table["holders"].iloc[0])
    True
    """
    check_count(bins, "bins")
    check_scale(scale)
    rest = rest_of(source, mint, exclude)
    holders = MintIndex.for_mint(rest.source, mint).holders(mint)
    lows = bin_lows(holders.balances, bins, scale)
    edges = np.append(np.searchsorted(holders.balances, lows), holders.size)
    sums = minus(holders.sums(edges[1:]), holders.sums(edges[:-1]))
    return rest.note(
        pd.DataFrame(
            {
                "low": lows,
                "high": np.append(lows[1:] - np.uint64(1), holders.balances[-1:]),
                "holders": np.diff(edges),
                "total": integer_objects(sums),
            }
        )
    )


def lorenz(source: Source, mint: str, *, exclude: Exclude = None) -> pd.DataFrame:
    """Trace the Lorenz curve of one mint's holders.

    The share of the total that the poorest share of the holders has. Equal balances give the diagonal; the
    Gini coefficient is twice the area between it and the curve.

    Parameters
    ----------
    exclude
        Owners to leave out: ``"programs"``, labels, addresses; see `without_owners`. How many holders they
        are and how much they hold is in the table's attrs, ``excluded_holders`` and ``excluded_total``.

    Returns
    -------
    One row per holder, poorest first, after the origin (0, 0); the origin alone without holders:

    - ``holder_share``, ``balance_share``: float64 in [0, 1], both ascending

    Raises
    ------
    AttributeError
        A column of the balance schema is missing.
    InputError
        The mint is not in the frame, or the balances are not exact or are there twice.

    Examples
    --------
    >>> import helius_frames
    >>> from helius_frames.analysis import by_mint, lorenz
    >>> df = helius_frames.read_helius_balances(helius_frames.demo.OWNERS, cluster="demo")
    >>> curve = lorenz(df, by_mint(df).index[0])
    >>> curve.iloc[-1].tolist()
    [1.0, 1.0]
    """
    rest = rest_of(source, mint, exclude)
    holders = MintIndex.for_mint(rest.source, mint).holders(mint)
    return rest.note(lorenz_at(holders, np.arange(holders.size + 1)))


def ecdf(source: Source, mint: str, *, exclude: Exclude = None) -> pd.DataFrame:
    """Trace the empirical distribution of one mint's balances: the share of holders at or below it.

    Parameters
    ----------
    exclude
        Owners to leave out: ``"programs"``, labels, addresses; see `without_owners`. How many holders they
        are and how much they hold is in the table's attrs, ``excluded_holders`` and ``excluded_total``.

    Returns
    -------
    One row per different balance above zero, ascending:

    - ``balance``: uint64, base units
    - ``holders``: int64, the number of holders with at most this balance
    - ``share``: float64 in (0, 1], the same as a share of all holders

    Raises
    ------
    AttributeError
        A column of the balance schema is missing.
    InputError
        The mint is not in the frame, or the balances are not exact or are there twice.

    Examples
    --------
    >>> import helius_frames
    >>> from helius_frames.analysis import by_mint, ecdf
    >>> df = helius_frames.read_helius_balances(helius_frames.demo.OWNERS, cluster="demo")
    >>> float(ecdf(df, by_mint(df).index[0])["share"].iloc[-1])
    1.0
    """
    rest = rest_of(source, mint, exclude)
    holders = MintIndex.for_mint(rest.source, mint).holders(mint)
    last_of_equals = np.append(holders.balances[1:] != holders.balances[:-1], holders.size > 0)
    return rest.note(ecdf_at(holders, np.flatnonzero(last_of_equals[: holders.size])))


def lorenz_at(holders: Holders, counts: I64) -> pd.DataFrame:
    """Return the points of the Lorenz curve after the given numbers of the poorest holders."""
    return pd.DataFrame(
        {
            "holder_share": counts / max(holders.size, 1),
            "balance_share": holders.shares(holders.sums(counts)),
        }
    )


def ecdf_at(holders: Holders, places: I64) -> pd.DataFrame:
    """Return the points of the empirical distribution at these places among the ascending balances."""
    balances = holders.balances[places]
    counts = np.searchsorted(holders.balances, balances, side="right")
    return pd.DataFrame({"balance": balances, "holders": counts, "share": counts / max(holders.size, 1)})


def check_scale(scale: str) -> None:
    """Raise unless the scale is ``"log"`` or ``"linear"``."""
    if scale not in get_args(Scale):
        raise InputError(f"scale must be {' or '.join(map(repr, get_args(Scale)))}, got {scale!r}")


def _with_units(table: pd.DataFrame, source: Source, mint: str) -> pd.DataFrame:
    """Return a table of one mint's holders with whole tokens and their symbol, as far as they are known."""
    frame = source.frame if isinstance(source, MintIndex) else source
    if not has_tokens(frame):
        return table
    mints = code_names(frame["mint"])
    code = int(mints.names.get_indexer(pd.Index([mint]))[0])
    tokens = tokens_of(frame, mints)
    decimals, _ = tokens.at(code)
    symbol = None if code < 0 else tokens.labels(mints.names)[code]
    if symbol is not None:
        table.insert(2, "symbol", pd.Series(symbol, table.index, dtype="str"))
    if code >= 0 and decimals is not None:
        table.insert(2, "ui_balance", unit_objects(widen(table["balance"].to_numpy()), decimals))
    return table


def _whole_number(name: str, value: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise InputError(f"{name} must be an integer, got {value!r}")
    return int(value)


def _holders_below(holders: Holders, amount: int) -> int:
    """Count the holders with less than an amount, which may lie outside of what a balance can be."""
    if amount < 0:
        return 0
    if amount > np.iinfo(np.uint64).max:
        return holders.size
    return int(np.searchsorted(holders.balances, np.uint64(amount), side="left"))


def _summary(mints: pd.Index, groups: Groups) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "holders": groups.holders,
            "total": integer_objects(groups.totals),
            "top1_share": top_shares(groups, 1),
            "top10_share": top_shares(groups, TOP),
            "gini": ginis(groups),
            "nakamoto": nakamotos(groups),
            "median": pd.arrays.IntegerArray(medians(groups), groups.holders == 0),
            "largest": groups.largest,
            "hhi": hhis(groups),
            "zero_balances": groups.zero_balances,
        },
        index=mints.astype("str").rename("mint"),
    )


def bin_lows(balances: U64, bins: int, scale: Scale) -> U64:
    """Return the lowest balance of each bin of ascending balances, as `distribution` has them.

    Examples
    --------
    >>> import numpy as np
    >>> from helius_frames.analysis import bin_lows
    >>> bin_lows(np.array([1, 20, 999], dtype="uint64"), 3, "log").tolist()
    [1, 10, 100]
    """
    if not len(balances):
        return balances
    low, high = int(balances[0]), int(balances[-1])
    lows = _log_lows(low, high, bins) if scale == "log" else _linear_lows(low, high, bins)
    return np.array(sorted({low, *(edge for edge in lows if low < edge <= high)}), dtype=np.uint64)


def _linear_lows(low: int, high: int, bins: int) -> list[int]:
    return [low + -(-step * (high + 1 - low) // bins) for step in range(1, bins)]


def _log_lows(low: int, high: int, bins: int) -> list[int]:
    edges = np.geomspace(float(low), float(high + 1), bins + 1)[1:-1]
    return [int(edge) for edge in np.ceil(edges)]
