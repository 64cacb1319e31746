"""What the demo holds: containers, random draws, and the story of the default tokens."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helius_frames import demo
from helius_frames._protocol import pubkey
from helius_frames.demo import Holdings, _story
from helius_frames.demo.holdings import U64_MAX, random_keys, texts_of

ADDRESSES = st.binary(min_size=32, max_size=32).map(pubkey.encode)
TABLES = st.dictionaries(
    ADDRESSES, st.dictionaries(ADDRESSES, st.integers(0, U64_MAX), max_size=6), max_size=6
)
COLUMNS = {token.name: token for token in demo.TOKENS}


def held(moment, name):
    """Balances of one token at a moment."""
    mint = COLUMNS[name].mint
    return [row[mint] for row in _story.holdings(moment).to_dict().values() if mint in row]


@given(TABLES)
def test_a_table_comes_back_as_it_was_given(table):
    assert Holdings.from_dict(table).to_dict() == table


@given(TABLES)
def test_rows_of_an_owner_ascend_by_the_bytes_of_the_mint(table):
    holdings = Holdings.from_dict(table)
    for owner, row in table.items():
        codes = holdings.rows(owner).codes
        assert [holdings.mint_texts[code] for code in codes] == sorted(row, key=pubkey.parse)


def test_the_lowest_and_the_highest_key_are_addresses_like_others():
    lowest, highest = pubkey.encode(bytes(32)), pubkey.encode(b"\xff" * 32)
    table = {lowest: {highest: 1, lowest: 2}, highest: {}}
    holdings = Holdings.from_dict(table)
    assert holdings.to_dict() == table
    assert holdings.mint_texts == [lowest, highest]


def test_an_unknown_owner_has_no_rows_and_a_known_one_may_have_none():
    owner, other = demo.OWNERS[:2]
    holdings = Holdings.from_dict({owner: {}})
    assert holdings.rows(other) is None
    assert len(holdings.rows(owner).codes) == 0


def test_a_balance_is_found_by_owner_and_mint():
    owner, other = demo.OWNERS[:2]
    mint, unheld, unknown = demo.MINTS[:3]
    holdings = Holdings.from_dict({owner: {mint: 7}, other: {unheld: 1}})
    found = [holdings.balance(owner, mint) for mint in (mint, unheld, unknown)]
    assert found == [7, None, None]
    assert holdings.balance(unknown, mint) is None


@pytest.mark.parametrize("balance", [-1, 1 << 64])
def test_a_balance_outside_u64_is_refused_by_name(balance):
    with pytest.raises(ValueError, match=str(balance)):
        Holdings.from_dict({demo.OWNERS[0]: {demo.MINTS[0]: balance}})


@pytest.mark.parametrize("bad", ["", "abc", "0" * 44, "z" * 44, demo.OWNERS[0] + " ", "é" * 40])
def test_a_bad_address_is_refused_by_name(bad):
    with pytest.raises(ValueError, match="address"):
        Holdings.from_dict({bad: {}})
    with pytest.raises(ValueError, match="address"):
        Holdings.from_dict({demo.OWNERS[0]: {bad: 1}})


def test_random_keys_are_distinct_ascending_and_spread_over_the_key_space():
    keys = random_keys(np.random.default_rng(1), 20_000)
    assert (keys[1:] > keys[:-1]).all()
    texts = texts_of(keys)
    firsts = np.array([pubkey.parse(text)[0] for text in texts])
    assert abs(firsts.mean() - 127.5) < 3
    assert (np.bincount(firsts, minlength=256) > 30).all()
    assert {43, 44} <= {len(text) for text in texts}


def test_uniform_gives_every_owner_so_many_distinct_mints():
    holdings = Holdings.uniform(40, 25, 60, seed=3)
    assert [len(holdings.rows(owner).codes) for owner in holdings.owners] == [25] * 40
    for owner in holdings.owners:
        assert (np.diff(holdings.rows(owner).codes) > 0).all()
    assert len(holdings.mints) == 60


def test_uniform_can_give_one_owner_every_mint():
    holdings = Holdings.uniform(1, 500, 500)
    assert holdings.rows(holdings.owners[0]).codes.tolist() == list(range(500))


def test_more_mints_per_owner_than_there_are_is_refused():
    with pytest.raises(ValueError, match="mints_per_owner 6 exceeds n_mints 5"):
        Holdings.uniform(1, 6, 5)


def test_skewed_puts_95_percent_of_the_mints_under_one_prefix_of_4_bytes():
    holdings = Holdings.skewed(1, 2_000, 2_000, seed=5)
    prefixes = [pubkey.parse(mint)[:4] for mint in holdings.mint_texts]
    assert max(prefixes.count(prefix) for prefix in set(prefixes)) >= 1_900
    assert holdings.mint_texts == sorted(holdings.mint_texts, key=pubkey.parse)


def test_a_seed_gives_the_same_holdings_and_another_seed_others():
    first, again, other = (Holdings.uniform(3, 4, 9, seed=seed).to_dict() for seed in (1, 1, 2))
    assert first == again
    assert first != other


def test_the_story_has_wallets_with_the_promised_numbers_of_rows():
    rows = {name: len(demo.app().holdings.rows(owner).codes) for name, owner in demo.WALLETS.items()}
    assert (rows["full page"], rows["three pages"], rows["collector"]) == (1_000, 3_000, 5_000)
    assert rows["newcomer"] == 0
    assert rows["regular"] > 20


def test_most_mints_of_the_collector_are_held_by_nobody_else():
    holdings = demo.app().holdings
    holders = np.bincount(holdings.codes, minlength=len(holdings.mints))
    alone = (holders[holdings.rows(demo.WALLETS["collector"]).codes] == 1).sum()
    assert alone > 4_000


def test_hundreds_of_owners_and_dozens_of_mints_are_listed():
    assert len(set(demo.OWNERS)) == 600
    assert len(set(demo.MINTS)) == 48
    assert list(demo.DECIMALS) == list(demo.MINTS)
    assert set(demo.DECIMALS.values()) == {0, 2, 6, 9, 12}


def test_some_addresses_begin_with_zero_bytes_and_are_shorter():
    for texts in (demo.OWNERS, demo.MINTS):
        assert min(map(len, texts)) <= 42
        assert any(text.startswith("111") for text in texts)


def test_numbers_of_holders_are_very_unequal():
    counts = [len(held("first", name)) for name in COLUMNS]
    assert max(counts) > 500
    assert sorted(counts)[len(counts) // 2] < 40


def test_the_airdrop_is_equal_the_whale_holds_62_percent_and_each_founder_5():
    drop, song, founders = (held("first", name) for name in ("Fair Drop", "Whale Song", "Founders"))
    assert len(set(drop)) == 1
    assert 0.61 < max(song) / sum(song) < 0.63
    assert all(0.045 < balance / sum(founders) < 0.055 for balance in sorted(founders)[-12:])


def test_one_token_holds_the_ends_of_u64_and_its_total_exceeds_them():
    balances = held("first", "Big Numbers")
    assert {0, 1, (1 << 53) + 1, 1 << 63, U64_MAX} <= set(balances)
    assert sum(balances) > 1 << 64


def test_spent_out_tokens_keep_their_rows_at_zero():
    assert set(held("first", "Sold Out")) == {0}
    ghosts = held("first", "Ghost Town")
    assert sum(balance == 0 for balance in ghosts) > len(ghosts) / 2


def test_two_weeks_later_some_sold_some_came_and_no_row_is_gone():
    before, after = (_story.holdings(moment).to_dict() for moment in ("first", "later"))
    assert all(set(row) <= set(after[owner]) for owner, row in before.items())
    assert 80 < held("later", "Fair Drop").count(0) < 110
    assert max(held("later", "Whale Song")) < max(held("first", "Whale Song"))
    assert len(held("later", "Whale Song")) > len(held("first", "Whale Song"))
    assert (len(held("first", "Late Arrival")), len(held("later", "Late Arrival"))) == (0, 260)
    assert after[demo.WALLETS["newcomer"]]


@pytest.mark.parametrize("name", ["Fair Drop", "Points", "Whale Song", "Game Gold"])
def test_what_changes_hands_is_neither_made_nor_lost(name):
    assert sum(held("first", name)) == sum(held("later", name))


def test_the_founders_mint_more():
    assert sum(held("later", "Founders")) > sum(held("first", "Founders"))


def test_a_name_the_demo_does_not_have_is_an_attribute_error():
    with pytest.raises(AttributeError, match="OWNRES"):
        _ = demo.OWNRES
    assert "OWNERS" in dir(demo)
