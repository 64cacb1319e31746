"""Pages of one `Holdings`, cut from JSON that is encoded once per owner.

It imports `holdings`, `_rpc` and `pubkey`. Encoding a row costs more than everything else the indexer
does for it, so an owner's items are kept as one run of bytes and each page is a slice of it.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections import OrderedDict
from functools import partial
from hashlib import blake2b
from threading import Lock
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, TypeAlias
from weakref import WeakKeyDictionary

import base58
import numpy as np

from helius_frames._protocol import pubkey
from helius_frames.demo import _rpc

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from helius_frames.demo.holdings import Holders, Holdings, Rows

Cursor: TypeAlias = Literal["mint", "opaque", "opaque-lenient"]

# Bytes of encoded rows kept per Holdings; about 3.5 million rows.
_KEPT_MAX: Final = 256 << 20
_NOTHING: Final = b""
_TAG_BYTES: Final = 8
_BALANCE_BYTES: Final = 8
_HOLDER_BYTES: Final = _BALANCE_BYTES + pubkey.KEY_BYTES
# Photon binds the balance of a cursor as a signed number, and panics where it does not fit.
_SIGNED_END: Final = 1 << 63


class ServerPanic(Exception):
    """A bug of Photon's own: the request ends its connection without a reply."""


class PageSlice(NamedTuple):
    """One page: its items as JSON text, Photon's cursor, and how many rows lie before."""

    items: bytes
    cursor: str | None
    begin: int


_NO_ROWS: Final = PageSlice(_NOTHING, None, 0)


class _Run(NamedTuple):
    """All items of one owner or mint as JSON text, each with a comma after it, and where each ends."""

    text: bytes
    ends: NDArray[np.int64]


class Pages:
    """Answers of one `Holdings`; safe to share between threads."""

    def __init__(self, holdings: Holdings) -> None:
        self._holdings = holdings
        self._heads = [b'{"mint":"%b","balance":' % mint.encode() for mint in holdings.mint_texts]
        self._runs: OrderedDict[tuple[str, str], _Run] = OrderedDict()
        self._kept = 0
        self._lock = Lock()

    def cut(self, query: _rpc.Query, cursor: Cursor) -> PageSlice:
        """PageSlice the page that a query asks for; `_rpc.Refused` where Photon would refuse it."""
        if query.owner is None:
            return self._holders(query, str(query.mint), cursor)
        rows = self._holdings.rows(query.owner)
        if rows is None:
            _rpc.check_address(query.owner)
        if query.mint is not None:
            return self._one(query, query.owner, cursor)
        begin = self._begin(query.cursor, rows, cursor)
        if rows is None:
            return _NO_ROWS
        end = min(begin + query.limit, len(rows.codes))
        if begin >= end:
            return PageSlice(_NOTHING, None, begin)
        run = self._run(("owner", query.owner), lambda: self._encode(rows))
        last = self._holdings.mint_texts[rows.codes[end - 1]] if end - begin == query.limit else None
        return PageSlice(_items(run, begin, end), last, begin)

    def warm(self) -> None:
        """Encode all owners at once, as far as they are kept, so that no request pays for it."""
        for owner in self._holdings.owners:
            rows = self._holdings.rows(owner)
            if rows is not None and len(rows.codes):
                self._run(("owner", owner), partial(self._encode, rows))

    def warm_holders(self, mint: str) -> None:
        """Sort and encode the holders of a mint."""
        holders = self._holdings.holders(mint)
        if holders is not None:
            self._run(("mint", mint), lambda: self._encode_holders(holders))

    def _holders(self, query: _rpc.Query, mint: str, cursor: Cursor) -> PageSlice:
        """Holders of a mint below a cursor, which is a balance and an owner."""
        holders = self._holdings.holders(mint)
        if holders is None:
            _rpc.check_address(mint)
        text = None if query.cursor is None else _text_in(query.cursor, cursor, _check_holder_cursor)
        begin = 0
        if text is not None:
            balance, owner = _holder_in(text)
            if balance >= _SIGNED_END:
                raise ServerPanic("a cursor's balance does not fit 64 bits signed")
            begin = 0 if holders is None else self._below(holders, balance, owner)
        end = begin if holders is None else min(begin + query.limit, len(holders.owners))
        if holders is None or begin >= end:
            return PageSlice(_NOTHING, None, begin)
        run = self._run(("mint", mint), lambda: self._encode_holders(holders))
        last = None
        if end - begin == query.limit:
            last = _holder_cursor(
                int(holders.balances[end - 1]), self._holdings.owners[holders.owners[end - 1]]
            )
        return PageSlice(_items(run, begin, end), last, begin)

    def _below(self, holders: Holders, balance: int, owner: bytes) -> int:
        """Count the holders at or above a place of the order."""
        rising = holders.balances[::-1]
        low, high = (
            int(np.searchsorted(rising, np.uint64(balance), side=side)) for side in ("left", "right")
        )
        begin, end = len(rising) - high, len(rising) - low
        return end - int(holders.ranks[begin:end][::-1].searchsorted(self._holdings.owner_rank(owner)))

    def _encode_holders(self, holders: Holders) -> _Run:
        names = self._holdings.owners
        pairs = zip(holders.owners.tolist(), holders.balances.tolist(), strict=True)
        return _run_of([b'{"owner":"%b","balance":%d},' % (names[n].encode(), amount) for n, amount in pairs])

    def _one(self, query: _rpc.Query, owner: str, cursor: Cursor) -> PageSlice:
        """Row of one mint: any base58 cursor is ignored, as Photon does where a mint is set."""
        if cursor == "mint" and query.cursor is not None:
            _cursor_bytes(query.cursor)
        mint = str(query.mint)
        code = self._holdings.code(mint)
        if code is None:
            _rpc.check_address(mint)
        balance = self._holdings.balance(owner, mint)
        if code is None or balance is None or not query.limit:
            return _NO_ROWS
        return PageSlice(self._heads[code] + b"%d}" % balance, mint if query.limit == 1 else None, 0)

    def _begin(self, text: str | None, rows: Rows | None, cursor: Cursor) -> int:
        mint = None if text is None else _text_in(text, cursor, _check_cursor)
        if rows is None or mint is None:
            return 0
        below = self._holdings.mints.searchsorted(np.bytes_(pubkey.aligned(mint)), side="right")
        return int(rows.codes.searchsorted(np.int32(below)))

    def _run(self, of: tuple[str, str], encode: Callable[[], _Run]) -> _Run:
        with self._lock:
            run = self._runs.get(of)
            if run is None:
                run = self._runs[of] = encode()
                self._keep(len(run.text))
            self._runs.move_to_end(of)
        return run

    def _keep(self, more: int) -> None:
        self._kept += more
        while self._kept > _KEPT_MAX and len(self._runs) > 1:
            self._kept -= len(self._runs.popitem(last=False)[1].text)

    def _encode(self, rows: Rows) -> _Run:
        heads = self._heads
        pairs = zip(rows.codes.tolist(), rows.balances.tolist(), strict=True)
        return _run_of([heads[code] + b"%d}," % balance for code, balance in pairs])


