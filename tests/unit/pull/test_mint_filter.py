"""The rows of one owner in certain mints: when a jump is believed, and what it costs."""

from __future__ import annotations

import asyncio
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helius_frames._protocol import pubkey
from helius_frames._pull.mint_filter import MintFilter, MintWalk
from helius_frames._pull.rows import RowBuffer
from helius_frames.demo import Holdings, Indexer
from helius_frames.errors import ProtocolError, RPCError
from tests.fault_server import FaultRule, FaultyIndexer
from tests.support.pages import mint_at, page_of, pairs, pairs_held
from tests.support.servers import ForgetfulServer, ScriptedServer, page_body
from tests.support.walks import Calls, fetching

HOLDINGS = Holdings.uniform(1, 100, 100, seed=0)
(OWNER,) = HOLDINGS.owners
HELD = pairs_held(HOLDINGS, OWNER)
MINTS = [mint for mint, _ in HELD]
ABSENT = [pubkey.encode(bytes([n]) * 32) for n in (0, 1, 128, 255)]


def wanted_rows(app, wanted, *, owners=1, page_size=10, owner=OWNER):
    """Read the wanted mints of the owner so often through one fetcher; return the rows, calls and fetcher."""
    calls = Calls(app)

    async def talk(fetcher):
        mint_filter = MintFilter(wanted)
        return [await MintWalk(fetcher, owner, mint_filter).read() for _ in range(owners)], fetcher

    rows, fetcher = fetching(calls, talk, page_size)
    return rows[-1], calls, fetcher


def assert_right(rows, wanted, held=HELD):
    assert pairs(rows) == [row for row in held if row[0] in set(wanted)]


# The filter


def test_a_filter_keeps_wanted_rows_each_once_and_in_ascending_order():
    buffer = RowBuffer()
    for numbers in ([5, 2, 9], [2, 1]):
        buffer.append(page_of(numbers, slot=7))
    rows = MintFilter([mint_at(n) for n in (9, 2, 4)]).of(buffer.take_rows())
    assert pairs(rows) == [(mint_at(2), 2), (mint_at(9), 9)]
    assert rows.slot_range == (7, 7)


def test_a_filter_stands_in_byte_order_with_the_cursor_right_below_each_mint():
    highest, lowest = pubkey.encode(b"\xff" * 32), "1" * 32
    parsed = MintFilter([highest, mint_at(3), lowest])
    assert parsed.mints == [lowest, mint_at(3), highest]
    assert parsed.cursors == [
        None,
        pubkey.encode(pubkey.at_position((3 << 200) - 1)),
        pubkey.encode(b"\xff" * 31 + b"\xfe"),
    ]
    assert parsed.lengths.tolist() == [len(mint) for mint in parsed.mints]


# One mint


def test_one_mint_is_one_request_of_one_row():
    rows, calls, _ = wanted_rows(Indexer(HOLDINGS), MINTS[17:18])
    assert_right(rows, MINTS[17:18])
    assert calls.params == [{"owner": OWNER, "mint": MINTS[17], "limit": 1}]


def test_one_mint_that_is_not_held_is_one_request_too():
    rows, calls, _ = wanted_rows(Indexer(HOLDINGS), ABSENT[2:3])
    assert len(rows) == 0
    assert rows.slot_range == (100, 100)
    assert len(calls.calls) == 1


def test_another_mint_in_the_reply_is_an_error():
    app = ScriptedServer(lambda call: (200, [], page_body(call, [(mint_at(1), 1)])))
    with pytest.raises(
        ProtocolError, match=f"mint '{MINTS[0]}' was asked for and the server returned another"
    ):
        wanted_rows(app, MINTS[:1])


def test_an_empty_page_with_a_cursor_is_not_the_end_of_one_mint_either():
    """A server that cuts a page first and filters it afterwards."""

    def answer(call):
        params = call["params"]
        begin = 0 if "cursor" not in params else MINTS.index(params["cursor"]) + 1
        rows = HELD[begin : begin + params["limit"]]
        cursor = rows[-1][0] if len(rows) == params["limit"] else None
        wanted = [row for row in rows if row[0] == params.get("mint", row[0])]
        return 200, [], page_body(call, wanted, cursor)

    rows, calls, _ = wanted_rows(ScriptedServer(answer), MINTS[55:56])
    assert_right(rows, MINTS[55:56])
    assert len(calls.calls) == 1 + 11  # then it is read plainly


