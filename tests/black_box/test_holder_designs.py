"""Servers that list holders in ways of their own: each is read exactly, or the error is one of ours."""

from __future__ import annotations

import asyncio
import base64
import json
import random
from bisect import bisect_left

import base58
import pytest

from helius_frames import CursorError, demo, read_helius_holders
from tests.support.addresses import address_at, key_bytes
from tests.support.frames import rows_of
from tests.support.servers import ScriptedServer
from tests.support.transport import use_transport

MINT = demo.MINTS[0]


def cursor_of(row):
    owner, balance = row
    return base58.b58encode(balance.to_bytes(8, "little") + key_bytes(owner)).decode()


def place_of(cursor):
    raw = base58.b58decode(cursor)
    return int.from_bytes(raw[:8], "little"), raw[8:]


def place(row):
    return row[1], key_bytes(row[0])


class Design:
    """A server of one mint's holders; the methods are what a design may change."""

    def __init__(self, rows):
        self.rows = self.sort(rows)
        self.cursors = [cursor_of(row) for row in self.rows]
        self.requests = 0

    def sort(self, rows):
        return sorted(rows, key=place, reverse=True)

    def begin(self, cursor):
        """Index of the first row after a cursor."""
        rising = [place(row) for row in self.rows[::-1]]
        return len(rising) - bisect_left(rising, place_of(cursor))

    def cursor(self, rows, end, limit):  # noqa: ARG002 - designs differ in what they need
        return cursor_of(rows[-1]) if len(rows) == limit else None

    def page(self, params):
        limit, cursor = params.get("limit", 1000), params.get("cursor")
        begin = 0 if cursor is None else self.begin(cursor)
        rows = self.rows[begin : begin + limit]
        return rows, self.cursor(rows, begin + len(rows), limit)

    def __call__(self, call):
        self.requests += 1
        assert set(call["params"]) <= {"mint", "cursor", "limit"}
        rows, cursor = self.page(call["params"])
        items = [{"owner": owner, "balance": balance} for owner, balance in rows]
        result = {"context": {"slot": 1}, "value": {"items": items, "cursor": cursor}}
        return 200, [], json.dumps({"jsonrpc": "2.0", "result": result, "id": call["id"]}).encode()


class Photon(Design):
    """As Photon does."""


class LooksAhead(Design):
    """No cursor where nothing follows, even on a full page."""

    def cursor(self, rows, end, limit):  # noqa: ARG002
        return cursor_of(rows[-1]) if end < len(self.rows) else None


class Rising(Design):
    """The smallest balance first."""

    def sort(self, rows):
        return sorted(rows, key=place)

    def begin(self, cursor):
        return sum(place(row) <= place_of(cursor) for row in self.rows)


class TextOrder(Design):
    """Sorts owners of one balance as text."""

    def sort(self, rows):
        return sorted(rows, key=lambda row: (row[1], row[0]), reverse=True)

    def begin(self, cursor):
        balance, owner = place_of(cursor)
        return sum((row[1], row[0]) >= (balance, base58.b58encode(owner).decode()) for row in self.rows)


class Shuffled(Design):
    """An order of its own, with cursors that are looked up."""

    def sort(self, rows):
        rows = super().sort(rows)
        random.Random(5).shuffle(rows)
        return rows

    def begin(self, cursor):
        return self.cursors.index(cursor) + 1 if cursor in self.cursors else 0


class UnknownIsStart(Design):
    """Begins again where it does not know the cursor."""

    def begin(self, cursor):
        return super().begin(cursor) if cursor in self.cursors else 0


class UnknownIsEnd(Design):
    """Answers with nothing where it does not know the cursor."""

    def begin(self, cursor):
        return super().begin(cursor) if cursor in self.cursors else len(self.rows)


class UnknownIsLastPage(Design):
    """Answers with the last page where it does not know the cursor."""

    def page(self, params):
        cursor = params.get("cursor")
        if cursor is None or cursor in self.cursors:
            return super().page(params)
        size = params["limit"]
        return self.rows[len(self.rows) - 1 - (len(self.rows) - 1) % size :], None


class LookedUp(Design):
    """Looks the cursor up, and goes beyond the next row where it is not there."""

    def begin(self, cursor):
        begin = super().begin(cursor)
        return begin if cursor in self.cursors else begin + 1


class BalanceOnly(Design):
    """Looks at the balance of a cursor that it does not know, not at its owner."""

    def begin(self, cursor):
        if cursor in self.cursors:
            return super().begin(cursor)
        return sum(row[1] >= place_of(cursor)[0] for row in self.rows)


class Opaque(Design):
    """Cursors are tokens; others are refused."""

    def cursor(self, rows, end, limit):
        return base64.b64encode(b"%d" % end).decode() if len(rows) == limit else None

    def begin(self, cursor):
        return int(base64.b64decode(cursor, validate=True))

    def __call__(self, call):
        try:
            return super().__call__(call)
        except ValueError:
            return 200, [], b'{"jsonrpc":"2.0","error":{"code":-32000,"message":"invalid cursor"},"id":"x"}'


