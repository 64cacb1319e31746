"""Servers that page in ways of their own: every row is read, whatever a cursor means to them."""

from __future__ import annotations

import base64
import random
from bisect import bisect_right

import pytest

from helius_frames import demo, read_helius_balances
from tests.support.addresses import address_at, key_bytes
from tests.support.frames import rows_of
from tests.support.servers import ScriptedServer, page_body
from tests.support.transport import use_transport

OWNER = demo.OWNERS[0]


class Design:
    """A server of one owner's rows; the methods are what a design may change."""

    def __init__(self, rows):
        self.rows = self.sort(rows)
        self.mints = [mint for mint, _ in self.rows]
        self.requests = 0

    def sort(self, rows):
        return sorted(rows, key=lambda row: key_bytes(row[0]))

    def begin(self, cursor):
        """Index of the first row after a cursor."""
        return bisect_right([key_bytes(mint) for mint in self.mints], key_bytes(cursor))

    def cursor(self, rows, end, limit):  # noqa: ARG002
        """The cursor that a page carries."""
        return rows[-1][0] if len(rows) == limit else None

    def page(self, params):
        limit, cursor = params.get("limit", 1000), params.get("cursor")
        begin = 0 if cursor is None else self.begin(cursor)
        rows = self.rows[begin : begin + limit]
        return rows, self.cursor(rows, begin + len(rows), limit)

    def only(self, params):
        """The answer where one mint is asked for."""
        rows = [row for row in self.rows if row[0] == params["mint"]]
        return rows, rows[0][0] if rows and params.get("limit") == 1 else None

    def __call__(self, call):
        self.requests += 1
        params = call["params"]
        rows, cursor = self.only(params) if "mint" in params else self.page(params)
        return 200, [], page_body(call, rows, cursor)


class Photon(Design):
    """As Photon does."""


class LooksAhead(Design):
    """No cursor where nothing follows, even on a full page."""

    def cursor(self, rows, end, limit):  # noqa: ARG002
        return rows[-1][0] if end < len(self.rows) else None


class TextOrder(Design):
    """Sorts addresses as text."""

    def sort(self, rows):
        return sorted(rows)

    def begin(self, cursor):
        return bisect_right(self.mints, cursor)


class Descending(Design):
    def sort(self, rows):
        return super().sort(rows)[::-1]

    def begin(self, cursor):
        return sum(key_bytes(mint) >= key_bytes(cursor) for mint in self.mints)


class Shuffled(Design):
    """An order of its own, with cursors that are looked up."""

    def sort(self, rows):
        rows = super().sort(rows)
        random.Random(5).shuffle(rows)
        return rows

    def begin(self, cursor):
        return self.mints.index(cursor) + 1 if cursor in self.mints else 0


class LookedUp(Design):
    """Looks the cursor up, and goes beyond the next row where it is not there."""

    def begin(self, cursor):
        place = super().begin(cursor)
        return place if cursor in self.mints else place + 1


class UnknownIsStart(Design):
    """Begins again where it does not know the cursor."""

    def begin(self, cursor):
        return super().begin(cursor) if cursor in self.mints else 0


class UnknownIsEnd(Design):
    """Answers with nothing where it does not know the cursor."""

    def begin(self, cursor):
        return super().begin(cursor) if cursor in self.mints else len(self.rows)


class UnknownIsLastPage(Design):
    """Answers with the last page where it does not know the cursor."""

    def page(self, params):
        cursor = params.get("cursor")
        if cursor is None or cursor in self.mints:
            return super().page(params)
        size = params["limit"]
        return self.rows[len(self.rows) - 1 - (len(self.rows) - 1) % size :], None


