"""Laws of a pull of holders: any ties, page size and concurrency, healing faults, balances that change."""

from __future__ import annotations

import asyncio
import random
from typing import NamedTuple

import numpy as np
import pandas as pd
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from helius_frames import read_helius_holders
from helius_frames.demo import Holdings
from helius_frames.demo.holdings import random_keys, texts_of
from tests.fault_server import FAULTS, FaultRule, FaultyIndexer
from tests.support.addresses import address_at, key_bytes, position_of
from tests.support.frames import holders_held, rows_of
from tests.support.transport import use_transport

HEALING = sorted(
    name for name, fault in FAULTS.items() if fault.is_transient and not fault.needs_port and name != "stall"
)
few = settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])

_RNG = np.random.default_rng(4)
EVEN = texts_of(_RNG.permutation(random_keys(_RNG, 400)))
# All under one prefix, where the place of an owner says nothing of how many there are.
CROWDED = [address_at((position_of(EVEN[0]) >> 32 << 32) + 7 * n) for n in range(400)]
MINTS = texts_of(random_keys(_RNG, 3))

SHAPES = {
    "one amount": st.just(10**9),
    "few amounts": st.sampled_from([0, 1, 5, 10**6, 2**53, 2**53 + 1]),
    "small": st.integers(0, 40),
    "long tail": st.integers(0, 60).flatmap(lambda bits: st.integers(0, 2**bits)),
    "airdrop": st.one_of(st.just(10**9), st.just(10**9), st.just(10**9), st.integers(0, 2**62)),
}


@st.composite
def tables(draw):
    """Holders of up to three mints; at most one of each has 2^63 or more, as a supply below 2^64 allows."""
    table = {}
    for mint in MINTS[: draw(st.integers(1, 3))]:
        owners = draw(st.sampled_from([EVEN, CROWDED]))[: draw(st.sampled_from([0, 1, 7, 50, 200, 300]))]
        seed, shape = draw(st.randoms(use_true_random=False)), draw(st.sampled_from(sorted(SHAPES)))
        pool = draw(st.lists(SHAPES[shape], min_size=1, max_size=40))
        for owner in owners:
            table.setdefault(owner, {})[mint] = seed.choice(pool)
        if owners and draw(st.booleans()):
            table[owners[0]][mint] = draw(st.sampled_from([2**63 - 1, 2**63, 2**64 - 1]))
    return Holdings.from_dict(table)


async def _yield(_seconds):
    """Let other requests go on meanwhile, as a wait for a real server does."""
    await asyncio.sleep(0)


def indexer_of(holdings, **options):
    return FaultyIndexer(holdings, latency_s=1, sleep=_yield, **options)


def pull(indexer, mints=None, **options):
    """Read in process, through the whole reader."""
    options = {"retries": 3, "requests_per_second": 1e9} | options  # else no helper would see a rate to spare
    with use_transport("in process", indexer):
        mints = indexer.holdings.mint_texts if mints is None else mints
        got = read_helius_holders(mints, endpoint="http://localhost", **options)
        return got if isinstance(got, pd.DataFrame) else list(got)


reading = {
    "page_size": st.integers(2, 12),
    "max_concurrency": st.sampled_from([1, 2, 8, 16]),
}


@few
@given(
    tables(),
    st.sampled_from(["mint", "mint", "opaque", "opaque-lenient"]),
    st.lists(st.sampled_from(HEALING), max_size=2, unique=True),
    st.fixed_dictionaries(reading),
)
def test_a_static_mint_gives_exactly_its_holders_in_the_servers_order(holdings, cursor, faults, options):
    healing = [FaultRule(name, p=0.2, times=2) for name in faults]
    indexer = indexer_of(holdings, cursor=cursor, faults=healing)
    frame = pull(indexer, **options)
    assert rows_of(frame) == holders_held(holdings)
    assert frame["mint"].cat.categories.tolist() == holdings.mint_texts
    assert frame["owner"].cat.categories.tolist() == list(dict.fromkeys(frame["owner"]))
    assert frame.dtypes.astype(str).tolist() == ["category", "category", "uint64", "int64"]
    attrs = frame.attrs["helius"]
    assert (attrs["complete"], attrs["repeats"], attrs["mints"]) == (True, 0, holdings.mint_texts)