class EmptyPages(Design):
    """Now and then a page without rows, whose cursor goes on."""

    def page(self, params):
        rows, cursor = super().page(params)
        if cursor is not None and rows and self.requests % 3 == 0:
            owner, balance = rows[0]
            above = int.from_bytes(key_bytes(owner), "big") + 1
            before = cursor_of((address_at(above), balance))
            if before != params.get("cursor"):
                return [], before
        return rows, cursor


class ShortPages(Design):
    """Pages of any length, with a cursor as long as something follows."""

    def page(self, params):
        cursor = params.get("cursor")
        begin = 0 if cursor is None else self.begin(cursor)
        rows = self.rows[begin : begin + max(1, (params["limit"] * (1 + begin % 3)) // 3)]
        return rows, cursor_of(rows[-1]) if rows and begin + len(rows) < len(self.rows) else None


class NoCursor(Design):
    """Leaves the cursor out altogether, though cursors work."""

    def cursor(self, rows, end, limit):  # noqa: ARG002
        return None


DESIGNS = (
    Photon,
    LooksAhead,
    Rising,
    TextOrder,
    Shuffled,
    UnknownIsStart,
    UnknownIsEnd,
    UnknownIsLastPage,
    LookedUp,
    BalanceOnly,
    Opaque,
    EmptyPages,
    ShortPages,
    NoCursor,
)

BALANCES = {
    "one amount": lambda _draw: 10**9,
    "few amounts": lambda draw: draw.choice([0, 1, 7, 7, 10**9]),
    "long tail": lambda draw: draw.getrandbits(draw.randrange(1, 60)),
}


def rows_for(count, shape, seed=3):
    """Random owners, some of 43 characters and a few shorter."""
    draw = random.Random(seed)
    positions = sorted({draw.getrandbits(draw.choice((256, 256, 256, 251, 240))) for _ in range(count)})
    return [(address_at(position), BALANCES[shape](draw)) for position in positions]


class Server(ScriptedServer):
    """Lets other requests go on before it answers, as a real one does: else no reader gets help."""

    async def __call__(self, *args):
        await asyncio.sleep(0)
        await super().__call__(*args)


def read(design, **options):
    options = {"retries": 0, "requests_per_second": 1e9} | options
    with use_transport("in process", Server(design)):
        return rows_of(read_helius_holders(MINT, endpoint="http://localhost", **options))


def held(rows):
    return [(owner, MINT, balance) for owner, balance in sorted(rows, key=place, reverse=True)]


@pytest.mark.parametrize("design", DESIGNS)
@pytest.mark.parametrize("shape", sorted(BALANCES))
@pytest.mark.parametrize(("count", "page_size"), [(0, 7), (5, 7), (7, 7), (40, 5), (100, 10), (400, 7)])
def test_every_holder_is_read(design, shape, count, page_size):
    rows = rows_for(count, shape)
    for concurrency in (1, 16):
        assert read(design(rows), page_size=page_size, max_concurrency=concurrency) == held(rows)


def test_a_server_that_takes_made_cursors_is_read_by_several_readers():
    """Else the designs above would show nothing of them."""
    rows = rows_for(800, "few amounts")
    one, many, lossy = Photon(rows), Photon(rows), UnknownIsEnd(rows)
    read(one, page_size=7, max_concurrency=1)
    read(many, page_size=7)
    read(lossy, page_size=7)
    assert one.requests < many.requests < 1.2 * one.requests
    assert lossy.requests > 1.2 * one.requests  # it was found out, and read once more


@pytest.mark.parametrize("design", DESIGNS)
def test_a_part_is_a_part_of_the_whole(design):
    rows = rows_for(100, "few amounts")
    assert read(design(rows), page_size=10, top=23) == held(rows)[:23]
    assert read(design(rows), page_size=10, min_balance=7) == [row for row in held(rows) if row[2] >= 7]
    owners = [owner for owner, _ in rows[::9]]
    assert read(design(rows), page_size=10, owners=owners) == [row for row in held(rows) if row[0] in owners]


@pytest.mark.parametrize("concurrency", [1, 16])
def test_a_server_whose_cursor_includes_its_row_is_an_error(concurrency):
    class Inclusive(Photon):
        def begin(self, cursor):
            return super().begin(cursor) - (cursor in self.cursors)

    with pytest.raises(CursorError, match="came twice with one balance"):
        read(Inclusive(rows_for(40, "long tail")), page_size=5, max_concurrency=concurrency)


@pytest.mark.parametrize("shape", sorted(BALANCES))
def test_a_server_that_goes_round_in_circles_is_an_error(shape):
    class Circle(Shuffled):
        def begin(self, cursor):
            return super().begin(cursor) % 20

    with pytest.raises(CursorError):
        read(Circle(rows_for(40, shape)), page_size=5)