class UnknownEndsSoon(Design):
    """Begins at the right place for a cursor that it does not know, and calls every such page the last."""

    def page(self, params):
        rows, cursor = super().page(params)
        known = params.get("cursor") in (None, *self.mints)
        return (rows, cursor) if known else (rows[: len(rows) // 2], None)


class Opaque(Design):
    """Cursors are tokens."""

    def begin(self, cursor):
        try:
            return int(base64.b64decode(cursor, validate=True))
        except ValueError:
            return 0

    def cursor(self, rows, end, limit):
        return base64.b64encode(b"%d" % end).decode() if len(rows) == limit else None


class OpaqueStrict(Opaque):
    """Cursors are tokens, and others are refused."""

    def __call__(self, call):
        cursor = call["params"].get("cursor")
        if cursor is not None:
            try:
                int(base64.b64decode(cursor, validate=True))
            except ValueError:
                body = b'{"jsonrpc":"2.0","error":{"code":-32000,"message":"invalid cursor"},"id":"x"}'
                return 200, [], body
        return super().__call__(call)


class FiltersAfterPaging(Design):
    """With a mint, cuts a page first and takes the mint's row out of it."""

    def only(self, params):
        rows, cursor = self.page(params)
        return [row for row in rows if row[0] == params["mint"]], cursor


class EmptyPages(Design):
    """Now and then a page without rows, whose cursor goes on."""

    def page(self, params):
        rows, cursor = super().page(params)
        if cursor is not None and self.requests % 3 == 0:
            before = params.get("cursor") or address_at(0)
            return [], before + " again" * (not before.endswith("again"))
        return rows, cursor

    def begin(self, cursor):
        return super().begin(cursor.partition(" ")[0])


class ShortPages(Design):
    """Pages of any length, with a cursor as long as something follows."""

    def page(self, params):
        cursor = params.get("cursor")
        begin = 0 if cursor is None else self.begin(cursor)
        rows = self.rows[begin : begin + max(1, (params.get("limit", 1000) * (1 + begin % 3)) // 3)]
        end = begin + len(rows)
        return rows, rows[-1][0] if rows and end < len(self.rows) else None


class NoCursor(Design):
    """Leaves the cursor out altogether, though cursors work."""

    def cursor(self, rows, end, limit):  # noqa: ARG002
        return None


class NoCursorOnFullPages(Design):
    """Sends a cursor with short pages alone."""

    def cursor(self, rows, end, limit):
        return rows[-1][0] if rows and len(rows) < limit and end < len(self.rows) else None


DESIGNS = (
    Photon,
    LooksAhead,
    TextOrder,
    Descending,
    Shuffled,
    LookedUp,
    UnknownIsStart,
    UnknownIsEnd,
    UnknownIsLastPage,
    UnknownEndsSoon,
    Opaque,
    OpaqueStrict,
    FiltersAfterPaging,
    EmptyPages,
    ShortPages,
    NoCursor,
    NoCursorOnFullPages,
)


def rows_for(count, seed=3):
    """Random mints, some of 43 characters and a few shorter."""
    draw = random.Random(seed)
    positions = {draw.getrandbits(draw.choice((256, 256, 256, 251, 240))) for _ in range(count)}
    return [(address_at(position), 1 + draw.getrandbits(60)) for position in positions]


def read(design, mint=None, **options):
    server = ScriptedServer(design)
    with use_transport("in process", server):
        return rows_of(read_helius_balances(OWNER, mint, endpoint="http://localhost", retries=0, **options))


def held(rows, wanted=None):
    kept = [row for row in rows if wanted is None or row[0] in wanted]
    return [(OWNER, *row) for row in sorted(kept, key=lambda row: key_bytes(row[0]))]


@pytest.mark.parametrize("design", DESIGNS)
@pytest.mark.parametrize(("count", "page_size"), [(0, 7), (5, 7), (7, 7), (40, 5), (100, 10), (800, 7)])
def test_every_row_is_read(design, count, page_size):
    rows = rows_for(count)
    for concurrency in (1, 16):
        assert read(design(rows), page_size=page_size, max_concurrency=concurrency) == held(rows)


@pytest.mark.parametrize("design", DESIGNS)
@pytest.mark.parametrize(("count", "page_size"), [(5, 7), (40, 5), (100, 10), (400, 7)])
@pytest.mark.parametrize("step", [3, 17])
def test_every_wanted_mint_is_read(design, count, page_size, step):
    rows = rows_for(count)
    absent = [mint for mint, _ in rows_for(9, seed=11)]
    wanted = [mint for mint, _ in rows[::step]] + absent
    assert read(design(rows), wanted, page_size=page_size) == held(rows, wanted)
    assert read(design(rows), wanted, page_size=page_size, max_concurrency=1) == held(rows, wanted)


@pytest.mark.parametrize("design", DESIGNS)
@pytest.mark.parametrize("place", [0, 1, 20, 39])
def test_one_wanted_mint_is_read(design, place):
    rows = rows_for(40)
    mint = rows[place][0]
    assert read(design(rows), mint, page_size=5) == held(rows, [mint])
    assert read(design(rows), demo.MINTS[0], page_size=5) == []


def test_jumps_are_proven_once_and_then_cost_less_than_pages():
    rows = rows_for(400)
    wanted = [mint for mint, _ in held_order(rows)[::40]]
    design = Photon(rows)
    assert read(design, wanted, page_size=10) == held(rows, wanted)
    assert design.requests <= len(wanted) + 2
    assert design.requests < 400 / 10


def held_order(rows):
    return sorted(rows, key=lambda row: key_bytes(row[0]))
