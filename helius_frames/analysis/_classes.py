"""The shape of a distribution in a few rows: thresholds, size classes, and batches of one amount."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from numbers import Real
from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np
import pandas as pd

from helius_frames.analysis._concentration import check_count
from helius_frames.analysis._exact import as_ints, minus
from helius_frames.analysis._index import Holders, MintIndex, Source
from helius_frames.analysis._labels import Exclude, rest_of
from helius_frames.errors import InputError

if TYPE_CHECKING:
    from helius_frames.analysis._exact import I64

Edges: TypeAlias = Sequence[int] | Mapping[str, int]

U64_MAX: Final = (1 << 64) - 1
_WHOLE: Final = 100  # percent


def thresholds(
    source: Source,
    mint: str,
    percentiles: Sequence[float] = (50, 90, 99),
    *,
    exclude: Exclude = None,
) -> pd.DataFrame:
    """Return the balance that it takes to be among the top of one mint's holders.

    At percentile p it is the smallest balance that at least p % of the holders do not exceed (the nearest
    rank, so always the balance of a holder): 90 is what it takes to be among the top tenth, 50 is the
    median of `by_mint`. Compared exactly, so 99.9 means 99.9.

    Parameters
    ----------
    percentiles
        Numbers from 0 to 100.
    exclude
        Owners to leave out: ``"programs"``, labels, addresses; see `without_owners`. How many holders they
        are and how much they hold is in the table's attrs, ``excluded_holders`` and ``excluded_total``.

    Returns
    -------
    One row per percentile, in the order given; index ``percentile``:

    - ``balance``: UInt64, base units; missing without holders
    - ``holders``: int64, the holders with at least this balance
    - ``total``: object, Python integers, exact: what these have together, base units
    - ``share``: float64 in (0, 1], the same of the total held by the owners of this frame; NaN without
      holders

    Raises
    ------
    AttributeError
        A column of the balance schema is missing.
    InputError
        The mint is not in the frame, a percentile is not a number from 0 to 100, or the balances are not
        exact or are there twice.

    Examples
    --------
    >>> import helius_frames
    >>> from helius_frames import demo
    >>> from helius_frames.analysis import thresholds
    >>> df = helius_frames.read_helius_balances(demo.OWNERS, cluster="demo")
    >>> thresholds(df, demo.TOKENS[1].mint)["balance"].tolist()
    [21, 67, 138]
    """
    parts = [_part(percentile) for percentile in percentiles]
    rest = rest_of(source, mint, exclude)
    holders = MintIndex.for_mint(rest.source, mint).holders(mint)
    places = [max(-(-holders.size * part.numerator // part.denominator), 1) - 1 for part in parts]
    there = holders.size > 0
    balances = holders.balances[places] if there else np.zeros(len(places), dtype=np.uint64)
    firsts = np.searchsorted(holders.balances, balances)
    return rest.note(
        pd.DataFrame(
            {
                "balance": pd.arrays.IntegerArray(balances, np.full(len(places), not there)),
                **_held_between(holders, firsts, np.full(len(places), holders.size)),
            },
            index=pd.Index(list(percentiles), name="percentile"),
        )
    )


def classes(
    source: Source, mint: str, edges: Edges | None = None, *, exclude: Exclude = None
) -> pd.DataFrame:
    """Return the holders of one mint by size class, from dust to whale, and what each class has.

    Parameters
    ----------
    edges
        Where classes begin, ascending, base units; as a mapping from name to edge the classes have names. By
        default each power of ten begins one, as far as there are holders. What is below the first edge is a
        class of its own.
    exclude
        Owners to leave out: ``"programs"``, labels, addresses; see `without_owners`. How many holders they
        are and how much they hold is in the table's attrs, ``excluded_holders`` and ``excluded_total``.

    Returns
    -------
    One row per class, ascending, also those without holders, so that each holder is in exactly one; index
    ``size_class`` (str):

    - ``low``, ``high``: uint64, the smallest and largest balance of the class, base units
    - ``holders``: int64
    - ``share_of_holders``: float64; NaN without holders
    - ``total``: object, Python integers, exact: what they have together, base units
    - ``share``: float64, the same of the total held by the owners of this frame; NaN without holders

    Raises
    ------
    AttributeError
        A column of the balance schema is missing.
    InputError
        The mint is not in the frame, ``edges`` are not ascending integers from 1 on, or the balances are
        not exact or are there twice.

    Examples
    --------
    >>> import helius_frames
    >>> from helius_frames import demo
    >>> from helius_frames.analysis import classes
    >>> df = helius_frames.read_helius_balances(demo.OWNERS, cluster="demo")
    >>> table = classes(df, demo.TOKENS[1].mint, {"dust": 1, "regular": 10, "whale": 100})
    >>> table["holders"].to_dict()
    {'dust': 84, 'regular': 262, 'whale': 11}
    """
    named = _checked_edges(edges)
    rest = rest_of(source, mint, exclude)
    holders = MintIndex.for_mint(rest.source, mint).holders(mint)
    if named is None:
        named = _by_tens(holders)
    lows = list(named.values())
    highs = [*(low - 1 for low in lows[1:]), U64_MAX][: len(lows)]
    cuts = np.append(np.searchsorted(holders.balances, np.array(lows, dtype=np.uint64)), holders.size)
    held = _held_between(holders, cuts[:-1], cuts[1:])
    count = held["holders"]
    return rest.note(
        pd.DataFrame(
            {
                "low": np.array(lows, dtype=np.uint64),
                "high": np.array(highs, dtype=np.uint64),
                "holders": count,
                "share_of_holders": count / holders.size if holders.size else np.full(len(lows), np.nan),
                "total": held["total"],
                "share": held["share"],
            },
            index=pd.Index(list(named), dtype="str", name="size_class"),
        )
    )


def equal_balances(source: Source, mint: str, *, at_least: int = 2, exclude: Exclude = None) -> pd.DataFrame:
    """Return the amounts that several holders of one mint hold exactly.

    An airdrop, a reward or a round purchase leaves many equal balances, and so do many wallets of one person:
    the table says that they are equal, not why.

    Parameters
    ----------
    at_least
        How many holders an amount needs to be listed.
    exclude
        Owners to leave out: ``"programs"``, labels, addresses; see `without_owners`. How many holders they
        are and how much they hold is in the table's attrs, ``excluded_holders`` and ``excluded_total``.

    Returns
    -------
    One row per amount, most holders first, then the larger amount:

    - ``balance``: uint64, what each of them holds, base units
    - ``holders``: int64
    - ``share_of_holders``: float64 in (0, 1]
    - ``total``: object, Python integers, exact: what they have together, base units
    - ``share``: float64 in (0, 1], the same of the total held by the owners of this frame

    Raises
    ------
    AttributeError
        A column of the balance schema is missing.
    InputError
        The mint is not in the frame, ``at_least`` is below 1, or the balances are not exact or are there
        twice.

    Examples
    --------
    >>> import helius_frames
    >>> from helius_frames import demo
    >>> from helius_frames.analysis import equal_balances
    >>> df = helius_frames.read_helius_balances(demo.OWNERS, cluster="demo")
    >>> equal_balances(df, demo.TOKENS[0].mint)["holders"].tolist()
    [480]
    """
    check_count(at_least, "at_least")
    rest = rest_of(source, mint, exclude)
    holders = MintIndex.for_mint(rest.source, mint).holders(mint)
    begins = np.flatnonzero(np.append(holders.size > 0, holders.balances[1:] != holders.balances[:-1]))
    begins = begins[begins < holders.size]
    ends = np.append(begins[1:], holders.size)[: len(begins)]
    wanted = ends - begins >= at_least
    begins, ends = begins[wanted][::-1], ends[wanted][::-1]  # the larger amount first
    order = np.argsort(begins - ends, kind="stable")
    begins, ends = begins[order], ends[order]
    held = _held_between(holders, begins, ends)
    return rest.note(
        pd.DataFrame(
            {
                "balance": holders.balances[begins],
                "holders": held["holders"],
                "share_of_holders": held["holders"] / max(holders.size, 1),
                "total": held["total"],
                "share": held["share"],
            }
        )
    )


def _held_between(holders: Holders, firsts: I64, ends: I64) -> dict[str, np.ndarray]:
    """Return how many holders are between these places, what they have, and its share of all."""
    totals = as_ints(minus(holders.running.at(ends), holders.running.at(firsts)))
    whole = holders.total
    return {
        "holders": (ends - firsts).astype(np.int64),
        "total": pd.Series(totals, dtype=object).to_numpy(),
        "share": np.array([total / whole if whole else np.nan for total in totals], dtype=np.float64),
    }


def _part(percentile: object) -> Fraction:
    """Return a percentile as an exact part of the whole: 99.9 is what is written, not its nearest float."""
    is_number = isinstance(percentile, Real) and not isinstance(percentile, bool)
    if not is_number or not 0 <= percentile <= _WHOLE:  # type: ignore[operator]
        raise InputError(f"percentiles must be numbers from 0 to 100, got {percentile!r}")
    return Fraction(str(percentile)) / _WHOLE


def _checked_edges(edges: Edges | None) -> dict[str, int] | None:
    """Return where each class begins, by name; a class below the first edge is added."""
    if edges is None:
        return None
    lows = list(edges.values()) if isinstance(edges, Mapping) else list(edges)
    if not lows or not all(_is_edge(low) for low in lows) or lows != sorted(set(lows)):
        raise InputError("edges must be ascending whole numbers of base units from 1 to 2**64 - 1")
    lows = [int(low) for low in lows]
    if not isinstance(edges, Mapping):
        return _named(lows if lows[0] == 1 else [1, *lows])
    named = dict(zip(map(str, edges), lows, strict=True))
    return named if lows[0] == 1 else {f"below {next(iter(named))}": 1, **named}


def _is_edge(low: object) -> bool:
    return isinstance(low, int | np.integer) and not isinstance(low, bool) and 1 <= int(low) <= U64_MAX


def _by_tens(holders: Holders) -> dict[str, int]:
    if not holders.size:
        return {}
    first, last = (len(str(int(balance))) for balance in holders.balances[[0, -1]])
    return _named([10**power for power in range(first - 1, last)])


def _named(lows: list[int]) -> dict[str, int]:
    """Name classes by their limits."""
    highs = [low - 1 for low in lows[1:]]
    names = [
        f"{low:,}" if low == high else f"{low:,} to {high:,}" for low, high in zip(lows, highs, strict=False)
    ]
    return dict(zip([*names, f"{lows[-1]:,} and more"], lows, strict=True))
