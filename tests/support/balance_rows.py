"""Frames of made-up rows for tests of the analysis: heavy ties, zeros, the ends of u64, owners not read."""

from __future__ import annotations

import math
import random
from fractions import Fraction

import numpy as np
import pandas as pd
import pyarrow as pa
from hypothesis import settings
from hypothesis import strategies as st

from helius_frames._protocol import pubkey
from helius_frames.analysis import with_owners

U64_MAX = 2**64 - 1
RANDOM = random.Random(15)
OWNERS = tuple(pubkey.encode(RANDOM.randbytes(32)) for _ in range(12))
MINTS = tuple(pubkey.encode(RANDOM.randbytes(32)) for _ in range(3))
MINT = MINTS[0]

amounts = st.one_of(
    st.sampled_from([1, 2, 3]), st.integers(2**53, 2**53 + 3), st.integers(U64_MAX - 2, U64_MAX)
)
pairs = st.tuples(st.sampled_from(OWNERS), st.sampled_from(MINTS))
held = st.dictionaries(pairs, st.one_of(st.just(0), amounts), max_size=30)
lists = st.dictionaries(pairs, amounts, max_size=30)
few = settings(max_examples=60)
BACKENDS = ("category", "text", "nullable", "arrow", "arrow dictionary")


def frame_of(rows, backend="category", owners=OWNERS, **attrs):
    """A frame of these rows, in which these owners were read to the end."""
    dictionary = pd.ArrowDtype(pa.dictionary(pa.int32(), pa.string()))
    categories = {"owner": pd.CategoricalDtype(owners), "mint": pd.CategoricalDtype(MINTS)}
    names = {
        "text": {"owner": "str", "mint": "str"},
        "arrow": dict.fromkeys(("owner", "mint"), pd.ArrowDtype(pa.string())),
        "arrow dictionary": dict.fromkeys(("owner", "mint"), dictionary),
    }.get(backend, categories)
    whole = "UInt64" if backend == "nullable" else "uint64"
    frame = pd.DataFrame(
        {
            "owner": pd.Series([owner for owner, _ in rows], dtype="str"),
            "mint": pd.Series([mint for _, mint in rows], dtype="str"),
            "balance": np.array(list(rows.values()), dtype=np.uint64),
            "slot": np.arange(len(rows), dtype=np.int64),
        }
    ).astype({**names, "balance": whole})
    if attrs:
        frame.attrs["helius"] = attrs
    return frame


def held_by(rows, mint):
    """The balances above zero of one mint, ascending."""
    return sorted(balance for (_, name), balance in rows.items() if name == mint and balance)


def share(part, whole):
    """A part of a whole, rounded once; NaN of nothing."""
    return float(Fraction(part, whole)) if whole else math.nan


def labelled(rows, **options):
    return with_owners(
        frame_of(rows, **options), {OWNERS[0]: "exchange", OWNERS[1]: "exchange", OWNERS[2]: "team"}
    )