@few
@given(tables(), st.fixed_dictionaries(reading), st.data())
def test_a_part_of_the_holders_is_a_part_of_the_list(holdings, options, data):
    floor = data.draw(st.sampled_from([0, 1, 6, 10**6, 10**9, 2**53 + 1, 2**64 - 1]))
    top = data.draw(st.none() | st.integers(1, 80))
    known = data.draw(st.none() | st.lists(st.sampled_from(EVEN), min_size=1, max_size=30, unique=True))
    drop_zero = data.draw(st.booleans())
    frame = pull(
        indexer_of(holdings), top=top, min_balance=floor, owners=known, drop_zero=drop_zero, **options
    )
    wanted = []
    for mint in holdings.mint_texts:
        rows = [row for row in holders_held(holdings, [mint]) if row[2] >= max(floor, drop_zero)]
        rows = rows if known is None else [row for row in rows if row[0] in known]
        wanted += rows[:top]
    assert rows_of(frame) == wanted
    assert frame.attrs["helius"]["complete"] is (not (floor or drop_zero or top or known))
    if known is not None:
        assert frame["owner"].cat.categories.tolist() == known


@few
@given(
    tables(), st.fixed_dictionaries(reading), st.integers(1, 90), st.sampled_from([{}, {"errors": "collect"}])
)
def test_chunks_and_the_whole_agree(holdings, options, size, more):
    chunks = pull(indexer_of(holdings), chunksize=size, **options, **more)
    assert [row for chunk in chunks for row in rows_of(chunk)] == holders_held(holdings)
    assert all(len(chunk) == size for chunk in chunks[:-1])


class Change(NamedTuple):
    """What one owner has from the n-th read of a pull on."""

    read: int
    owner: int
    balance: int
    slots: int


OWNERS = EVEN[:60]
MINT = MINTS[0]
BALANCES = st.sampled_from([0, 0, 1, 2, 3, 50, 50, 50, 50, 10**6, 2**53 + 1]) | st.integers(0, 2**40)
CHANGES = st.builds(Change, st.integers(1, 40), st.integers(0, 59), BALANCES, st.integers(0, 2))


SCRIPTS = st.lists(CHANGES, max_size=15) | st.lists(CHANGES, min_size=20, max_size=40)


class State(NamedTuple):
    slot: int
    balances: dict


class Ledger:
    """An indexer whose one mint changes hands while it is read, and all it ever held."""

    def __init__(self, **options):
        self.states = [State(500, {})]
        self.indexer = indexer_of(self._held(), slot=500, on_read=self._on_read, **options)
        self.script = []
        self._begin = 0

    def change(self, change):
        self.indexer.slot += change.slots
        now = self.states[-1].balances | {OWNERS[change.owner]: change.balance}
        self.states.append(State(self.indexer.slot, now))
        self.indexer.holdings = self._held()

    def pull(self, script=(), **options):
        self.script = sorted(script)
        self._begin = self.indexer.reads
        self.states = self.states[-1:]
        return pull(self.indexer, [MINT], **options)

    def _held(self):
        return Holdings.from_dict({owner: {MINT: n} for owner, n in self.states[-1].balances.items()})

    def _on_read(self, number):
        while self.script and self.script[0].read <= number - self._begin:
            self.change(self.script.pop(0))

    def had(self, owner, slot):
        """Balances of an owner at or after a slot."""
        ends = [state.slot for state in self.states[1:]] + [self.indexer.slot]
        return {
            state.balances.get(owner) for state, end in zip(self.states, ends, strict=True) if end >= slot
        }

    def assert_lawful(self, frame, *, may_repeat=False):
        owners = frame["owner"].astype(str).tolist()
        assert may_repeat or len(set(owners)) == len(owners), "an owner stands twice"
        rows = list(zip(owners, frame["balance"].tolist(), frame["slot"].tolist(), strict=True))
        places = [(balance, key_bytes(owner)) for owner, balance, _ in rows]
        assert places == sorted(places, reverse=True), "out of order"
        for owner, balance, slot in rows:
            assert balance in self.had(owner, slot), "a balance the owner never had at or after its slot"
        first = self.states[0].balances
        still = {
            (owner, balance)
            for owner, balance in first.items()
            if all(state.balances.get(owner) == balance for state in self.states)
        }
        assert still <= set(zip(owners, frame["balance"].tolist(), strict=True)), (
            "who did not change is missing"
        )