def test_no_helper_can_share_a_walk_of_mints():
    walk = MintWalk(None, OWNER, MintFilter(MINTS[:1]))
    assert walk.pages_left() == 0.0
    walk.drop()
    with pytest.raises(NotImplementedError):
        walk.help()


# Several mints


@pytest.mark.parametrize("step", [1, 3, 17, 60])
def test_several_mints_cost_at_most_a_probe_more_than_mints_or_pages(step):
    wanted = MINTS[::step]
    rows, calls, fetcher = wanted_rows(Indexer(HOLDINGS), wanted)
    assert_right(rows, wanted)
    assert fetcher.made_cursors_work is True
    assert len(calls.calls) <= min(len(wanted), 11) + 2


def test_jumps_are_proven_once_and_then_never_cost_more_than_mints_or_pages():
    for wanted in (MINTS[5::20], MINTS[:3], MINTS):
        once = len(wanted_rows(Indexer(HOLDINGS), wanted)[1].calls)
        rows, calls, _ = wanted_rows(Indexer(HOLDINGS), wanted, owners=4)
        assert_right(rows, wanted)
        assert len(calls.calls) - once <= 3 * min(len(wanted), 11)


def test_the_probe_asks_again_from_the_middle_of_a_page():
    _, calls, _ = wanted_rows(Indexer(HOLDINGS), MINTS[50:90:20])
    place = pubkey.position(pubkey.parse(MINTS[5]))
    assert [params.get("cursor") for params in calls.params[:2]] == [
        None,
        pubkey.encode(pubkey.at_position(place - 1)),
    ]


def test_an_owner_of_one_page_needs_no_proof():
    few = Holdings.uniform(1, 7, 7, seed=2)
    (owner,) = few.owners
    held = pairs_held(few, owner)
    rows, calls, fetcher = wanted_rows(Indexer(few), [mint for mint, _ in held[::2]] + ABSENT, owner=owner)
    assert_right(rows, [mint for mint, _ in held[::2]], held)
    assert len(calls.calls) == 1
    assert fetcher.made_cursors_work is None


def test_wanted_mints_that_the_owner_does_not_hold_have_no_rows():
    rows, calls, _ = wanted_rows(Indexer(HOLDINGS), ABSENT)
    assert len(rows) == 0
    assert len(calls.calls) <= 6


@pytest.mark.parametrize("edge", ["1" * 32, pubkey.encode(b"\xff" * 32)])
def test_mints_at_both_ends_of_the_key_space_are_found(edge):
    table = HOLDINGS.to_dict()
    table[OWNER][edge] = 5
    holdings = Holdings.from_dict(table)
    wanted = [edge, MINTS[50]]
    for owners in (1, 2):
        rows, _, _ = wanted_rows(Indexer(holdings), wanted, owners=owners)
        assert_right(rows, wanted, pairs_held(holdings, OWNER))


@pytest.mark.parametrize("cursor", ["opaque", "opaque-lenient"])
@pytest.mark.parametrize("owners", [1, 3])
def test_several_mints_are_right_on_a_server_with_opaque_cursors(cursor, owners):
    wanted = MINTS[5::20]
    rows, _, fetcher = wanted_rows(Indexer(HOLDINGS, cursor=cursor), wanted, owners=owners)
    assert_right(rows, wanted)
    assert fetcher.made_cursors_work is False


def test_a_server_that_answers_made_cursors_with_nothing_loses_no_wanted_mint():
    wanted = MINTS[5::20]
    rows, _, fetcher = wanted_rows(ForgetfulServer(Indexer(HOLDINGS)), wanted)
    assert_right(rows, wanted)
    assert not fetcher.made_cursors_work


@pytest.mark.parametrize("fault", ["out-of-order", "empty-page", "short-page"])
def test_an_odd_page_makes_it_a_plain_walk_with_the_same_rows(fault):
    wanted = MINTS[5::20]
    app = FaultyIndexer(
        HOLDINGS, cursor="opaque" if fault == "out-of-order" else "mint", faults=[FaultRule(fault, page=2)]
    )
    rows, _, _ = wanted_rows(app, wanted)
    assert_right(rows, wanted)


