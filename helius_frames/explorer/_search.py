"""Finding an address by a part of it. Pure functions over an Index of addresses."""

from __future__ import annotations

import pandas as pd

ELLIPSIS = "…"


def matching(addresses: pd.Index, text: str) -> pd.Index:
    """Return the addresses that a search means, in their order: all of them for a blank text.

    A whole address means itself. ``7xKX…p2Qe``, as labels show it, means those with this beginning and
    end. Any other text means the addresses that contain it, in upper or lower case.
    """
    wanted = text.strip()
    if wanted in addresses:
        return pd.Index([wanted])
    if not wanted or not len(addresses):
        return addresses
    start, dots, end = wanted.partition(ELLIPSIS)
    if dots:
        begun = addresses[addresses.str.startswith(start)]
        return begun[begun.str.endswith(end)]
    return addresses[addresses.str.contains(wanted, case=False, regex=False)]
