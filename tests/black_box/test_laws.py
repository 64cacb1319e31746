"""Laws of a pull: any holdings, page size and concurrency, healing faults, holdings that change meanwhile."""

from __future__ import annotations

from typing import NamedTuple

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from helius_frames import demo, read_helius_balances
from helius_frames.demo import Holdings
from helius_frames.demo.holdings import U64_MAX
from tests.fault_server import FAULTS, FaultRule, FaultyIndexer, serve
from tests.support.addresses import key_bytes
from tests.support.frames import rows_held, rows_of
from tests.support.transport import use_transport

HEALING = sorted(
    name for name, fault in FAULTS.items() if fault.is_transient and not fault.needs_port and name != "stall"
)
LEGAL = sorted(name for name, fault in FAULTS.items() if fault.is_legal)
IN_ORDER = [name for name in LEGAL if name != "out-of-order"]
# These write a cursor of their own, which a server of opaque cursors would not take.
MINT_CURSORS = {"cursor-opaque", "empty-page", "short-page"}

few = settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])


class World(NamedTuple):
    """Holdings, and how they are asked for."""

    holdings: Holdings
    page_size: int
    concurrency: int
    cursor: str
    faults: tuple[str, ...]
    seed: int

    def indexer(self, *orders):
        healing = [FaultRule(name, p=0.2, times=2) for name in self.faults if FAULTS[name].is_transient]
        odd = [FaultRule(name, p=0.3) for name in self.faults if FAULTS[name].is_legal]
        return FaultyIndexer(
            self.holdings,
            slot=500,
            cursor=self.cursor,
            faults=[*healing, *odd, *orders],
            seed=self.seed,
        )

    def read(self, **options):
        return pull(self.indexer(), page_size=self.page_size, max_concurrency=self.concurrency, **options)


def pull(indexer, owners=None, **options):
    """Read in process, through the whole reader."""
    owners = indexer.holdings.owners if owners is None else owners
    with use_transport("in process", indexer):
        got = read_helius_balances(owners, endpoint="http://localhost", retries=3, **options)
        return got if isinstance(got, pd.DataFrame) else list(got)


@st.composite
def worlds(draw, odd=LEGAL):
    """Worlds of a few owners with up to a hundred mints each, spread evenly or crowded."""
    seed = draw(st.integers(0, 2**32))
    n_mints = draw(st.integers(1, 120))
    held_by_each = draw(st.integers(0, min(n_mints, 100)))
    make = draw(st.sampled_from([Holdings.uniform, Holdings.skewed]))
    cursor = draw(st.sampled_from(["mint", "opaque", "opaque-lenient"]))
    odd = [name for name in odd if cursor == "mint" or name not in MINT_CURSORS]
    return World(
        make(draw(st.integers(1, 4)), held_by_each, n_mints, seed=seed),
        draw(st.integers(1, 30)),
        draw(st.sampled_from([1, 2, 8])),
        cursor,
        tuple(draw(st.lists(st.sampled_from([*HEALING, *odd]), max_size=3, unique=True))),
        seed,
    )


@few
@given(worlds())
def test_what_the_indexer_holds_is_what_the_frame_holds(world):
    frame = world.read()
    assert rows_of(frame) == rows_held(world.holdings)
    assert frame["owner"].cat.categories.tolist() == list(world.holdings.owners)
    assert frame.dtypes.astype(str).tolist() == ["category", "category", "uint64", "int64"]


@few
@given(worlds())
def test_the_sum_over_rows_is_the_indexers(world):
    totals = world.read().helius.by_mint()["total"]
    wanted = {}
    for _, mint, balance in rows_held(world.holdings):
        wanted[mint] = wanted.get(mint, 0) + balance
    assert {mint: int(total) for mint, total in totals.items()} == wanted


@few
@given(
    worlds(odd=IN_ORDER),
    st.integers(1, 50),
    st.sampled_from([{}, {"errors": "collect"}, {"drop_zero": True}]),
)
def test_chunks_and_the_whole_agree(world, size, options):
    chunks = world.read(chunksize=size, **options)
    assert [row for chunk in chunks for row in rows_of(chunk)] == rows_of(world.read(**options))
    assert all(len(chunk) == size for chunk in chunks[:-1])


