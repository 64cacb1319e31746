"""What the rows of a frame say of their mints: symbol, name and decimals, where it has such columns."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from helius_frames.charts import shorten
from helius_frames.explorer._search import matching

if TYPE_CHECKING:
    from helius_frames.analysis import MintIndex

MOST_DECIMALS = 18  # what an exact amount can have


class Tokens(NamedTuple):
    """Mints, most holders first, with what is known of each.

    ``words`` are the symbol and the name of each mint, in lower case, for the search.
    """

    mints: pd.Index
    symbols: dict[str, str]
    decimals: dict[str, int]
    words: pd.Series

    @classmethod
    def of(cls, index: MintIndex) -> Tokens:
        """Read symbol, name and decimals from one row of each mint."""
        # One row of each group: a column of ten million rows is not read as a whole.
        rows = index.mint_rows[index.groups.starts]
        mints = index.columns.mints.names[index.mint_codes]
        symbols, names = _texts(index.frame, "symbol", rows), _texts(index.frame, "name", rows)
        words = [f"{symbol} {name}".casefold() for symbol, name in zip(symbols, names, strict=True)]
        return cls(
            mints=index.mints,
            symbols={mint: symbol for mint, symbol in zip(mints, symbols, strict=True) if symbol},
            decimals=dict(_decimals(index.frame, mints, rows)),
            words=pd.Series(words, index=mints, dtype=object).reindex(index.mints),
        )

    def label(self, mint: str) -> str:
        """Return the symbol and the shortened address, as plain text."""
        symbol = self.symbols.get(mint)
        return f"{symbol} · {shorten(mint)}" if symbol else shorten(mint)

    def name(self, mint: str) -> str:
        """Return the symbol, else the shortened address."""
        return self.symbols.get(mint) or shorten(mint)

    def matching(self, text: str) -> pd.Index:
        """Return the mints whose address, symbol or name a search means, most holders first."""
        wanted = text.strip()
        found = matching(self.mints, wanted)
        if not wanted or not self.symbols or wanted in self.mints:
            return found
        is_named = self.words.str.contains(wanted.casefold(), regex=False).to_numpy(dtype=bool)
        return self.mints[is_named | self.mints.isin(found)]


def _column(frame: pd.DataFrame, name: str, rows: np.ndarray) -> pd.Series | None:
    """Return a column at some rows; of two columns of one name neither is meant."""
    places = np.flatnonzero(np.asarray(frame.columns == name))
    return frame.iloc[:, places[0]].iloc[rows] if len(places) == 1 else None


def _texts(frame: pd.DataFrame, name: str, rows: np.ndarray) -> list[str]:
    column = _column(frame, name, rows)
    values = [] if column is None else column.astype(object).tolist()
    return [value.strip() if isinstance(value, str) else "" for value in values] or [""] * len(rows)


def _decimals(frame: pd.DataFrame, mints: pd.Index, rows: np.ndarray) -> list[tuple[str, int]]:
    column = _column(frame, "decimals", rows)
    if column is None or not pd.api.types.is_integer_dtype(column.dtype):
        return []
    pairs = zip(mints, column.astype(object).tolist(), strict=True)
    return [(mint, int(value)) for mint, value in pairs if not pd.isna(value) and 0 <= value <= MOST_DECIMALS]