def test_a_server_that_refuses_every_request_is_an_error():
    with pytest.raises(RPCError) as caught:
        wanted_rows(
            ScriptedServer(lambda _call: (200, [], b'{"error":{"code":-32000,"message":"m"}}')), MINTS[:2]
        )
    assert (caught.value.owner, caught.value.page) == (OWNER, 1)


def server_of(kind, numbers, page_size):
    """Read wanted numbers from a server of some kind."""

    def read(wanted):
        mint_filter = MintFilter([mint_at(number) for number in wanted])
        rows = asyncio.run(MintWalk(kind(numbers, page_size, 0), OWNER, mint_filter).read())
        return rows.balances.tolist()

    return read


def test_a_page_of_the_lowest_key_alone_proves_nothing():
    """No cursor is below the lowest key, so nothing can be tried there."""
    for kind in (Ends, GoesBeyond):
        assert server_of(kind, range(40), page_size=1)([5, 9, 30]) == [5, 9, 30]


def test_a_cursor_whose_text_is_longer_than_the_mint_is_not_right_below_it_in_text():
    numbers = [1, 3, 5, 8, 9, 22, 23, 27, 33, 35, 38, 39, 42, 43, 45, 47, 48, 50]
    assert len(mint_at(1)) != len(pubkey.encode(pubkey.at_position((1 << 200) - 1)))
    assert server_of(TextOrder, numbers, page_size=5)([1, 22, 38, 45]) == [1, 22, 38, 45]


# A law, on servers of several kinds


class Photon:
    """A fetcher and its server in one: the rows of one owner in byte order."""

    made_cursors_work = None

    def __init__(self, numbers, page_size, seed):
        self.numbers = sorted(numbers, key=self.order)
        self.page_size = page_size
        self.draw = random.Random(seed)

    def order(self, number):
        return number

    def begin(self, place):
        return sum(number << 200 <= place for number in self.numbers)

    async def fetch(self, _owner, _number, *, cursor=None, mint=None, **_limit):
        await asyncio.sleep(0)
        if mint is not None:
            return page_of([number for number in self.numbers if mint_at(number) == mint])
        place = -1 if cursor is None else pubkey.position(pubkey.parse(cursor))
        begin = self.begin(place)
        numbers = self.numbers[begin : begin + self.page_size]
        return page_of(numbers, cursor=True if len(numbers) == self.page_size else None)


class KnowsOnlyItsOwn(Photon):
    def begin(self, place):
        held = place < 0 or (place % (1 << 200) == 0 and place >> 200 in self.numbers)
        return super().begin(place) if held else self.unknown(place)

    def unknown(self, place):
        return super().begin(place)


class BeginsAgain(KnowsOnlyItsOwn):
    def unknown(self, _place):
        return 0


class Ends(KnowsOnlyItsOwn):
    def unknown(self, _place):
        return len(self.numbers)


class GoesBeyond(KnowsOnlyItsOwn):
    def unknown(self, place):
        return super().unknown(place) + 1


class TextOrder(Photon):
    def order(self, number):
        return mint_at(number)

    def begin(self, place):
        return (
            sum(mint_at(number) <= pubkey.encode(pubkey.at_position(place)) for number in self.numbers)
            if place >= 0
            else 0
        )


class Refuses(KnowsOnlyItsOwn):
    def unknown(self, _place):
        raise RPCError("unknown cursor", code=-32602)


SERVERS = [Photon, Refuses, BeginsAgain, Ends, GoesBeyond, TextOrder]
NUMBERS = st.sets(st.integers(0, 2**56 - 1) | st.integers(0, 40), max_size=40)


@pytest.mark.parametrize("kind", SERVERS)
@settings(max_examples=40)
@given(NUMBERS, st.data(), st.integers(1, 8), st.integers(0, 10**6))
def test_wanted_rows_are_exactly_those_held(kind, numbers, data, page_size, seed):
    other = data.draw(NUMBERS)
    wanted = (
        data.draw(st.sets(st.sampled_from(sorted(numbers | other)), min_size=1, max_size=8))
        if numbers | other
        else {7}
    )
    server = kind(numbers, page_size, seed)
    mint_filter = MintFilter([mint_at(number) for number in wanted])

    async def main():
        return [await MintWalk(server, OWNER, mint_filter).read() for _ in range(2)]

    for rows in asyncio.run(main()):
        assert pairs(rows) == [(mint_at(number), number) for number in sorted(numbers & wanted)]
