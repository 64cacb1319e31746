"""Addresses: text, bytes, aligned keys, and their common order."""

from __future__ import annotations

import base58
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helius_frames._protocol import pubkey

LOWEST, HIGHEST = bytes(32), b"\xff" * 32
# Keys with leading zero bytes have shorter texts, so they have to be frequent.
KEYS = st.integers(0, 32).flatmap(
    lambda zeros: st.binary(min_size=32 - zeros, max_size=32 - zeros).map(lambda tail: bytes(zeros) + tail)
)
NEARLY = st.binary(min_size=28, max_size=36).map(lambda raw: base58.b58encode(raw).decode())
BASE58 = st.text(alphabet=base58.BITCOIN_ALPHABET.decode(), max_size=48)
EDGES = [LOWEST, HIGHEST, *(bytes(32 - n) + b"\x01" + bytes(n - 1) for n in range(1, 33))]


def is_address(text):
    try:
        pubkey.parse(text)
    except ValueError:
        return False
    return True


@given(KEYS)
def test_text_and_bytes_are_each_others_inverse(key):
    assert pubkey.parse(pubkey.encode(key)) == key


@given(KEYS)
def test_the_text_is_that_of_base58(key):
    assert pubkey.encode(key) == base58.b58encode(key).decode()


@given(KEYS)
def test_a_position_and_its_key_are_each_others_inverse(key):
    assert pubkey.at_position(pubkey.position(key)) == key
    assert 0 <= pubkey.position(key) < pubkey.KEY_SPACE


@given(KEYS)
def test_an_aligned_key_knows_its_text_and_its_place(key):
    aligned = pubkey.aligned(pubkey.encode(key))
    assert len(aligned) == pubkey.TEXT_MAX
    assert pubkey.text(aligned) == pubkey.encode(key)
    assert pubkey.place(aligned) == pubkey.position(key)


@given(st.lists(KEYS, max_size=20))
def test_aligned_keys_sort_as_the_bytes_do(keys):
    aligned = pubkey.align_texts([pubkey.encode(key) for key in keys])
    assert [pubkey.text(key) for key in np.sort(aligned)] == [pubkey.encode(key) for key in sorted(keys)]


@given(st.lists(KEYS, max_size=20))
def test_texts_of_aligned_keys_are_the_texts_they_came_from(keys):
    texts = [pubkey.encode(key) for key in keys]
    data, offsets = pubkey.texts(pubkey.align_texts(texts))
    assert data.tobytes().decode() == "".join(texts)
    assert offsets.tolist() == [0, *np.cumsum([len(text) for text in texts])]


@pytest.mark.parametrize("key", EDGES, ids=bytes.hex)
def test_every_number_of_leading_zero_bytes_is_read_in_both_ways(key):
    text = pubkey.encode(key)
    (aligned,) = pubkey.align_texts([text])
    assert aligned == pubkey.aligned(text)
    assert pubkey.parse(text) == key
    assert pubkey.text_lengths(np.array([aligned])).tolist() == [len(text)]


@given(NEARLY | BASE58 | st.text())
def test_the_two_readers_of_base58_agree_on_what_an_address_is(text):
    assert (pubkey.align_texts([text]) is not None) == is_address(text)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (base58.b58encode(b"\xff" * 31).decode(), "31 bytes"),
        (base58.b58encode(b"\x01" + bytes(32)).decode(), "33 bytes"),
        ("1" * 31, "31 characters"),
        ("1" * 33, "33 bytes"),
        ("z" * 44, "33 bytes"),
        ("2" * 45, "45 characters"),
        ("", "0 characters"),
        ("0" * 32, "not base58"),
        ("l" * 32, "not base58"),
        ("é" * 32, "not base58"),
        ("\uff11" * 32, "not base58"),
    ],
)
def test_what_is_no_address_is_refused_with_the_reason(text, reason):
    with pytest.raises(ValueError, match=reason):
        pubkey.parse(text)


@given(KEYS, st.sampled_from('0OIl+/_-~\x7f@[`{:;,. "\\'), st.data())
def test_one_character_outside_of_base58_spoils_an_address(key, char, data):
    text = pubkey.encode(key)
    at = data.draw(st.integers(0, len(text) - 1))
    spoiled = text[:at] + char + text[at + 1 :]
    assert pubkey.align_texts([spoiled]) is None
    assert not is_address(spoiled)


@pytest.mark.parametrize("space", ["\n", " ", "\t", "\0", "\u00a0"])
def test_white_space_is_no_part_of_an_address(space):
    text = pubkey.encode(HIGHEST)
    for padded in (text + space, space + text):
        assert not is_address(padded)
        assert pubkey.align_texts([padded]) is None


def test_a_text_of_a_million_characters_is_refused_without_being_decoded():
    with pytest.raises(ValueError, match="1000000 characters"):
        pubkey.parse("z" * 1_000_000)


def test_one_bad_text_among_good_ones_spoils_the_column():
    good = pubkey.encode(HIGHEST)
    assert len(pubkey.align_texts([good, good])) == 2
    assert pubkey.align_texts([good, good[:-2]]) is None
    assert pubkey.align_texts([good[:-2], good[-2:] + good]) is None


def test_no_texts_are_no_keys():
    keys = pubkey.align_texts([])
    data, offsets = pubkey.texts(keys)
    assert (len(keys), keys.dtype, len(data), offsets.tolist()) == (0, pubkey.KEY_DTYPE, 0, [0])


def test_addresses_are_found_where_they_end_in_the_data():
    short, long = pubkey.encode(LOWEST), pubkey.encode(HIGHEST)
    data = np.frombuffer(f"{short}..{long}!".encode(), dtype=np.uint8)
    ends = np.array([len(short), len(short) + 2 + len(long)])
    keys = pubkey.align(data, ends, np.array([len(short), len(long)]))
    assert [pubkey.text(key) for key in keys] == [short, long]
    assert data[len(short)] == ord(".")
