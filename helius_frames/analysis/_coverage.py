"""What a pull read: whether an owner without a row held nothing, or was not read.

The columns say it alone where they can: the categories of ``owner`` are the owners read to the end. What
the columns cannot say (which mints were asked, whether every holder was read, whether zeros were dropped)
is in ``frame.attrs["helius"]``, and where pandas has lost that, in the arguments ``mints`` and
``complete``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from helius_frames.analysis._attrs import failed_owners, pull_attrs
from helius_frames.analysis._schema import present
from helius_frames.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

    from helius_frames.analysis._exact import I64, Flags
    from helius_frames.analysis._schema import Coded

Mints: TypeAlias = str | Iterable[str] | None


class Coverage(NamedTuple):
    """What one pull read.

    ``owners`` has a flag for each name of the owner column: read to the end. ``mints`` are the mints asked,
    ``None`` where that is all of them; of those in ``complete`` every holder was read.
    """

    owners: Flags
    mints: frozenset[str] | None
    complete: frozenset[str]
    zeros_dropped: bool

    def is_complete(self, mint: str) -> bool:
        """Whether every holder of a mint was read, so that who has no row never had any."""
        return mint in self.complete

    def is_asked(self, mint: str) -> bool:
        """Whether the pull asked for a mint at all."""
        return self.mints is None or mint in self.mints or mint in self.complete

    def read_at(self, places: I64, mint: str) -> Flags:
        """Whether the owners at these places of the owner column's names were read; -1 is not one of them."""
        if self.is_complete(mint):
            return np.ones(len(places), dtype=bool)
        if not self.is_asked(mint) or not len(self.owners):
            return np.zeros(len(places), dtype=bool)
        return self.owners[places] & (places >= 0)


def coverage(frame: pd.DataFrame, owners: Coded, *, mints: Mints, complete: Mints) -> Coverage:
    """Return what the pull of a frame read; the arguments speak for a frame without attrs."""
    asked, full = _texts("mints", mints), _texts("complete", complete)
    attrs = pull_attrs(frame)
    if not attrs:
        everybody = np.ones(len(owners.names), dtype=bool)
        return Coverage(everybody, asked, full or frozenset(), zeros_dropped=False)
    asked = _listed(attrs.get("mints"))
    full = asked if attrs.get("complete") is True else _listed(attrs.get("complete"))
    if (
        asked is None and full is not None
    ):  # a pull by mints, and only of these is it known that they were asked
        asked = full
    return Coverage(
        owners=_read_owners(owners, attrs),
        mints=asked,
        complete=full or frozenset(),
        zeros_dropped=attrs.get("drop_zero") is True,
    )


def _read_owners(owners: Coded, attrs: Mapping[str, Any]) -> Flags:
    """Flag the owners read to the end.

    A walk over holders that ended early (``top``, ``min_balance``) has read nobody to the end. An owner
    listed as failed is no category; the check costs nothing and holds for older frames, too.
    """
    if attrs.get("top") is not None or attrs.get("min_balance") is not None:
        return np.zeros(len(owners.names), dtype=bool)
    failed = owners.names.isin(sorted(failed_owners(attrs)))
    return ~failed | present(owners.codes, len(owners.names))


def _listed(mints: object) -> frozenset[str] | None:
    return frozenset(map(str, mints)) if isinstance(mints, list | tuple) else None


def _texts(name: str, mints: Mints) -> frozenset[str] | None:
    """Check mints given as an argument; one alone is a list of one."""
    if mints is None:
        return None
    texts = [mints] if isinstance(mints, str) or not isinstance(mints, Iterable) else list(mints)
    if not all(isinstance(text, str) for text in texts):
        raise InputError(f"{name} must be one mint or several, as text, got {type(mints).__name__}")
    return frozenset(texts)


def places_among(names: pa.Array, among: pd.Index) -> I64:
    """Return the place of each name among others; -1 where it is not one of them."""
    found = pc.index_in(names, value_set=as_text(among))
    places: I64 = found.fill_null(-1).to_numpy().astype(np.int64)
    pa.default_memory_pool().release_unused()  # the look-up table was as large as the names
    return places


def as_text(names: pd.Index | pd.Series) -> pa.Array:
    """Return names as one Arrow array of text; of text that is in Arrow already nothing is copied."""
    array = pa.array(names.array, type=pa.large_string(), from_pandas=True)
    return array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array
