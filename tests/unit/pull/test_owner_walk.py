"""All rows of one owner: to which page a walk goes, what it refuses, and how it goes on plainly."""

from __future__ import annotations

from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helius_frames._pull.owner_walk import EMPTY_PAGES_MAX, MintLoopDetector, OwnerWalk, read_plainly
from helius_frames._pull.rows import RowBuffer
from helius_frames.demo import Holdings, Indexer
from helius_frames.errors import CursorError, ProtocolError, RPCError
from tests.fault_server import FaultRule, FaultyIndexer
from tests.support.limits import row_limit
from tests.support.pages import mint_at, page_of, pairs, pairs_held
from tests.support.servers import ScriptedServer, page_body
from tests.support.walks import Calls, fetching

OWNER = "1" * 32


def holdings_of(mints, seed=0):
    return Holdings.uniform(1, mints, mints, seed) if mints else Holdings.from_dict({OWNER: {}})


def walk(app, owner=OWNER, *, page_size=10, emit=None, made_cursors_work=None):
    """Walk one owner with one reader; return its rows, its calls, and the walk."""
    calls = Calls(app)

    async def talk(fetcher):
        fetcher.made_cursors_work = made_cursors_work
        reading = OwnerWalk(fetcher, owner, emit)
        return await reading.read(), reading

    rows, reading = fetching(calls, talk, page_size)
    return rows, calls.calls, reading


def walk_holdings(holdings, app=None, **options):
    (owner,) = holdings.owners
    rows, calls, _ = walk(app or Indexer(holdings), owner, **options)
    assert pairs(rows) == pairs_held(holdings, owner)
    return calls


def scripted(pages):
    """An app whose pages of an owner are (numbers, cursor), found by the cursor that is sent."""
    by_cursor = dict(zip([None, *(cursor for _, cursor in pages)], pages, strict=False))

    def answer(call):
        cursor = call["params"].get("cursor")
        if cursor not in by_cursor:
            return 200, [], b'{"error":{"code":-32602,"message":"unknown cursor"}}'
        numbers, after = by_cursor[cursor]
        return 200, [], page_body(call, [(mint_at(number), number) for number in numbers], after)

    return ScriptedServer(answer)


def numbers_of(rows):
    return rows.balances.tolist()


# To the end


@pytest.mark.parametrize("mints", [0, 1, 9, 10, 11, 30, 95])
def test_a_walk_reads_what_the_indexer_holds_a_page_after_the_other(mints):
    assert len(walk_holdings(holdings_of(mints))) == mints // 10 + 1


def test_the_first_request_carries_no_cursor_and_the_others_the_servers():
    calls = walk_holdings(holdings_of(25))
    assert calls[0]["params"].keys() == {"owner", "limit"}
    assert [call["params"].get("cursor") for call in calls[1:]] == [
        mint for mint, _ in pairs_held(holdings_of(25), calls[0]["params"]["owner"])
    ][9::10]


@pytest.mark.parametrize("fault", ["empty-page", "short-page"])
@pytest.mark.parametrize("made_cursors_work", [None, False])
def test_an_empty_or_short_page_with_a_cursor_is_not_the_end(fault, made_cursors_work):
    app = FaultyIndexer(holdings_of(35), faults=[FaultRule(fault, page=2, times=1)])
    walk_holdings(app.holdings, app, made_cursors_work=made_cursors_work)


@pytest.mark.parametrize("cursor", ["opaque", "opaque-lenient"])
def test_pages_out_of_order_come_back_in_order(cursor):
    app = FaultyIndexer(holdings_of(35), cursor=cursor, faults=[FaultRule("out-of-order")])
    walk_holdings(app.holdings, app)


def test_rows_out_of_order_across_pages_come_back_in_order_with_their_own_slots():
    rows, _, _ = walk(scripted([([5, 9], "a"), ([1, 3], "b"), ([7], None)]), page_size=2)
    assert numbers_of(rows) == [1, 3, 5, 7, 9]


def test_a_first_page_that_contradicts_is_gone_on_with_and_not_read_again():
    _, calls, reading = walk(scripted([([5, 9], "a"), ([1, 3], "b"), ([7], None)]), page_size=2)
    assert len(calls) == reading.requests == 3
    assert reading.pages_left() == 0.0


def test_pages_before_a_first_contradiction_are_kept():
    rows, calls, _ = walk(scripted([([1, 2], mint_at(2)), ([3, 4], "odd"), ([9], None)]), page_size=2)
    assert numbers_of(rows) == [1, 2, 3, 4, 9]
    assert len(calls) == 3