def _run_of(items: list[bytes]) -> _Run:
    ends = np.zeros(len(items) + 1, dtype=np.int64)
    np.cumsum(np.fromiter(map(len, items), dtype=np.int64, count=len(items)), out=ends[1:])
    return _Run(_NOTHING.join(items), ends)


def _items(run: _Run, begin: int, end: int) -> bytes:
    return run.text[int(run.ends[begin]) : int(run.ends[end]) - 1]


_known: WeakKeyDictionary[Holdings, Pages] = WeakKeyDictionary()


def pages_of(holdings: Holdings) -> Pages:
    """Pages of a `Holdings`, shared by all indexers that serve it."""
    pages = _known.get(holdings)
    if pages is None:
        pages = _known[holdings] = Pages(holdings)
    return pages


def token_of(text: str) -> str:
    """Opaque cursor that stands for one of Photon's: a signed token, no base58."""
    raw = text.encode("ascii")
    return urlsafe_b64encode(_tag(raw) + raw).decode("ascii")


def _text_in(text: str, cursor: Cursor, check: Callable[[str], None]) -> str | None:
    """Return Photon's cursor that a cursor stands for; ``None`` for one that a lenient server ignores."""
    meant = _text_of_token(text)
    if meant is not None:
        return meant
    if cursor == "opaque-lenient":
        return None
    if cursor == "opaque":
        raise _rpc.Refused(_rpc.CALL_FAILED, "Validation Error: Invalid cursor.")
    check(text)
    return text


def _text_of_token(text: str) -> str | None:
    if len(text) <= pubkey.TEXT_MAX:
        return None
    try:
        raw = urlsafe_b64decode(text)
    except ValueError:
        return None
    tag, meant = raw[:_TAG_BYTES], raw[_TAG_BYTES:]
    return meant.decode("ascii") if tag == _tag(meant) else None


def _tag(raw: bytes) -> bytes:
    return blake2b(raw, digest_size=_TAG_BYTES, key=b"demo cursors").digest()


def _holder_cursor(balance: int, owner: str) -> str:
    raw = balance.to_bytes(_BALANCE_BYTES, "little") + pubkey.parse(owner)
    return base58.b58encode(raw).decode("ascii")


def _holder_in(text: str) -> tuple[int, bytes]:
    """Balance and aligned owner of a cursor."""
    raw = _cursor_bytes(text)
    owner = pubkey.aligned(pubkey.encode(raw[_BALANCE_BYTES:]))
    return int.from_bytes(raw[:_BALANCE_BYTES], "little"), owner


def _check_cursor(text: str, expected: int = pubkey.KEY_BYTES) -> None:
    length = len(_cursor_bytes(text))
    if length != expected:
        wrong = f"Invalid cursor length. Expected {expected}. Received {length}."
        raise _rpc.Refused(_rpc.CALL_FAILED, f"Validation Error: {wrong}")


def _check_holder_cursor(text: str) -> None:
    _check_cursor(text, _HOLDER_BYTES)


def _cursor_bytes(text: str) -> bytes:
    raw = _rpc.base58_bytes(text)
    if raw is None:
        raise _rpc.invalid("provided string contained invalid character")
    return raw
