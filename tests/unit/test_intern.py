"""Codes of mints, beside a plain dictionary."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from helius_frames._intern import MintCodes
from helius_frames._protocol import pubkey

# Few different keys, so that batches overlap.
BATCHES = st.lists(st.sets(st.integers(0, 60), max_size=20), max_size=12)


def keys_of(places):
    """Ascending aligned keys of some places in the key space."""
    texts = [pubkey.encode(pubkey.at_position(place << 200)) for place in sorted(places)]
    return pubkey.align_texts(texts)


def coded(batches):
    """What the codes of batches stand for once everything is in."""
    mints = MintCodes()
    codes = [mints.add(keys_of(batch)) for batch in batches]
    keys, ranks = mints.ranks()
    return [keys[ranks[part]] for part in codes], keys, ranks


@given(BATCHES)
def test_each_code_stands_for_the_mint_it_was_given_for(batches):
    found, _, _ = coded(batches)
    for keys, batch in zip(found, batches, strict=True):
        assert keys.tolist() == keys_of(batch).tolist()


@given(BATCHES)
def test_the_keys_come_out_ascending_and_each_once(batches):
    _, keys, ranks = coded(batches)
    assert keys.tolist() == keys_of(set().union(*batches)).tolist()
    assert sorted(ranks.tolist()) == list(range(len(keys)))


def test_a_mint_keeps_its_code():
    mints = MintCodes()
    first = mints.add(keys_of({3, 5}))
    again = mints.add(keys_of({1, 3, 5, 9}))
    assert again[[1, 2]].tolist() == first.tolist()
    assert len(set(again.tolist())) == 4


def test_codes_are_in_the_order_of_first_appearance():
    mints = MintCodes()
    assert mints.add(keys_of({7, 8})).tolist() == [0, 1]
    assert mints.add(keys_of({1, 7, 9})).tolist() == [2, 0, 3]


def test_no_mints_are_no_codes():
    mints = MintCodes()
    keys, ranks = mints.ranks()
    assert (len(keys), len(ranks)) == (0, 0)
    assert (keys.dtype, ranks.dtype) == (pubkey.KEY_DTYPE, np.int32)
    assert mints.add(keys_of(set())).tolist() == []


def test_the_lowest_and_the_highest_key_are_mints_like_others():
    ends = pubkey.align_texts([pubkey.encode(bytes(32)), pubkey.encode(b"\xff" * 32)])
    mints = MintCodes()
    assert mints.add(ends[1:]).tolist() == [0]
    assert mints.add(ends).tolist() == [1, 0]
    keys, ranks = mints.ranks()
    assert keys.tolist() == ends.tolist()
    assert ranks.tolist() == [1, 0]


def test_many_owners_of_shared_mints_keep_few_keys():
    mints = MintCodes()
    rng = np.random.default_rng(5)
    pool = keys_of(range(300))
    codes = [mints.add(pool[np.sort(rng.choice(300, 30, replace=False))]) for _ in range(200)]
    keys, ranks = mints.ranks()
    assert len(keys) == len(ranks) == len(set(np.concatenate(codes).tolist())) <= 300


def test_an_owners_keys_are_left_as_they_were():
    keys = keys_of({1, 2, 3})
    before = keys.copy()
    mints = MintCodes()
    mints.add(keys)
    mints.add(keys_of({0, 2, 4}))
    assert keys.tolist() == before.tolist()
