"""Pages of one `Holdings`, cut from JSON that is encoded once per owner.

It imports `holdings`, `_rpc` and `pubkey`. Encoding a row costs more than everything else the indexer
does for it, so an owner's items are kept as one run of bytes and each page is a slice of it.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections import OrderedDict
from hashlib import blake2b
from threading import Lock
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, TypeAlias
from weakref import WeakKeyDictionary

import numpy as np

from helius_frames._protocol import pubkey
from helius_frames.demo import _rpc

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from helius_frames.demo.holdings import Holdings, Rows

Cursor: TypeAlias = Literal["mint", "opaque", "opaque-lenient"]

# Bytes of encoded rows kept per Holdings; about 3.5 million rows.
_KEPT_MAX: Final = 256 << 20
_NOTHING: Final = b""
_TAG_BYTES: Final = 8


class PageSlice(NamedTuple):
    """One page: its items as JSON text, the mint its cursor stands for, and how many rows lie before."""

    items: bytes
    cursor: str | None
    begin: int


_NO_ROWS: Final = PageSlice(_NOTHING, None, 0)


class _Run(NamedTuple):
    """All items of one owner as JSON text, each with a comma after it, and where each ends."""

    text: bytes
    ends: NDArray[np.int64]


class Pages:
    """Answers of one `Holdings`; safe to share between threads."""

    def __init__(self, holdings: Holdings) -> None:
        self._holdings = holdings
        self._heads = [b'{"mint":"%b","balance":' % mint.encode() for mint in holdings.mint_texts]
        self._runs: OrderedDict[str, _Run] = OrderedDict()
        self._kept = 0
        self._lock = Lock()

    def cut(self, query: _rpc.Query, cursor: Cursor) -> PageSlice:
        """PageSlice the page that a query asks for; `_rpc.Refused` where Photon would refuse it."""
        rows = self._holdings.rows(query.owner)
        if rows is None:
            _rpc.check_address(query.owner)
        if query.mint is not None:
            return self._one(query, cursor)
        begin = self._begin(query.cursor, rows, cursor)
        if rows is None:
            return _NO_ROWS
        return self._slice(query, rows, begin, min(begin + query.limit, len(rows.codes)))

    def warm(self) -> None:
        """Encode all owners at once, as far as they are kept, so that no request pays for it."""
        for owner in self._holdings.owners:
            rows = self._holdings.rows(owner)
            if rows is not None and len(rows.codes):
                self._run(owner, rows)

    def _one(self, query: _rpc.Query, cursor: Cursor) -> PageSlice:
        """Row of one mint: any base58 cursor is ignored, as Photon does where a mint is set."""
        if cursor == "mint" and query.cursor is not None:
            _cursor_bytes(query.cursor)
        mint = str(query.mint)
        code = self._holdings.code(mint)
        if code is None:
            _rpc.check_address(mint)
        balance = self._holdings.balance(query.owner, mint)
        if code is None or balance is None or not query.limit:
            return _NO_ROWS
        return PageSlice(self._heads[code] + b"%d}" % balance, mint if query.limit == 1 else None, 0)

    def _begin(self, text: str | None, rows: Rows | None, cursor: Cursor) -> int:
        mint = None if text is None else _mint_in(text, cursor)
        if rows is None or mint is None:
            return 0
        below = self._holdings.mints.searchsorted(np.bytes_(pubkey.aligned(mint)), side="right")
        return int(rows.codes.searchsorted(np.int32(below)))

    def _slice(self, query: _rpc.Query, rows: Rows, begin: int, end: int) -> PageSlice:
        if begin >= end:
            return PageSlice(_NOTHING, None, begin)
        run = self._run(query.owner, rows)
        items = run.text[int(run.ends[begin]) : int(run.ends[end]) - 1]
        is_full = end - begin == query.limit
        last = self._holdings.mint_texts[rows.codes[end - 1]] if is_full else None
        return PageSlice(items, last, begin)

    def _run(self, owner: str, rows: Rows) -> _Run:
        with self._lock:
            run = self._runs.get(owner)
            if run is None:
                run = self._runs[owner] = self._encode(rows)
                self._keep(len(run.text))
            self._runs.move_to_end(owner)
        return run

    def _keep(self, more: int) -> None:
        self._kept += more
        while self._kept > _KEPT_MAX and len(self._runs) > 1:
            self._kept -= len(self._runs.popitem(last=False)[1].text)

    def _encode(self, rows: Rows) -> _Run:
        heads = self._heads
        pairs = zip(rows.codes.tolist(), rows.balances.tolist(), strict=True)
        items = [heads[code] + b"%d}," % balance for code, balance in pairs]
        ends = np.zeros(len(items) + 1, dtype=np.int64)
        np.cumsum(np.fromiter(map(len, items), dtype=np.int64, count=len(items)), out=ends[1:])
        return _Run(_NOTHING.join(items), ends)


_known: WeakKeyDictionary[Holdings, Pages] = WeakKeyDictionary()


def pages_of(holdings: Holdings) -> Pages:
    """Pages of a `Holdings`, shared by all indexers that serve it."""
    pages = _known.get(holdings)
    if pages is None:
        pages = _known[holdings] = Pages(holdings)
    return pages


def token_of(mint: str) -> str:
    """Opaque cursor that stands for a mint: a signed token, no base58."""
    raw = mint.encode("ascii")
    return urlsafe_b64encode(_tag(raw) + raw).decode("ascii")


def _mint_in(text: str, cursor: Cursor) -> str | None:
    """Mint that a cursor stands for; ``None`` for one that a lenient server ignores."""
    mint = _mint_of_token(text)
    if mint is not None:
        return mint
    if cursor == "opaque-lenient":
        return None
    if cursor == "opaque":
        raise _rpc.Refused(_rpc.CALL_FAILED, "Validation Error: Invalid cursor.")
    _check_cursor(text)
    return text


def _mint_of_token(text: str) -> str | None:
    if len(text) <= pubkey.TEXT_MAX:
        return None
    try:
        raw = urlsafe_b64decode(text)
    except ValueError:
        return None
    tag, mint = raw[:_TAG_BYTES], raw[_TAG_BYTES:]
    return mint.decode("ascii") if tag == _tag(mint) else None


def _tag(raw: bytes) -> bytes:
    return blake2b(raw, digest_size=_TAG_BYTES, key=b"demo cursors").digest()


def _check_cursor(text: str) -> None:
    length = len(_cursor_bytes(text))
    if length != pubkey.KEY_BYTES:
        wrong = f"Invalid cursor length. Expected {pubkey.KEY_BYTES}. Received {length}."
        raise _rpc.Refused(_rpc.CALL_FAILED, f"Validation Error: {wrong}")


def _cursor_bytes(text: str) -> bytes:
    raw = _rpc.base58_bytes(text)
    if raw is None:
        raise _rpc.invalid("provided string contained invalid character")
    return raw
