"""Frames and their rows as plain values: what a pull gave, what the server holds, frames made by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd

from tests.support.addresses import key_bytes


def rows_of(frame):
    """Return the rows of a frame as exact Python values, without the slot."""
    columns = (frame["owner"].astype(str), frame["mint"].astype(str), frame["balance"].tolist())
    return list(zip(*columns, strict=True))


def rows_held(holdings, owners=None):
    """Return what the indexer holds, in the order of a frame."""
    table = holdings.to_dict()
    return [
        (owner, mint, table[owner][mint])
        for owner in (table if owners is None else owners)
        for mint in sorted(table.get(owner, {}), key=key_bytes)
    ]


def balances_frame(rows, owners=None, mints=None):
    """Return a frame of the reader's schema from (owner, mint, balance, slot)."""
    rows = list(rows)
    owners = owners or list(dict.fromkeys(row[0] for row in rows))
    mints = mints or sorted({row[1] for row in rows})
    return pd.DataFrame(
        {
            "owner": pd.Categorical([row[0] for row in rows], categories=owners),
            "mint": pd.Categorical([row[1] for row in rows], categories=mints),
            "balance": np.array([row[2] for row in rows], dtype=np.uint64),
            "slot": np.array([row[3] for row in rows], dtype=np.int64),
        }
    )


def holders_held(holdings, mints=None):
    """Return the holders that the indexer has, in the order of a frame: computed apart from its own code."""
    table = holdings.to_dict()
    mints = holdings.mint_texts if mints is None else mints
    return [
        (owner, mint, balance)
        for mint in mints
        for balance, _, owner in sorted(
            ((row[mint], key_bytes(owner), owner) for owner, row in table.items() if mint in row),
            reverse=True,
        )
    ]