class Moving(RuleBasedStateMachine):
    """Balances change between and during pulls; every pull keeps the laws."""

    @initialize(
        cursor=st.sampled_from(["mint", "mint", "mint", "opaque"]),
        faults=st.lists(st.sampled_from(HEALING), max_size=1),
        held=st.lists(BALANCES, max_size=60),
    )
    def begin(self, cursor, faults, held):
        self.ledger = Ledger(cursor=cursor, faults=[FaultRule(name, p=0.15, times=2) for name in faults])
        for owner, balance in enumerate(held):
            self.ledger.change(Change(0, owner, balance, 0))

    @rule(change=CHANGES)
    def change(self, change):
        self.ledger.script = []
        self.ledger.change(change)

    @rule(seed=st.integers(0, 99), shape=st.sampled_from(["one amount", "few", "spread"]))
    def fill(self, seed, shape):
        """Let every owner hold some of it."""
        draw = random.Random(seed)
        some = {"one amount": [50], "few": [0, 1, 50, 10**6], "spread": [2**bits for bits in range(50)]}[
            shape
        ]
        for owner in range(len(OWNERS)):
            self.ledger.script = []
            self.ledger.change(Change(0, owner, draw.choice(some), 0))

    @rule(script=SCRIPTS, page_size=st.integers(2, 9), workers=st.sampled_from([1, 3, 8]))
    def pull_whole(self, script, page_size, workers):
        frame = self.ledger.pull(script, page_size=page_size, max_concurrency=workers)
        self.ledger.assert_lawful(frame)

    @rule(script=SCRIPTS, page_size=st.integers(2, 9), size=st.integers(1, 30))
    def pull_in_chunks(self, script, page_size, size):
        chunks = self.ledger.pull(script, page_size=page_size, max_concurrency=3, chunksize=size)
        whole = pd.concat(chunks).astype({"owner": "str", "mint": "str"})
        self.ledger.assert_lawful(whole, may_repeat=True)

    @rule(script=SCRIPTS, page_size=st.integers(2, 9), workers=st.sampled_from([1, 8]))
    def pull_stable(self, script, page_size, workers):
        # No balance comes back, so that who has the same in two passes had it all the time between.
        script = [
            change._replace(balance=1000 * change.balance + n + 1) for n, change in enumerate(sorted(script))
        ]
        frame = self.ledger.pull(script, page_size=page_size, max_concurrency=workers, consistency="stable")
        self.ledger.assert_lawful(frame)
        found = {owner: balance for owner, _, balance in rows_of(frame)}.items()
        stood = any(found <= state.balances.items() for state in self.ledger.states)
        assert stood or MINT in frame.attrs["helius"]["unstable"]

    @rule(
        script=SCRIPTS,
        page_size=st.integers(2, 9),
        wanted=st.sets(st.integers(0, 59), min_size=1),
    )
    def pull_some_owners(self, script, page_size, wanted):
        owners = [OWNERS[n] for n in wanted]
        frame = self.ledger.pull(script, page_size=page_size, owners=owners)
        assert set(frame["owner"]) <= set(owners)
        assert len(set(frame["owner"])) == len(frame)
        for owner, balance, slot in zip(
            frame["owner"], frame["balance"].tolist(), frame["slot"], strict=True
        ):
            assert balance in self.ledger.had(owner, slot)


TestHoldersThatChange = Moving.TestCase
TestHoldersThatChange.settings = settings(
    max_examples=40, stateful_step_count=8, suppress_health_check=[HealthCheck.too_slow], deadline=None
)
