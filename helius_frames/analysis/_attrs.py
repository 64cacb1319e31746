"""What a pull recorded about itself in ``frame.attrs["helius"]``, checked before anything relies on it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from helius_frames._frame import failures_frame
from helius_frames.errors import AttrsError

if TYPE_CHECKING:
    import pandas as pd

KEY = "helius"
_COUNT_END: Final = 1 << 63
_SURROGATES: Final = range(0xD800, 0xE000)  # what JSON can name and no column of text can hold


def pull_attrs(frame: pd.DataFrame) -> dict[str, Any]:
    """Return what the pull of a frame recorded about itself.

    pandas drops ``attrs`` freely, and anybody may write there. So only entries that a pull of this package
    writes are returned, and only where their value has the type and the form that the pull gives it.

    Returns
    -------
    A new dict; empty where ``frame.attrs["helius"]`` is gone, or is not of this package's making.

    Examples
    --------
    >>> import helius_frames
    >>> from helius_frames.analysis import pull_attrs
    >>> df = helius_frames.read_helius_balances(helius_frames.demo.OWNERS, cluster="demo")
    >>> pull_attrs(df)["cluster"]
    'demo'
    >>> df.attrs["helius"] = "mine"
    >>> pull_attrs(df)
    {}
    """
    found = frame.attrs.get(KEY)
    if not isinstance(found, Mapping):
        return {}
    return {key: found[key] for key, is_valid in _ENTRIES.items() if key in found and is_valid(found[key])}


def failed_owners(attrs: Mapping[str, Any]) -> set[str]:
    """Return the owners that the attrs of a pull list as failed."""
    return {record["owner"] for record in json.loads(attrs.get("failures", "[]")) if "owner" in record}


def failures(frame: pd.DataFrame) -> pd.DataFrame:
    """List the owners (or mints) that a pull with ``errors="collect"`` could not read, and why.

    Returns
    -------
    One row per failed owner; none where all were read:

    - ``owner``: str; ``mint`` where the pull read the holders of mints
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
    attrs = pull_attrs(frame)
    if "failures" not in attrs:
        raise AttrsError(
            f"frame.attrs[{KEY!r}] holds no failures: pandas dropped it on the way here; "
            "ask the frame that the pull returned, or pull again"
        )
    return failures_frame(attrs["failures"], "mint" if "complete" in attrs else "owner")


def _is_text(value: object) -> bool:
    return isinstance(value, str) and not any(map(_SURROGATES.__contains__, map(ord, value)))


def _is_flag(value: object) -> bool:
    return isinstance(value, bool)


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < _COUNT_END


def _is_count_or_none(value: object) -> bool:
    return value is None or _is_count(value)


def _are_texts(value: object) -> bool:
    return isinstance(value, list | tuple) and all(map(_is_text, value))


def _is_complete(value: object) -> bool:
    return _is_flag(value) or _are_texts(value)


def _parsed(text: object) -> object:
    """Parse a value that should be JSON text; ``None`` where it is not."""
    try:
        return json.loads(text) if isinstance(text, str) else None
    except (ValueError, RecursionError):
        return None


def _are_texts_as_json(value: object) -> bool:
    return _are_texts(_parsed(value))


def _are_failures(value: object) -> bool:
    records = _parsed(value)
    return isinstance(records, list) and all(map(_is_failure, records))


def _is_failure(record: object) -> bool:
    return (
        isinstance(record, dict)
        and all(map(_is_text, map(record.get, ("kind", "message"))))
        and _is_text(record.get("owner", record.get("mint")))
        and _is_count_or_none(record.get("page"))
    )


_ENTRIES: Final[Mapping[str, Callable[[object], bool]]] = {
    "cluster": _is_text,
    "endpoint": _is_text,
    "method": _is_text,
    "mints": _are_texts,
    "drop_zero": _is_flag,
    "top": _is_count,
    "min_balance": _is_count,
    "complete": _is_complete,
    "repeats": _is_count,
    "unstable": _are_texts_as_json,
    "slot_min": _is_count_or_none,
    "slot_max": _is_count_or_none,
    "pages": _is_count,
    "requests": _is_count,
    "retries": _is_count,
    "owners": _is_count,
    "failed": _is_count,
    "failures": _are_failures,
    "fetched_at": _is_text,
    "version": _is_text,
}
