"""What a pull noted about itself in ``frame.attrs["helius"]``. Imports `errors` and `_frame`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from helius_frames._frame import failures_frame
from helius_frames.errors import AttrsError

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

KEY = "helius"


def notes(frame: pd.DataFrame) -> Mapping[str, Any] | None:
    """Read the notes of the pull; ``None`` where pandas has dropped them."""
    noted: Mapping[str, Any] | None = frame.attrs.get(KEY)
    return noted


def failed_owners(frame: pd.DataFrame) -> set[str]:
    """Owners that the notes list as failed."""
    noted = notes(frame) or {}
    return {record["owner"] for record in json.loads(noted.get("failures", "[]"))}


def failures(frame: pd.DataFrame) -> pd.DataFrame:
    """List the owners that a pull with ``errors="collect"`` could not read, and why.

    Returns
    -------
    One row per failed owner; none where all were read:

    - ``owner``: str
    - ``page``: Int64, the request of its walk that failed, from 1; missing where none was sent
    - ``kind``: str, the name of the error class
    - ``message``: str

    Raises
    ------
    AttrsError
        ``frame.attrs["helius"]`` is gone: pandas drops it freely, in a `pandas.concat` for one. That says
        nothing of the owners, so it is never answered with an empty table.

    Examples
    --------
    >>> import helius_frames
    >>> from helius_frames.analysis import failures
    >>> df = helius_frames.read_helius_balances(helius_frames.demo.OWNERS, cluster="demo", errors="collect")
    >>> len(failures(df))
    0
    """
    noted = notes(frame)
    if noted is None or "failures" not in noted:
        raise AttrsError(
            f"frame.attrs[{KEY!r}] holds no failures: pandas has dropped it on the way here; "
            "ask the frame that the pull gave, or pull again"
        )
    return failures_frame(noted["failures"])
