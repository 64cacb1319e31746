"""One owner in ranges of the key space: where one is cut, what pages and seams prove, what disproves it."""

from __future__ import annotations

import asyncio
import random
from bisect import bisect_right
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helius_frames._protocol import pubkey
from helius_frames._pull import key_ranges
from helius_frames._pull.key_ranges import Contradiction, KeyRange, KeyRanges, is_provable
from helius_frames._pull.owner_walk import OwnerWalk
from helius_frames.demo import Holdings, Indexer
from helius_frames.errors import ProtocolError, RequestTimeout, RPCError
from tests.support.limits import row_limit
from tests.support.pages import mint_at, page_of, pairs, pairs_held
from tests.support.servers import ForgetfulServer
from tests.support.walks import Calls, fetching

OWNER = "1" * 32
KEY_BITS = 40  # of the numbers that stand for mints here, so that places between them are plenty
BITS = 256 - KEY_BITS


class TinyServer:
    """A fetcher and its server in one: the rows of one owner, as Photon pages them.

    `begin` says which row comes first after a cursor that is not a mint held; a subclass may get that wrong.
    """

    def __init__(self, numbers, page_size=10, seed=0):
        self.numbers = sorted(numbers)
        self.page_size = page_size
        self.made_cursors_work = None
        self.requests = 0
        self.draw = random.Random(seed)

    def begin(self, place):
        return bisect_right(self.numbers, place >> BITS)

    async def fetch(self, owner, _number, *, cursor=None):
        assert owner == OWNER
        self.requests += 1
        for _ in range(self.draw.randrange(4)):
            await asyncio.sleep(0)  # replies come in any order
        return self.page(cursor)

    def page(self, cursor):
        begin = 0
        if cursor is not None:
            place = pubkey.position(pubkey.parse(cursor))
            is_held = place % (1 << BITS) == 0 and (place >> BITS) in self.held
            begin = bisect_right(self.numbers, place >> BITS) if is_held else self.begin(place)
        numbers = self.numbers[begin : begin + self.page_size]
        return self.build(numbers, is_full=len(numbers) == self.page_size)

    def build(self, numbers, *, is_full):
        cursor = mint_at(numbers[-1], BITS) if numbers and is_full else None
        page = page_of({})
        if numbers:
            page = type(page)(
                pubkey.align_texts([mint_at(number, BITS) for number in numbers]),
                page_of(dict.fromkeys(range(len(numbers)), 1)).balances,
                7,
                None,
            )
        return type(page)(page.keys, page.balances, 7, cursor)

    @property
    def held(self):
        return set(self.numbers)


async def read_in_parts(walk, helpers, draw):
    """Read a walk, or ranges, with helpers that join at any time; return what each reader returned."""
    is_whole = isinstance(walk, OwnerWalk)
    readers = [asyncio.ensure_future(walk.read() if is_whole else walk.read(walk.first))]
    while len(readers) <= helpers and not any(reader.done() for reader in readers):
        await asyncio.sleep(0)
        if walk.pages_left() and draw.random() < 0.5:
            readers.append(asyncio.ensure_future(walk.help() if is_whole else walk.read(walk.split())))
    results = await asyncio.gather(*readers, return_exceptions=True)
    for error in results:
        if isinstance(error, BaseException):
            raise error
    return results


def in_ranges(server, helpers, seed=0):
    """Read by ranges alone; return the rows, or the contradiction."""
    ranges = KeyRanges(server, OWNER)
    draw = random.Random(seed)
    try:
        results = asyncio.run(read_in_parts(ranges, helpers, draw))
    except Contradiction as contradiction:
        return contradiction, ranges
    (rows,) = [rows for rows in results if rows is not None]
    return rows, ranges


def keys_held(server):
    return [pubkey.aligned(mint_at(number, BITS)) for number in server.numbers]


def drawn(count, seed, crowd):
    """So many numbers, a share of them crowded together."""
    draw = random.Random(seed)
    begin = draw.randrange(2**KEY_BITS - 1000)
    return {
        begin + draw.randrange(1000) if draw.random() < crowd else draw.randrange(2**KEY_BITS)
        for _ in range(count)
    }


