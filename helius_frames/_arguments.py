"""The reader's arguments: from what a caller may write to what a pull needs, or an error that says why not.

It may import `errors`, `pubkey` and the modules that own an option. Nothing is sent before all
arguments are found good.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import isfinite
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import pandas as pd

from helius_frames._protocol import pubkey
from helius_frames._schedule import Orders
from helius_frames._wire import PAGE_MAX
from helius_frames.errors import InputError, InputErrorGroup, MintError, OwnerError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from helius_frames._bridge import EventLoop
    from helius_frames._endpoint import Endpoint
    from helius_frames._frame import DtypeBackend
    from helius_frames._progress import Choice

_SHOWN: Final = 60


class Request(NamedTuple):
    """One pull, every argument checked."""

    owners: tuple[str, ...]
    endpoint: Endpoint
    orders: Orders
    rate: float | None
    timeout: float
    retries: int
    drop_zero: bool
    chunksize: int | None
    dtype_backend: DtypeBackend | None
    progress: Choice
    event_loop: EventLoop


def parse_owners(owners: Any) -> tuple[str, ...]:  # noqa: ANN401 - str, iterables of str, or of objects with str()
    """Owners as distinct addresses in the order given; all bad ones are refused together."""
    return _parse(owners, "owner", OwnerError)


def parse_mints(mint: Any) -> tuple[str, ...]:  # noqa: ANN401 - as for owners
    """Mints of a filter; none is not the same as no filter, so it is refused."""
    if mint is None:
        return ()
    mints = _parse(mint, "mint", MintError)
    if not mints:
        raise MintError("mint= holds no mint; leave it out to read every mint")
    return mints


def one_of(name: str, value: object, choices: Sequence[object]) -> None:
    """Refuse a value that is none of the choices."""
    if value not in choices:
        raise InputError(f"{name}={value!r} is none of {', '.join(map(repr, choices))}")


def whole_number(name: str, value: object, low: int, high: int | None = None) -> int:
    """Refuse what is no whole number of the range."""
    fits = isinstance(value, Integral) and not isinstance(value, bool)
    if not fits or int(value) < low or (high is not None and int(value) > high):  # type: ignore[call-overload]
        span = f"from {low} up" if high is None else f"from {low} to {high}"
        raise InputError(f"{name}={value!r} is no whole number {span}")
    return int(value)  # type: ignore[call-overload, no-any-return]


def positive_number(name: str, value: object) -> float:
    """Refuse what is no finite number above zero."""
    if not isinstance(value, Real) or isinstance(value, bool) or not isfinite(value) or value <= 0:
        raise InputError(f"{name}={value!r} is no number above 0")
    return float(value)


def build_orders(
    mint: object,
    *,
    page_size: int,
    max_concurrency: int,
    errors: str,
    consistency: str | None,
    is_chunked: bool,
) -> Orders:
    """Settle how the pull goes about it."""
    one_of("errors", errors, ("raise", "collect"))
    one_of("consistency", consistency, (None, "stable"))
    mints = parse_mints(mint)
    is_collecting, is_stable = errors == "collect", consistency == "stable"
    return Orders(
        mints=mints,
        page_size=whole_number("page_size", page_size, 1, PAGE_MAX),
        max_concurrency=whole_number("max_concurrency", max_concurrency, 1, 1000),
        is_collecting=is_collecting,
        is_stable=is_stable,
        # Rows of an owner that may still fail, or be read again, cannot go out in a chunk.
        is_streaming=is_chunked and not (is_collecting or is_stable or mints),
    )


def _parse(items: Any, kind: str, error: type[InputError]) -> tuple[str, ...]:  # noqa: ANN401
    texts = [_text(item) for item in _listed(items, kind)]
    present = [text for text in texts if text is not None]
    if len(present) == len(texts) and pubkey.align_texts(present) is not None:
        return tuple(dict.fromkeys(present))
    faults = [
        error(f"{kind} at position {n}: {why}") for n, text in enumerate(texts) if (why := _why_not(text))
    ]
    raise InputErrorGroup(
        f"{len(faults):,} of {len(texts):,} {kind}s cannot be used, nothing was sent", faults
    )


def _listed(items: Any, kind: str) -> list[Any]:  # noqa: ANN401
    if isinstance(items, pd.DataFrame):
        raise InputError(
            f"{kind}s are given as a DataFrame; pass its column of addresses, for example df['address']"
        )
    if isinstance(items, str | bytes) or not isinstance(items, Iterable):
        return [items]
    return list(items)


def _text(item: Any) -> str | None:  # noqa: ANN401
    if item is None or item is pd.NA or (isinstance(item, float) and item != item) or item is pd.NaT:  # noqa: PLR0124
        return None
    return str(item).strip()


def _why_not(text: str | None) -> str | None:
    if text is None:
        return "missing"
    if not text:
        return "blank"
    try:
        pubkey.parse(text)
    except ValueError as fault:
        return f"{text[:_SHOWN]!r} is no address: {fault}"
    return None