@few
@given(worlds())
def test_one_owner_is_read_alike_by_one_request_at_a_time_and_by_many(world):
    for owner in world.holdings.owners:
        one, many = (
            pull(world.indexer(), [owner], page_size=world.page_size, max_concurrency=concurrency)
            for concurrency in (1, 8)
        )
        assert rows_of(one) == rows_of(many) == rows_held(world.holdings, [owner])


@few
@given(worlds(), st.data())
def test_a_mint_filter_is_a_filter(world, data):
    mints = world.holdings.mint_texts
    strangers = [mint for mint in demo.MINTS[:5] if mint not in mints]
    wanted = data.draw(st.lists(st.sampled_from([*mints, *strangers]), min_size=1, max_size=12, unique=True))
    rows = rows_of(world.read(mint=wanted))
    assert rows == [row for row in rows_held(world.holdings) if row[1] in wanted]


class Change(NamedTuple):
    """What happens to the holdings at the n-th read of a pull."""

    read: int
    kind: str
    owner: int
    mint: int
    slots: int


CHANGES = st.builds(
    Change,
    st.integers(1, 25),
    st.sampled_from(["set", "set", "set", "remove"]),
    st.integers(0, 2),
    st.integers(0, 39),
    st.integers(0, 3),
)
GROWTH = CHANGES.filter(lambda change: change.kind == "set")
MINTS = sorted(Holdings.uniform(1, 1, 40, seed=9).mint_texts, key=key_bytes)
CROWDED = sorted(Holdings.skewed(1, 1, 40, seed=9).mint_texts, key=key_bytes)
OWNERS = Holdings.uniform(3, 1, 1, seed=9).owners


class State(NamedTuple):
    """What the indexer held, and from which slot on."""

    slot: int
    table: dict[str, dict[str, int]]


class Ledger:
    """An indexer whose holdings change while it is read, and all it ever held."""

    def __init__(self, mints=MINTS, **options):
        self.mints = mints
        self.balances = 0
        self.states = [State(500, {owner: {} for owner in OWNERS})]
        self.indexer = FaultyIndexer(self._held(), slot=500, on_read=self._on_read, **options)
        self.script = []
        self._begin = 0

    def change(self, change):
        """Change one row; every balance is a new one, so that none comes back."""
        owner, mint = OWNERS[change.owner], self.mints[change.mint]
        table = {name: dict(row) for name, row in self.states[-1].table.items()}
        if change.kind == "remove":
            table[owner].pop(mint, None)
        else:
            self.balances += 1
            table[owner][mint] = U64_MAX - self.balances
        self.indexer.slot += change.slots
        self.states.append(State(self.indexer.slot, table))
        self.indexer.holdings = self._held()

    def pull(self, script=(), **options):
        """Read everything while the script runs."""
        self.script = sorted(script)
        self._begin = self.indexer.reads
        self.states = self.states[-1:]
        return pull(self.indexer, OWNERS, **options)

    def _held(self):
        return Holdings.from_dict(self.states[-1].table)

    def _on_read(self, number):
        while self.script and self.script[0].read <= number - self._begin:
            self.change(self.script.pop(0))

    def had(self, owner, mint, slot):
        """Balances of a row at or after a slot."""
        ends = [state.slot for state in self.states[1:]] + [self.indexer.slot]
        return {
            state.table[owner].get(mint) for state, end in zip(self.states, ends, strict=True) if end >= slot
        }

    def assert_lawful(self, frame):
        rows = list(
            zip(
                frame["owner"].astype(str),
                frame["mint"].astype(str),
                frame["balance"].tolist(),
                frame["slot"],
                strict=True,
            )
        )
        places = [(OWNERS.index(owner), key_bytes(mint)) for owner, mint, _, _ in rows]
        assert places == sorted(set(places)), "out of order, or twice"
        for owner, mint, balance, slot in rows:
            assert balance in self.had(owner, mint, slot), "a balance it never had at or after its slot"
        throughout = {
            (owner, mint)
            for owner in OWNERS
            for mint in self.states[0].table[owner]
            if all(mint in state.table[owner] for state in self.states)
        }
        assert throughout <= {row[:2] for row in rows}, "a row that was there all the time is missing"
        assert frame.dtypes.astype(str).tolist() == ["category", "category", "uint64", "int64"]

    def assert_stood_at_once(self, frame):
        """Each owner's rows are those of one moment, where the metadata does not say otherwise."""
        unstable = frame.attrs["helius"]["unstable"]
        for owner in OWNERS:
            rows = {mint: balance for name, mint, balance in rows_of(frame) if name == owner}
            assert owner in unstable or rows in [state.table[owner] for state in self.states]