HELD = st.builds(
    drawn, st.integers(0, 15) | st.integers(50, 150), st.integers(0, 10**6), st.sampled_from([0, 0, 0.5, 1])
)
SEEDS = st.integers(0, 10**6)


@settings(max_examples=60)
@given(HELD, st.integers(1, 12), st.integers(0, 8), SEEDS)
def test_ranges_read_by_any_number_of_readers_are_the_rows_held(numbers, page_size, helpers, seed):
    server = TinyServer(numbers, page_size, seed)
    rows, ranges = in_ranges(server, helpers, seed)
    assert not isinstance(rows, Contradiction)
    assert rows.keys.tolist() == keys_held(server)
    assert server.requests == ranges.requests
    # One page more for each cut, and one that confirms the end.
    assert server.requests <= len(numbers) // page_size + 1 + len(ranges._ranges) - 1 + 1


class SkipsRows(TinyServer):
    """Loses rows behind a cursor that it does not know."""

    def begin(self, place):
        return super().begin(place) + 1


class StartsAgain(TinyServer):
    def begin(self, _place):
        return 0


class EndsAtOnce(TinyServer):
    def begin(self, _place):
        return len(self.numbers)


class LastPage(TinyServer):
    def begin(self, _place):
        return max(0, len(self.numbers) - 3)


class GoesBack(TinyServer):
    def begin(self, place):
        return max(0, super().begin(place) - 1)


class AnyPlace(TinyServer):
    def begin(self, _place):
        return self.draw.randrange(len(self.numbers) + 1)


WRONG = [SkipsRows, StartsAgain, EndsAtOnce, LastPage, GoesBack, AnyPlace]


@pytest.mark.parametrize("kind", WRONG)
@settings(max_examples=25)
@given(HELD, st.integers(1, 12), st.integers(0, 8), SEEDS)
def test_a_made_cursor_that_leads_elsewhere_contradicts_or_does_no_harm(
    kind, numbers, page_size, helpers, seed
):
    server = kind(numbers, page_size, seed)
    rows, _ = in_ranges(server, helpers, seed)
    assert isinstance(rows, Contradiction) or rows.keys.tolist() == keys_held(server)


@pytest.mark.parametrize("kind", [TinyServer, *WRONG])
@settings(max_examples=25)
@given(HELD, st.integers(1, 12), st.integers(0, 8), SEEDS)
def test_a_walk_with_any_number_of_readers_gives_the_rows_held(kind, numbers, page_size, helpers, seed):
    server = kind(numbers, page_size, seed)
    walk = OwnerWalk(server, OWNER)
    results = asyncio.run(read_in_parts(walk, helpers, random.Random(seed)))
    (rows,) = [rows for rows in results if rows is not None]  # of the reader that ended last
    assert rows.keys.tolist() == keys_held(server)


