"""``getCompressedTokenBalancesByOwnerV2``: the query of one page, and its reply as columns.

Pure functions. A reply is decoded once, by one typed decoder, so its verdict does not depend on white space.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Generic, Literal, TypeVar

import msgspec
import numpy as np

from helius_frames._protocol import jsonrpc, pubkey

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from helius_frames._protocol.jsonrpc import Clean

# In this order: a server that does not know the first is asked by the second.
METHODS: Final = ("getCompressedTokenBalancesByOwnerV2", "getCompressedTokenBalancesByOwner")

# Photon's PAGE_LIMIT: more is refused, and 0 returns an empty page that looks like the end.
PAGE_MAX: Final = 1000
# A cursor goes back to the server and is remembered for each page of a walk; Photon's has 44 characters.
CURSOR_MAX: Final = 4096

_VALUE_SHOWN: Final = 60
_DIGITS: Final = re.compile(r"[0-9]{1,20}")
_MINUS_ZERO: Final = re.compile(rb'"balance"\s*:\s*"?-0')


@dataclass(frozen=True, slots=True)
class Page:
    """One page as columns: aligned keys (see `pubkey`), exact balances in base units, slot, next cursor.

    Keys are the mints of an owner here; a page of a mint's holders has the owners.
    """

    keys: pubkey.Keys
    balances: NDArray[np.uint64]
    slot: int
    cursor: str | None

    def __len__(self) -> int:
        return len(self.balances)


class Item(msgspec.Struct, gc=False):
    """One row of a page; a subclass says by which name the reply has the key."""

    balance: int | str
    key: str


class _Balance(Item, gc=False):
    key: str = msgspec.field(name="mint")


Row = TypeVar("Row", bound=Item)


class _Context(msgspec.Struct):
    slot: jsonrpc.Slot


class _Value(msgspec.Struct, Generic[Row]):
    items: list[Row] | msgspec.UnsetType = msgspec.UNSET
    token_balances: list[Row] | msgspec.UnsetType = msgspec.UNSET
    cursor: str | None = None


class _Result(msgspec.Struct, Generic[Row]):
    context: _Context
    value: _Value[Row]


class _Reply(msgspec.Struct, Generic[Row]):
    id: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    result: _Result[Row] | msgspec.UnsetType | None = msgspec.UNSET
    error: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    # The published page of the method shows the inside of ``result`` alone.
    context: _Context | msgspec.UnsetType = msgspec.UNSET
    value: _Value[Row] | msgspec.UnsetType = msgspec.UNSET


class PageParser(Generic[Row]):
    """Decodes replies of one method, strictly.

    Parameters
    ----------
    item
        The struct of a row.
    key
        What its key is.
    what
        What a page is of.
    """

    def __init__(self, item: type[Row], *, key: Literal["mint", "owner"], what: str) -> None:
        self._decode = msgspec.json.Decoder(_Reply[item]).decode  # type: ignore[valid-type]
        self._key = key
        self._what = what

    def __call__(self, request_id: str, clean: Clean, status: int, content: bytes) -> Page:
        """Decode one reply.

        Raises
        ------
        HeliusError
            The error that the reply reports, or a `ProtocolError` that shows the reply in place of a page.
        """
        try:
            if not content.isascii():
                content.decode()  # msgspec does not look into the text of fields that it skips
            reply = self._decode(content)
            is_page = 200 <= status < 300 and reply.error in (msgspec.UNSET, _NULL)  # noqa: PLR2004
            if is_page:
                return _page(reply, content, request_id, clean, self._key)
            why: object = "it holds an error"
        except (*jsonrpc.UNREADABLE, ValueError) as error:
            why = error
        # Outside of `except`, so that nothing is chained to the error: its frames hold the reply.
        raise jsonrpc.reported_error(status, content, clean) or jsonrpc.not_a_reply(
            f"a page of {self._what}", why, content, clean
        )


_NULL: Final = msgspec.Raw(b"null")
parse_page: Final = PageParser(_Balance, key="mint", what="balances")


def _page(reply: _Reply[Row], content: bytes, request_id: str, clean: Clean, key: str) -> Page:
    """Check what the types alone do not say; `ValueError` says what is wrong."""
    if isinstance(reply.result, _Result):
        jsonrpc.check_id(reply.id, request_id, clean)
        slot, value = reply.result.context.slot, reply.result.value
    elif reply.result is not None and isinstance(reply.context, _Context) and isinstance(reply.value, _Value):
        slot, value = reply.context.slot, reply.value
    else:
        raise ValueError("the result is null" if reply.result is None else "there is no result in it")
    items = value.token_balances if value.items is msgspec.UNSET else value.items
    if not isinstance(items, list):
        raise ValueError("it has neither items nor token_balances")  # noqa: TRY004 - as all that is wrong here
    if value.cursor is not None and not 0 < len(value.cursor) <= CURSOR_MAX:
        raise ValueError(f"a cursor must have 1 to {CURSOR_MAX:,} characters, got {len(value.cursor):,}")

    if b"-0" in content and _MINUS_ZERO.search(content):  # an integer to msgspec, and no unsigned one
        raise ValueError("balance -0 must be an unsigned integer")
    texts = [item.key for item in items]
    keys = pubkey.align_texts(texts)
    if keys is None:
        raise ValueError(next(why for n, text in enumerate(texts) if (why := _bad_key(key, n, text))))
    balances = [item.balance for item in items]
    try:
        # numpy refuses what does not fit 64 bits unsigned; text it would parse more freely than JSON's
        # integers.
        exact = np.array(balances if str not in map(type, balances) else _integers(balances), dtype=np.uint64)
    except OverflowError:
        number, balance = next((n, b) for n, b in enumerate(balances) if not 0 <= int(b) < 1 << 64)
        raise ValueError(
            f"balance {str(balance)[:_VALUE_SHOWN]} of item {number} must fit 64 bits unsigned"
        ) from None
    return Page(keys, exact, slot, value.cursor)


def _integers(balances: list[int | str]) -> list[int]:
    """Values of balances that came as decimal text, as some clients of Photon accept them."""
    for number, balance in enumerate(balances):
        if isinstance(balance, str) and not _DIGITS.fullmatch(balance):
            raise ValueError(
                f"balance {balance[:_VALUE_SHOWN]!r} of item {number} must be an unsigned integer"
            )
    return [int(balance) for balance in balances]


def _bad_key(key: str, number: int, text: str) -> str | None:
    try:
        pubkey.parse(text)
    except ValueError as error:
        return f"{key} {text[:_VALUE_SHOWN]!r} of item {number}: {error}"
    return None