def test_a_server_known_to_page_in_another_way_is_read_plainly_at_once():
    calls = Calls(scripted([([5, 9], "a"), ([1, 3], None)]))

    async def talk(fetcher):
        first, second = OwnerWalk(fetcher, OWNER), OwnerWalk(fetcher, OWNER)
        rows = [await first.read(), await second.read()]
        return rows, fetcher.made_cursors_work, second.pages_left()

    rows, made_cursors_work, left = fetching(calls, talk, page_size=2)
    assert list(map(numbers_of, rows)) == [[1, 3, 5, 9]] * 2
    assert made_cursors_work is False
    assert left == 0.0


# A full page without a cursor


def test_a_full_page_without_a_cursor_is_confirmed_and_what_follows_is_read():
    """A server that leaves the cursor out altogether, and takes ours."""
    held = list(range(1, 8))

    def answer(call):
        after = call["params"].get("cursor")
        rows = [(mint_at(n), n) for n in held if after is None or mint_at(n) > after][:3]
        return 200, [], page_body(call, rows)

    rows, calls, _ = walk(ScriptedServer(answer), page_size=3)
    assert numbers_of(rows) == held
    assert [call["params"].get("cursor") for call in calls] == [None, mint_at(3), mint_at(6)]


@pytest.mark.parametrize(
    "later",
    [
        (200, [], b'{"error":{"code":-32602,"message":"what is this cursor"}}'),  # cursors of its own
        "start",  # it begins again
        "nothing",
    ],
)
def test_where_nothing_new_follows_a_full_page_without_a_cursor_its_word_stands(later):
    def answer(call):
        if call["params"].get("cursor") is None or later == "start":
            return 200, [], page_body(call, [(mint_at(n), n) for n in (1, 2, 3)])
        return (200, [], page_body(call)) if later == "nothing" else later

    rows, calls, _ = walk(ScriptedServer(answer), page_size=3)
    assert numbers_of(rows) == [1, 2, 3]
    assert len(calls) == 2


def test_a_short_page_without_a_cursor_is_the_end():
    rows, calls, _ = walk(scripted([([1, 2], None)]), page_size=3)
    assert (numbers_of(rows), len(calls)) == ([1, 2], 1)


def test_an_error_that_may_pass_while_an_end_is_confirmed_is_an_error():
    def answer(call):
        if call["params"].get("cursor") is None:
            return 200, [], page_body(call, [(mint_at(n), n) for n in (1, 2, 3)])
        return 200, [], b"<html>"

    with pytest.raises(ProtocolError) as caught:
        walk(ScriptedServer(answer), page_size=3)
    assert caught.value.page == 2


# What is refused


def test_a_cursor_that_comes_twice_names_owner_and_page():
    app = FaultyIndexer(holdings_of(50), faults=[FaultRule("cursor-loops")])
    with pytest.raises(CursorError, match="came twice") as caught:
        walk_holdings(app.holdings, app)
    assert caught.value.owner == app.holdings.owners[0]
    assert caught.value.page >= 2


@pytest.mark.parametrize("fault", ["mint-twice", "mint-again"])
@pytest.mark.parametrize("made_cursors_work", [None, False])
def test_a_mint_that_comes_twice_within_an_owner_is_an_error(fault, made_cursors_work):
    app = FaultyIndexer(holdings_of(50), faults=[FaultRule(fault, page=2)])
    with pytest.raises(ProtocolError) as caught:
        walk_holdings(app.holdings, app, made_cursors_work=made_cursors_work)
    assert caught.value.owner == app.holdings.owners[0]


def test_a_walk_of_more_rows_than_any_owner_has_ends():
    with (
        row_limit(20),
        pytest.raises(ProtocolError, match="30 rows, and still a cursor: the server is looping"),
    ):
        walk_holdings(holdings_of(50), made_cursors_work=False)


# In chunks


def emitted(app, owner=OWNER, page_size=10):
    parts = []

    async def emit(rows):
        parts.append(pairs(rows))

    rows, _, reading = walk(app, owner, page_size=page_size, emit=emit)
    assert reading.pages_left() == 0.0
    return parts, pairs(rows)


def test_rows_go_out_page_by_page_as_long_as_they_come_in_order():
    holdings = holdings_of(35)
    (owner,) = holdings.owners
    parts, rest = emitted(Indexer(holdings), owner)
    assert [len(part) for part in parts] == [10, 10, 10, 5]
    assert list(chain(*parts)) == pairs_held(holdings, owner)
    assert rest == []


