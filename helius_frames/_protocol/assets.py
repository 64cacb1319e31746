"""``getAssetBatch``: names, symbols and prices of tokens, as far as a server knows them.

Pure functions. Every field of an asset may be missing or of another type, and none is worth an error: what
cannot be used counts as missing. Names come from whoever made the mint, so they are cleaned and shortened.
"""

from __future__ import annotations

import math
import unicodedata
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from helius_frames._protocol import jsonrpc, pubkey

if TYPE_CHECKING:
    from collections.abc import Sequence

    from helius_frames._protocol.jsonrpc import Clean

METHOD: Final = "getAssetBatch"
BATCH_MAX: Final = 1000
# "One or more assets in the batch were not found": the whole batch is refused for one of them.
NOT_FOUND: Final = -32004

SYMBOL_MAX: Final = 20
NAME_MAX: Final = 64
_READ: Final = 4096  # characters of a name that are looked at
_U64_MAX: Final = (1 << 64) - 1
_U8_MAX: Final = 255
_DOLLARS: Final = ("USDC", "USD")
_MARKS_MAX: Final = 2  # combining marks in a row; more are drawn over the lines above and below

_FORMULA: Final = "=+-@ "

# What draws nothing, though it counts as a letter or a mark: a name of these alone would look like none.
_BLANKS: Final = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")


class Asset(NamedTuple):
    """What a server knows of one token; ``None`` where it does not."""

    symbol: str | None = None
    name: str | None = None
    decimals: int | None = None
    supply: int | None = None
    program: str | None = None
    price_usd: float | None = None
    slot: int | None = None


class _Reply(msgspec.Struct):
    result: Any
    id: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    error: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


_replies = msgspec.json.Decoder(_Reply)
_NULL: Final = msgspec.Raw(b"null")


def params(mints: Sequence[str]) -> dict[str, Any]:
    """Return the parameters that ask for these tokens, at most `BATCH_MAX` of them."""
    return {"ids": list(mints), "options": {"showFungible": True}}


def parse_assets(
    request_id: str, mints: Sequence[str], clean: Clean, status: int, content: bytes
) -> dict[str, Asset]:
    """Decode one reply: what is known of each of these mints; those that are unknown are not in it.

    An asset is matched by its ``id``; one without an id by its place, where there is one for each mint.

    Raises
    ------
    HeliusError
        The error that the reply reports, or a `ProtocolError` that shows the reply in place of a list.
    """
    try:
        reply = _replies.decode(content)
        if 200 <= status < 300 and reply.error in (msgspec.UNSET, _NULL):  # noqa: PLR2004
            jsonrpc.check_id(reply.id, request_id, clean)
            return _matched(reply.result, mints)
        why: object = "it holds an error"
    except (*jsonrpc.UNREADABLE, ValueError) as error:
        why = error
    raise jsonrpc.reported_error(status, content, clean) or jsonrpc.not_a_reply(
        "a list of assets", why, content, clean
    )


def _matched(result: object, mints: Sequence[str]) -> dict[str, Asset]:
    if not isinstance(result, list):
        raise ValueError("the result must be a list")  # noqa: TRY004 - as all that is wrong here
    asked, found = set(mints), {}
    for place, asset in enumerate(result):
        if not isinstance(asset, dict):
            continue
        mint = asset.get("id")
        if mint is None and len(result) == len(mints):
            mint = mints[place]
        if isinstance(mint, str) and mint in asked:
            found[mint] = _asset(asset)
    return found


def _asset(asset: dict[str, Any]) -> Asset:
    metadata, token = _at(asset, "content", "metadata"), _at(asset, "token_info")
    price = _at(token, "price_info")
    program = token.get("token_program")
    return Asset(
        symbol=clean_name(metadata.get("symbol"), SYMBOL_MAX) or clean_name(token.get("symbol"), SYMBOL_MAX),
        name=clean_name(metadata.get("name"), NAME_MAX),
        decimals=_integer(token.get("decimals"), _U8_MAX),
        supply=_integer(token.get("supply"), _U64_MAX),
        program=program if isinstance(program, str) and _is_address(program) else None,
        price_usd=_price(price.get("price_per_token")) if price.get("currency") in _DOLLARS else None,
        slot=_integer(asset.get("last_indexed_slot"), (1 << 63) - 1),
    )


def _at(value: object, *path: str) -> dict[str, Any]:
    """Return the object at a path, an empty one where there is none."""
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}


def _integer(value: object, most: int) -> int | None:
    is_whole = isinstance(value, int) and not isinstance(value, bool)
    return value if is_whole and 0 <= value <= most else None  # type: ignore[operator,return-value]


def _price(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        price = float(value)
    except OverflowError:
        return None
    return price if math.isfinite(price) and price >= 0 else None


def _is_address(text: str) -> bool:
    return pubkey.align_texts([text]) is not None


def clean_name(text: object, length: int) -> str | None:
    """Return a name fit to show, in one line and of a bounded length; ``None`` where none is left.

    Control, format (bidirectional ones among them), private and unassigned characters are taken out, runs of
    white space become one space. A backslash goes, with which a notebook's formulas begin, and so does what a
    spreadsheet takes for the beginning of one.
    """
    if not isinstance(text, str):
        return None
    kept: list[str] = []
    marks = 0
    for char in text[:_READ]:
        category = unicodedata.category(char)
        if category[0] == "Z" or char in "\t\n\r\v\f":
            kept.append(" ")
        elif category[0] != "C" and char not in _BLANKS and char != "\\":
            marks = marks + 1 if category[0] == "M" else 0
            if marks <= _MARKS_MAX:
                kept.append(char)
    name = " ".join("".join(kept).lstrip(_FORMULA).split())
    return (name if len(name) <= length else name[: length - 1] + "…") or None
