"""Changes to a decoded reply: what a wrong, odd or hostile server might send instead.

Each mutation takes the decoded message of one page and alters it in place.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

from helius_frames._protocol import pubkey
from helius_frames.demo import Holdings, _pages, _rpc

Json: TypeAlias = dict[str, Any]
Mutation: TypeAlias = Callable[[Json, "RequestContext"], None]


class RequestContext(NamedTuple):
    """One read of a page: the n-th of the server, which page, and which try of it."""

    number: int
    query: _rpc.Query
    page: int
    is_last: bool
    url_query: bytes
    tries: int
    holdings: Holdings


def mutated(body: bytes, mutate: Mutation, context: RequestContext) -> bytes:
    """Text of a reply after a mutation, in Photon's compact layout."""
    message = json.loads(body)
    mutate(message, context)
    return json.dumps(message, separators=(",", ":"), ensure_ascii=False).encode()


def _value(message: Json) -> Json:
    value: Json = message["result"]["value"]
    return value


def _items(message: Json) -> list[Json]:
    value = _value(message)
    items: list[Json] = value["items"] if "items" in value else value["token_balances"]
    return items


def _set_items(message: Json, items: list[Json]) -> None:
    value = _value(message)
    value["items" if "items" in value else "token_balances"] = items


def _key(item: Json) -> str:
    """Name of a row's key: its mint, or of holders its owner."""
    return "owner" if "owner" in item else "mint"


def _cursor_of(item: Json, *, is_above: bool = False) -> str:
    """Return the cursor that ends a page with a row, or the one right above it."""
    key = item[_key(item)]
    if is_above:
        step = 1 if _key(item) == "owner" else -1
        place = min(max(pubkey.position(pubkey.parse(key)) + step, 0), pubkey.KEY_SPACE - 1)
        key = pubkey.encode(pubkey.at_position(place))
    return key if _key(item) == "mint" else _pages._holder_cursor(item["balance"], key)


def put(*path: str, value: object) -> Mutation:
    """Set one field of the message."""

    def mutate(message: Json, _context: RequestContext) -> None:
        inside = message
        for name in path[:-1]:
            inside = inside[name]
        inside[path[-1]] = value

    return mutate


def drop(*path: str) -> Mutation:
    """Leave out one field of the message."""

    def mutate(message: Json, _context: RequestContext) -> None:
        inside = message
        for name in path[:-1]:
            inside = inside[name]
        inside.pop(path[-1], None)

    return mutate


def drop_list(message: Json, _context: RequestContext) -> None:
    """Leave out the list of rows, under either of its names."""
    value = _value(message)
    value.pop("items", None)
    value.pop("token_balances", None)


def last_item(name: str, value: object) -> Mutation:
    """Set one field of the page's last row."""

    def mutate(message: Json, _context: RequestContext) -> None:
        for item in _items(message)[-1:]:
            item[_key(item) if name == "mint" else name] = value

    return mutate


def last_item_without(name: str) -> Mutation:
    """Leave out one field of the page's last row."""

    def mutate(message: Json, _context: RequestContext) -> None:
        for item in _items(message)[-1:]:
            del item[_key(item) if name == "mint" else name]

    return mutate


def last_mint(change: Callable[[bytes], bytes]) -> Mutation:
    """Change the bytes of the last row's mint."""

    def mutate(message: Json, _context: RequestContext) -> None:
        for item in _items(message)[-1:]:
            item[_key(item)] = pubkey.encode(change(pubkey.parse(item[_key(item)])))

    return mutate


def balances_as_text(message: Json, _context: RequestContext) -> None:
    """Send balances as decimal strings, as clients of Photon accept them."""
    for item in _items(message):
        item["balance"] = str(item["balance"])


def balance_first(message: Json, _context: RequestContext) -> None:
    """Send each row's balance before its mint, in the order of the published page."""
    rows = [{"balance": item["balance"], _key(item): item[_key(item)]} for item in _items(message)]
    _set_items(message, rows)


def more_fields(message: Json, _context: RequestContext) -> None:
    """Add fields that the contract does not know, at every level."""
    more = {"new": {"deep": [1, None, "x"]}, "note": 'a "quoted" \\ {brace}'}
    message.update(more)
    message["result"].update(more)
    message["result"]["context"].update(apiVersion="0.51.0")
    _value(message).update(more)
    for item in _items(message):
        item.update(more)


def other_list_name(message: Json, _context: RequestContext) -> None:
    """Send the rows under the other method's name for them."""
    value = _value(message)
    names = ("items", "token_balances")
    old, new = names if "items" in value else reversed(names)
    value[new] = value.pop(old)


def bare(message: Json, _context: RequestContext) -> None:
    """Send the inside of ``result`` alone, as the published page shows it."""
    inside = message["result"]
    message.clear()
    message.update(inside)


def id_first(message: Json, _context: RequestContext) -> None:
    """Send the id before the result."""
    result = message.pop("result")
    message["result"] = result


def repeat_last(message: Json, _context: RequestContext) -> None:
    """Send the page's last row twice."""
    items = _items(message)
    items.extend(dict(item) for item in items[-1:])


def repeat_previous(message: Json, context: RequestContext) -> None:
    """Send the previous page's last row again, as an inclusive comparison of cursors does."""
    owner, _, cursor, limit = context.query
    balance = None if cursor is None or owner is None else context.holdings.balance(owner, cursor)
    if balance is None:
        return
    items = [{"mint": cursor, "balance": balance}, *_items(message)][:limit]
    _set_items(message, items)
    if len(items) == limit:
        _value(message)["cursor"] = items[-1]["mint"]


def out_of_order(message: Json, _context: RequestContext) -> None:
    """Send the rows of the page the other way round; the cursor stays."""
    _items(message).reverse()


def looping_cursor(message: Json, context: RequestContext) -> None:
    """Send a cursor that leads back: to the page's first row, or to where the request began."""
    items = _items(message)
    _value(message)["cursor"] = _cursor_of(items[0]) if items else context.query.cursor


def opaque_cursor(message: Json, _context: RequestContext) -> None:
    """Send the cursor as a token that says nothing of mints."""
    value = _value(message)
    if value["cursor"] is not None:
        value["cursor"] = _pages.token_of(value["cursor"])


def short_cursor(message: Json, _context: RequestContext) -> None:
    """Send a cursor of 31 bytes, which Photon itself refuses."""
    items = _items(message)
    last = pubkey.parse(items[-1][_key(items[-1])]) if items else bytes(pubkey.KEY_BYTES)
    _value(message)["cursor"] = pubkey.encode(last[:-1])


def empty_page(message: Json, context: RequestContext) -> None:
    """Send no rows, and a cursor just before them; asked from there, the rows come."""
    items = _items(message)
    if not items:
        return
    cursor = _cursor_of(items[0], is_above=True)
    if cursor == context.query.cursor:
        return
    _set_items(message, [])
    _value(message)["cursor"] = cursor


def short_page(message: Json, _context: RequestContext) -> None:
    """Send half of the rows and the cursor that belongs to them."""
    items = _items(message)
    if not items:
        return
    half = items[: (len(items) + 1) // 2]
    _set_items(message, half)
    _value(message)["cursor"] = _cursor_of(half[-1])


def older_slot(message: Json, _context: RequestContext) -> None:
    """Send a slot somewhat behind, as another server behind the same name does."""
    context = message["result"]["context"]
    context["slot"] = max(context["slot"] - 50, 0)