class Moving(RuleBasedStateMachine):
    """Holdings change between and during pulls; every pull keeps the laws."""

    @initialize(
        mints=st.sampled_from([MINTS, CROWDED]),
        cursor=st.sampled_from(["mint", "mint", "opaque"]),
        faults=st.lists(st.sampled_from(HEALING), max_size=2, unique=True),
        held=st.lists(CHANGES, max_size=40),
    )
    def begin(self, mints, cursor, faults, held):
        healing = [FaultRule(name, p=0.15, times=2) for name in faults]
        self.ledger = Ledger(mints, cursor=cursor, faults=healing)
        for change in held:
            self.ledger.change(change)

    @rule(change=CHANGES)
    def change(self, change):
        self.ledger.change(change)

    @rule(owner=st.integers(0, 2), slots=st.integers(0, 2))
    def fill(self, owner, slots):
        for mint in range(len(self.ledger.mints)):
            self.ledger.change(Change(0, "set", owner, mint, slots))

    @rule(
        script=st.lists(CHANGES, max_size=12),
        page_size=st.integers(1, 7),
        concurrency=st.sampled_from([1, 3, 8]),
    )
    def pull_whole(self, script, page_size, concurrency):
        frame = self.ledger.pull(script, page_size=page_size, max_concurrency=concurrency)
        self.ledger.assert_lawful(frame)

    @rule(script=st.lists(CHANGES, max_size=12), page_size=st.integers(1, 7), size=st.integers(1, 30))
    def pull_in_chunks(self, script, page_size, size):
        chunks = self.ledger.pull(script, page_size=page_size, max_concurrency=3, chunksize=size)
        whole = pd.concat(chunks).astype({"owner": "category", "mint": "category"})
        self.ledger.assert_lawful(whole)

    @rule(
        script=st.lists(CHANGES, max_size=12),
        page_size=st.integers(1, 7),
        wanted=st.sets(st.integers(0, 39), min_size=2),
    )
    def pull_some_mints(self, script, page_size, wanted):
        mints = [self.ledger.mints[place] for place in wanted]
        frame = self.ledger.pull(script, page_size=page_size, mint=mints)
        rows = set(rows_of(frame))
        assert {mint for _, mint, _ in rows} <= set(mints)
        for owner, mint, balance in rows:
            assert balance in {state.table[owner].get(mint) for state in self.ledger.states}
        assert len({row[:2] for row in rows}) == len(frame)

    @rule(
        script=st.lists(GROWTH, max_size=12), page_size=st.integers(1, 7), concurrency=st.sampled_from([1, 8])
    )
    def pull_stable(self, script, page_size, concurrency):
        frame = self.ledger.pull(
            script, page_size=page_size, max_concurrency=concurrency, consistency="stable"
        )
        self.ledger.assert_lawful(frame)
        self.ledger.assert_stood_at_once(frame)

    @invariant()
    def nothing_changes_without_a_pull(self):
        if hasattr(self, "ledger"):
            self.ledger.script = []


TestHoldingsThatChange = Moving.TestCase
TestHoldingsThatChange.settings = settings(
    max_examples=25, stateful_step_count=8, suppress_health_check=[HealthCheck.too_slow], deadline=None
)


@pytest.mark.parametrize("seed", range(6))
def test_the_laws_hold_over_a_real_port_while_holdings_change(seed):
    ledger = Ledger(
        faults=[FaultRule("503-html", p=0.1, times=2), FaultRule("reset-body", p=0.05, times=2)], seed=seed
    )
    for mint in range(40):
        for owner in range(3):
            ledger.change(Change(0, "set", owner, mint, 0))
    ledger.states = ledger.states[-1:]
    ledger.script = [
        Change(n, "remove" if n % 5 == 0 else "set", n % 3, (7 * n + seed) % 40, 1) for n in range(1, 30)
    ]
    with serve(ledger.indexer) as url, use_transport("httpx"):
        frame = read_helius_balances(OWNERS, endpoint=url, page_size=4, retries=3)
    assert not ledger.script
    ledger.assert_lawful(frame)