def test_rows_that_are_out_of_order_from_the_first_page_wait_to_the_end():
    parts, rest = emitted(scripted([([5, 4], "a"), ([9, 1], None)]), page_size=2)
    assert parts == []
    assert [balance for _, balance in rest] == [1, 4, 5, 9]


def test_rows_out_of_order_after_some_went_out_are_an_error():
    with pytest.raises(ProtocolError, match="read without chunksize") as caught:
        emitted(scripted([([5, 9], "a"), ([1, 3], None)]), page_size=2)
    assert (caught.value.owner, caught.value.page) == (OWNER, 2)


@pytest.mark.parametrize("repeated", [5, 9])
def test_a_page_that_repeats_after_its_rows_went_out_is_an_error(repeated):
    with pytest.raises(ProtocolError):
        emitted(scripted([([5, 9], "a"), ([repeated], None)]), page_size=2)


def test_what_was_read_before_goes_out_with_the_page_that_follows():
    parts = []

    async def emit(rows):
        parts.append(numbers_of(rows))

    async def talk(fetcher):
        class Counter:
            requests = 0

        buffer = RowBuffer()
        buffer.append(page_of([1, 2]))
        rows = await read_plainly(
            fetcher, OWNER, Counter, emit=emit, buffer=buffer, following=page_of([3, 4], cursor=True)
        )
        return numbers_of(rows), Counter.requests

    assert fetching(scripted([([], mint_at(4)), ([5], None)]), talk, page_size=2) == ([], 1)
    assert parts == [[1, 2, 3, 4], [5]]


# The loop detector

DETECTOR_PAGES = st.lists(st.lists(st.integers(0, 30), max_size=4), max_size=8)


@given(DETECTOR_PAGES)
def test_the_detector_refuses_a_mint_that_came_before_and_nothing_else(pages):
    detector, buffer, seen = MintLoopDetector(RowBuffer(), owner=OWNER), RowBuffer(), set()
    for number, numbers in enumerate(pages, start=1):
        page = page_of({}, f"cursor {number}") if not numbers else repeated_page(numbers, f"cursor {number}")
        is_repeated = len(set(numbers)) < len(numbers) or bool(seen & set(numbers))
        if is_repeated:
            with pytest.raises(CursorError, match="came twice"):
                detector.check(page, number, buffer)
            return
        detector.check(page, number, buffer)
        buffer.append(page)
        seen |= set(numbers)
    everything = list(chain(*pages))
    assert detector.is_sorted == (everything == sorted(everything))


def repeated_page(numbers, cursor):
    """A page in which a mint may stand twice."""
    pages = [page_of([number]) for number in numbers]
    buffer = RowBuffer()
    for page in pages:
        buffer.append(page)
    rows = buffer.take_rows()
    return type(pages[0])(rows.keys, rows.balances, 1, cursor)


def test_the_detector_knows_what_was_read_before_it():
    buffer = RowBuffer()
    buffer.append(page_of([1, 2, 3]))
    detector = MintLoopDetector(buffer, owner=OWNER)
    with pytest.raises(CursorError):
        detector.check(page_of([2]), 2, buffer)


def test_the_detector_ends_a_walk_of_empty_pages_and_counts_only_those_in_a_row():
    detector = MintLoopDetector(RowBuffer(), owner=OWNER)
    for number in range(EMPTY_PAGES_MAX):
        detector.check(page_of({}, f"cursor {number}"), number, RowBuffer())
    detector.check(page_of([1], "one"), 101, RowBuffer())
    for number in range(EMPTY_PAGES_MAX):
        detector.check(page_of({}, f"other {number}"), 102 + number, RowBuffer())
    with pytest.raises(ProtocolError, match="the last 101 of them empty, and still a cursor") as caught:
        detector.check(page_of({}, "last"), 300, RowBuffer())
    assert (caught.value.owner, caught.value.page) == (OWNER, 300)


def test_the_detector_names_the_page_at_which_a_cursor_came_first():
    detector = MintLoopDetector(RowBuffer(), owner=OWNER)
    detector.check(page_of([1], "a"), 4, RowBuffer())
    detector.check(page_of([2], "b"), 5, RowBuffer())
    with pytest.raises(CursorError, match="the same cursor came twice, first on page 4"):
        detector.check(page_of([3], "a"), 6, RowBuffer())


def test_a_server_that_refuses_the_first_page_is_an_error_and_not_a_contradiction():
    with pytest.raises(RPCError) as caught:
        walk(ScriptedServer(lambda _call: (200, [], b'{"error":{"code":-32000,"message":"m"}}')))
    assert (caught.value.owner, caught.value.page) == (OWNER, 1)