def test_made_cursors_that_skip_rows_are_seen_at_the_seam():
    server = SkipsRows(range(0, 2**KEY_BITS, 2**KEY_BITS // 400))
    rows, ranges = in_ranges(server, 4)
    assert isinstance(rows, Contradiction)
    assert rows.page is None
    assert len(ranges._ranges) > 1


# Where a range is cut


def measured(*pages, page_size=10):
    """Ranges whose first one has read so many pages: each a sequence of numbers."""
    ranges = KeyRanges(TinyServer([], page_size), OWNER)
    for numbers in pages:
        page = ranges._fetcher.build(list(numbers), is_full=True)
        ranges._measure(ranges.first, page)
        ranges.first.append(page)
    return ranges


STEP = 2**KEY_BITS // 1000  # 1,000 mints over the whole key space: 100 pages of ten
EVEN_PAGE = range(STEP, 11 * STEP, STEP)


def test_a_full_page_tells_how_many_pages_lie_ahead():
    ranges = measured(EVEN_PAGE)
    assert ranges.first.position == 10 * STEP << BITS
    assert ranges.first.keys_per_row == STEP << BITS
    # A page is taken to be a little smaller than it is.
    assert ranges.pages_left() == pytest.approx(99 / key_ranges._PAGE_SHARE, abs=0.5)


def test_all_even_pages_together_tell_the_density_to_every_range():
    ranges = measured(EVEN_PAGE)
    upper = ranges.split()
    page = ranges._fetcher.build(list(range(13 * STEP, 33 * STEP, 2 * STEP)), is_full=True)
    ranges._measure(ranges.first, page)  # 21 steps with ten mints, after ten with ten
    assert ranges.first.keys_per_row == upper.keys_per_row == (31 * STEP << BITS) // 20


def test_the_larger_half_is_cut_half_way():
    ranges = measured(EVEN_PAGE)
    upper = ranges.split()
    lower = ranges.first
    assert (lower.upper, lower.upper_pos) == (upper.lower, upper.position)
    assert upper.cursor == pubkey.encode(pubkey.at_position(upper.position))
    assert upper.lower == pubkey.aligned(upper.cursor)
    assert (upper.upper, upper.upper_pos) == (None, pubkey.KEY_SPACE)
    assert upper.is_made
    assert not lower.is_made
    assert lower.pages_left(ranges._page_rows) == pytest.approx(upper.pages_left(ranges._page_rows), abs=1)


@pytest.mark.parametrize("page_size", [10, 100, 1000])
def test_a_cut_lies_at_a_whole_number_of_pages_each_taken_to_be_a_little_smaller(page_size):
    step = 2**KEY_BITS // (page_size * 50)
    ranges = measured(range(step, (page_size + 1) * step, step), page_size=page_size)
    begin, upper = ranges.first.position, ranges.split()
    rows = (upper.position - begin) / (step << BITS)
    assert rows == int(25 * page_size * key_ranges._PAGE_SHARE)
    assert 24 * page_size < rows < 25 * page_size  # the reader of the lower part needs no page for a rest


def test_more_cuts_are_made_only_as_more_pages_tell_the_density():
    ranges = measured(EVEN_PAGE)
    while ranges.pages_left():
        ranges.split()
    assert len(ranges._ranges) == key_ranges._RANGES_PER_PAGE
    ranges._measure(
        ranges.first, ranges._fetcher.build(list(range(11 * STEP, 21 * STEP, STEP)), is_full=True)
    )
    while ranges.pages_left():
        ranges.split()
    assert len(ranges._ranges) == 2 * key_ranges._RANGES_PER_PAGE


def test_the_largest_range_is_cut_and_ranges_stay_in_order():
    ranges = measured(EVEN_PAGE, range(11 * STEP, 21 * STEP, STEP), range(21 * STEP, 31 * STEP, STEP))
    for _ in range(12):
        left = [each.pages_left(ranges._page_rows) for each in ranges._ranges]
        assert ranges.pages_left() == max(left)
        place = left.index(max(left))
        upper = ranges.split()
        assert ranges._ranges.index(upper) == place + 1
    for lower, upper in pairwise(ranges._ranges):
        assert lower.upper == upper.lower
        assert lower.lower < upper.lower
    assert ranges._ranges[-1].upper is None


def test_nothing_is_cut_below_three_pages():
    few = 2**KEY_BITS // 35
    ranges = measured(range(few, 11 * few, few))
    assert ranges.first.pages_left(10) == pytest.approx(2.5, abs=0.1)
    assert ranges.pages_left() == 0.0


def test_nothing_is_known_before_a_full_page_nor_left_after_the_end():
    ranges = KeyRanges(TinyServer([]), OWNER)
    assert ranges.pages_left() == 0.0
    ranges._measure(ranges.first, page_of(range(3)))  # without a cursor
    assert ranges.first.keys_per_row is None
    ranges = measured(EVEN_PAGE)
    ranges.first.is_done = True
    assert ranges.pages_left() == 0.0
    ranges = measured(EVEN_PAGE)
    ranges.is_dropped = True
    assert ranges.pages_left() == 0.0


def test_where_the_density_changes_a_cut_reaches_as_far_as_even_pages_were_seen():
    crowd = range(11 * STEP, 11 * STEP + 10)  # a thousand times as dense
    ranges = measured(EVEN_PAGE, crowd)
    assert not ranges._is_even
    assert ranges.first.even_pages == 1.0
    density = ranges.first.keys_per_row
    upper = ranges.split()
    # At least what is worth splitting: three pages, each a little smaller.
    assert upper.position == ranges.first.position + 29 * density
    assert upper.even_pages == 4.0
    assert ranges.split().position - upper.position == 39 * density  # twice as far each time, about


def test_a_density_within_a_factor_of_eight_is_even():
    ranges = measured(EVEN_PAGE, range(10 * STEP + 7 * STEP, 10 * STEP + 71 * STEP, 7 * STEP))
    assert ranges._is_even
    assert ranges.first.even_pages == 3.0


def test_an_estimate_of_thousands_of_pages_is_not_believed():
    ranges = measured(range(10, 20))  # as if the whole key space were so crowded
    assert ranges.pages_left() > 2 * key_ranges._BELIEVED_PAGES
    upper = ranges.split()
    assert upper.position == ranges.first.position + 29 * ranges.first.keys_per_row  # three pages


def test_two_mints_at_one_place_have_a_density_too():
    ranges = KeyRanges(TinyServer([]), OWNER)
    ranges._measure(ranges.first, page_of([0, 1], cursor=True))
    assert ranges.first.keys_per_row >= 1


def test_cuts_that_find_next_to_nothing_end_the_cutting():
    ranges = measured(EVEN_PAGE)
    ranges._misses = key_ranges._MISSES
    assert ranges.pages_left() > 0
    ranges._misses += 1
    assert ranges.pages_left() == 0.0
    ranges.requests = key_ranges._PAGES_PER_MISS
    assert ranges.pages_left() > 0


def test_an_owner_under_one_prefix_costs_few_requests_more():
    numbers = [1000, *range(2**39, 2**39 + 500)]
    server = TinyServer(numbers)
    rows, ranges = in_ranges(server, 100, seed=1)
    assert rows.keys.tolist() == keys_held(server)
    assert ranges.requests <= 51 * 1.35


# What a page proves

FULL = 3


@pytest.mark.parametrize(
    ("page", "lower", "is_proof"),
    [
        (page_of([4, 5, 6], cursor=True), 3, True),
        (page_of([4, 5, 6], cursor=True), None, True),
        (page_of([4, 5]), 3, True),
        (page_of({}), 3, True),
        (page_of([4, 5], cursor=True), 3, True),  # short, with its own last mint
        (page_of([3, 5, 6], cursor=True), 3, False),  # not above the cursor
        (page_of([2, 5, 6], cursor=True), 3, False),
        (page_of([4, 6, 5], cursor=True), 3, False),
        (page_of([4, 5, 6], cursor=mint_at(5)), 3, False),
        (page_of([4, 5, 6], cursor=mint_at(7)), 3, False),
        (page_of([4, 5, 6], cursor="opaque"), 3, False),
        (page_of([4, 5, 6], cursor="\u00e9" * 44), 3, False),
        (page_of([4, 5, 6]), 3, False),  # full, without a cursor
        (page_of({}, cursor=mint_at(9)), 3, False),  # empty, with one
    ],
)
def test_a_page_proves_that_made_cursors_may_be_relied_on(page, lower, is_proof):
    before = b"" if lower is None else pubkey.aligned(mint_at(lower))
    assert is_provable(page, before, FULL) is is_proof


def test_a_mint_that_comes_twice_on_a_page_is_no_proof():
    page = page_of([4, 5, 6], cursor=True)
    twice = [0, 2, 2]
    assert not is_provable(replace(page, keys=page.keys[twice], balances=page.balances[twice]), b"", FULL)


# A range and its pages


def test_a_range_keeps_what_lies_within_and_remembers_what_lies_beyond():
    part = KeyRange(upper=pubkey.aligned(mint_at(5)))
    part.append(page_of([1, 2, 3], cursor=True))
    assert (part.is_done, part.beyond, part.pages) == (False, None, 1)
    assert part.first_seen == page_of([1]).keys[0]
    part.append(page_of([4, 5, 6], cursor=True))
    assert part.is_done
    assert part.beyond.tolist() == page_of([6]).keys.tolist()
    assert part.rows.take_rows().balances.tolist() == [1, 2, 3, 4, 5]


def test_a_range_ends_without_a_cursor_and_not_with_an_empty_page():
    part = KeyRange()
    part.append(page_of([1], cursor=True))
    assert not part.is_done
    part.append(page_of({}))
    assert part.is_done
    assert part.lower == page_of([1]).keys[0]
    assert part.first_seen == page_of([1]).keys[0]


def test_a_page_that_ends_with_the_last_mint_of_the_range_goes_on():
    part = KeyRange(upper=pubkey.aligned(mint_at(3)))
    part.append(page_of([1, 2, 3], cursor=True))
    assert not part.is_done  # what lies beyond has to be seen for the seam


# Errors and the end


class Refusing(TinyServer):
    """Refuses cursors that it did not make."""

    def begin(self, _place):
        raise RPCError("unknown cursor", code=-32602)


def test_a_made_cursor_that_is_refused_contradicts():
    rows, _ = in_ranges(Refusing(range(0, 2**KEY_BITS, 2**KEY_BITS // 200)), 1)
    assert isinstance(rows, Contradiction)
    assert rows.__cause__ is None


class Failing(TinyServer):
    """Has one error for the request of a number."""

    def __init__(self, *arguments, error, at):
        super().__init__(*arguments)
        self.error, self.at = error, at

    async def fetch(self, owner, number, *, cursor=None):
        if number == self.at:
            raise self.error
        return await super().fetch(owner, number, cursor=cursor)


@pytest.mark.parametrize("error", [RequestTimeout("late"), ProtocolError("not a page"), RPCError("no")])
def test_any_other_error_is_the_owners(error):
    server = Failing(range(100), error=error, at=3)
    ranges = KeyRanges(server, OWNER)
    with pytest.raises(type(error)):
        asyncio.run(ranges.read(ranges.first))


@pytest.mark.parametrize("dropped_at", [2, 3])
def test_a_page_or_an_error_that_comes_when_the_ranges_were_dropped_is_none(dropped_at):
    server = Failing(range(100), error=RequestTimeout("late"), at=3)
    ranges = KeyRanges(server, OWNER)
    fetch = server.fetch

    async def drop_meanwhile(owner, number, *, cursor=None):
        ranges.is_dropped = number == dropped_at
        return await fetch(owner, number, cursor=cursor)

    server.fetch = drop_meanwhile
    assert asyncio.run(ranges.read(ranges.first)) is None
    assert ranges.requests == dropped_at
    assert len(ranges.first.rows) == 10 * (min(dropped_at, 3) - 1)


def test_rows_without_end_are_an_error():
    ranges = KeyRanges(TinyServer(range(100)), OWNER)
    with row_limit(25), pytest.raises(ProtocolError, match="more than 25 rows, and still a cursor") as caught:
        asyncio.run(ranges.read(ranges.first))
    assert (caught.value.owner, caught.value.page) == (OWNER, 3)


def test_an_end_that_only_a_made_cursor_saw_is_confirmed_from_the_servers_own():
    class EndsSoon(TinyServer):
        """Begins at the right place for a cursor of ours, and calls every such page the last."""

        def page(self, cursor):
            page = super().page(cursor)
            if cursor is None or pubkey.position(pubkey.parse(cursor)) % (1 << BITS) == 0:
                return page
            return self.build(
                self.numbers[self.begin(pubkey.position(pubkey.parse(cursor))) :][:3], is_full=False
            )

    server = EndsSoon(range(0, 2**KEY_BITS, 2**KEY_BITS // 200))
    for seed in range(5):
        rows, _ = in_ranges(server, 1, seed)
        assert isinstance(rows, Contradiction)


def test_ranges_that_are_dropped_while_their_end_is_confirmed_give_no_rows():
    server = TinyServer(range(0, 2**KEY_BITS, 2**KEY_BITS // 45))
    ranges = KeyRanges(server, OWNER)
    fetch = server.fetch

    async def fetch_and_drop(owner, number, *, cursor=None):
        page = await fetch(owner, number, cursor=cursor)
        ranges.is_dropped = all(part.is_done for part in ranges._ranges)
        return page

    async def main():
        page = await fetch(OWNER, 1)
        ranges._measure(ranges.first, page)
        ranges.first.append(page)
        upper = ranges.split()
        place = (2**KEY_BITS // 45 * 38 << BITS) + 1  # a short page before the end, in the middle of a page
        upper.cursor = pubkey.encode(pubkey.at_position(place))
        upper.lower = ranges.first.upper = pubkey.aligned(upper.cursor)
        server.fetch = fetch_and_drop
        return await ranges.read(upper), await ranges.read(ranges.first)

    assert asyncio.run(main()) == (None, None)
    assert ranges.is_dropped


def test_a_contradiction_of_a_made_cursor_says_nothing_of_other_owners():
    server = SkipsRows(range(0, 2**KEY_BITS, 2**KEY_BITS // 200))
    in_ranges(server, 3)
    assert server.made_cursors_work is None


def test_a_contradiction_of_the_servers_own_cursor_does():
    class Descending(TinyServer):
        def build(self, numbers, *, is_full):
            return super().build(numbers[::-1], is_full=is_full)

    server = Descending(range(100))
    contradiction, ranges = in_ranges(server, 0)
    assert server.made_cursors_work is False
    assert len(contradiction.page) == 10
    assert len(ranges.first.rows) == 0


# Through a client


def whole_walk(app, helpers, page_size=10):
    """Walk an indexer's only owner with helpers that all join after the first page."""
    calls = Calls(app)
    holdings = getattr(app, "holdings", None) or app._indexer.holdings
    (owner,) = holdings.owners

    async def talk(fetcher):
        walk = OwnerWalk(fetcher, owner)
        base = asyncio.create_task(walk.read())
        while not base.done() and not walk.pages_left():  # noqa: ASYNC110 - nothing tells of it
            await asyncio.sleep(0)
        others = [walk.help() for _ in range(helpers) if walk.pages_left()]
        return [rows for rows in await asyncio.gather(base, *others) if rows is not None]

    for rows in (every := fetching(calls, talk, page_size)):
        assert pairs(rows) == pairs_held(holdings, owner)
    assert every
    return calls


@pytest.mark.parametrize("holdings", [Holdings.uniform(1, 400, 400), Holdings.skewed(1, 400, 400, seed=3)])
def test_an_owner_read_in_parts_from_an_indexer_costs_a_request_more_for_each_part(holdings):
    assert len(whole_walk(Indexer(holdings), helpers=7).calls) <= 41 + 8


@pytest.mark.parametrize("cursor", ["opaque", "opaque-lenient"])
def test_a_server_with_opaque_cursors_is_never_cut(cursor):
    assert len(whole_walk(Indexer(Holdings.uniform(1, 60, 60), cursor=cursor), helpers=3).calls) == 7


def test_a_server_that_answers_made_cursors_with_nothing_loses_no_rows():
    whole_walk(ForgetfulServer(Indexer(Holdings.uniform(1, 200, 200))), helpers=1)


@pytest.mark.parametrize("helpers", [1, 3, 6])
def test_an_error_under_way_when_the_ranges_are_given_up_is_none(helpers):
    """A server that refuses made cursors, and fails a request that was under way when it did."""

    class Late(TinyServer):
        refused = asyncio.Event()
        is_late = False

        async def fetch(self, owner, number, *, cursor=None):
            if cursor is not None and pubkey.position(pubkey.parse(cursor)) % (1 << BITS):
                self.refused.set()
                raise RPCError("refused", code=-32602)
            if cursor is not None and not self.is_late:
                self.is_late = True
                await self.refused.wait()
                raise RequestTimeout("late")
            return await super().fetch(owner, number, cursor=cursor)

    server = Late(range(0, 2**KEY_BITS, 2**KEY_BITS // 200))

    async def main():
        server.refused = asyncio.Event()
        walk = OwnerWalk(server, OWNER)
        base = asyncio.create_task(walk.read())
        while not walk.pages_left():  # noqa: ASYNC110 - nothing tells of it
            await asyncio.sleep(0)
        return await asyncio.gather(base, *(walk.help() for _ in range(helpers)))

    results = [rows for rows in asyncio.run(main()) if rows is not None]
    assert server.is_late
    assert results
    assert all(rows.keys.tolist() == keys_held(server) for rows in results)
