"""What the demo indexer holds: who has how much of what, as columns.

Below everything else of the demo; it imports `pubkey` alone. A `Holdings` never changes: a state that
moves on is another `Holdings`. All addresses are random or given by the caller, all balances synthetic.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import chain, pairwise
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from helius_frames._protocol import pubkey

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

U64_MAX: Final = (1 << 64) - 1
# One balance in about 100 is one of these: what floats, signed integers and log axes stumble over.
EXTREMES: Final = (0, 0, 0, 1, (1 << 53) + 1, 1 << 63, U64_MAX)

_ALPHABET = np.frombuffer(b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz", dtype=np.uint8)
# 2**256 has the leading base58 digit 17 of 44 digits: a uniform draw below 18 is rarely too large.
_FIRST_DIGITS: Final = 18
# Six base58 digits are a little finer than the 4 bytes of the prefix that `skewed` crowds.
_PREFIX_DIGITS: Final = 6
_PREFIX_BYTES: Final = 4


class Rows(NamedTuple):
    """One owner's rows: places in the table of mints, ascending, and exact balances."""

    codes: NDArray[np.int32]
    balances: NDArray[np.uint64]


class Holders(NamedTuple):
    """One mint's holders: places among the owners, exact balances, and ranks of the owners by their bytes.

    The largest balance comes first, equal ones by owner bytes descending.
    """

    owners: NDArray[np.intp]
    balances: NDArray[np.uint64]
    ranks: NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Holdings:
    """Balances of many owners, as the indexer's table of (owner, mint) holds them.

    Attributes
    ----------
    owners
        Addresses known, in any order; an owner without rows is one of them.
    mints
        Table of aligned keys (see `pubkey`), ascending and distinct.
    starts
        The rows of the i-th owner are ``starts[i]:starts[i + 1]``.
    codes
        For each row its place in ``mints``; ascending within an owner.
    balances
        For each row its balance in base units.

    Examples
    --------
    >>> from helius_frames.demo import MINTS, OWNERS, Holdings
    >>> holdings = Holdings.from_dict({OWNERS[0]: {MINTS[0]: 5, MINTS[1]: 2**64 - 1}, OWNERS[1]: {}})
    >>> holdings
    Holdings(2 owners, 2 mints, 2 rows)
    """

    owners: tuple[str, ...]
    mints: pubkey.Keys
    starts: NDArray[np.int64]
    codes: NDArray[np.int32]
    balances: NDArray[np.uint64]

    @classmethod
    def from_dict(cls, table: Mapping[str, Mapping[str, int]]) -> Holdings:
        """Hold what ``{owner: {mint: balance}}`` says; `ValueError` names a bad address or balance."""
        keys_of(table)
        counts = [len(row) for row in table.values()]
        amounts = exact(chain.from_iterable(row.values() for row in table.values()))
        held = keys_of(chain.from_iterable(table.values()))
        mints, codes = np.unique(held, return_inverse=True)
        return cls.from_rows(tuple(table), mints, np.repeat(np.arange(len(table)), counts), codes, amounts)

    @classmethod
    def from_rows(
        cls,
        owners: tuple[str, ...],
        mints: pubkey.Keys,
        owner_codes: NDArray[np.intp],
        mint_codes: NDArray[np.intp],
        balances: NDArray[np.uint64],
    ) -> Holdings:
        """Hold rows given in any order, each (owner, mint) at most once; ``mints`` is ascending."""
        order = np.lexsort((mint_codes, owner_codes))
        counts = np.bincount(owner_codes, minlength=len(owners))
        return cls(owners, mints, _starts(counts), mint_codes[order].astype(np.int32), balances[order])

    @classmethod
    def uniform(cls, n_owners: int, mints_per_owner: int, n_mints: int, seed: int = 0) -> Holdings:
        """Draw owners who each hold ``mints_per_owner`` of ``n_mints`` mints, spread evenly."""
        rng = np.random.default_rng(seed)
        return _drawn(rng, n_owners, mints_per_owner, random_keys(rng, n_mints))

    @classmethod
    def skewed(
        cls, n_owners: int, mints_per_owner: int, n_mints: int, seed: int = 0, *, share: float = 0.95
    ) -> Holdings:
        """Draw as `uniform` does, with ``share`` of the mints under one prefix of 4 bytes."""
        rng = np.random.default_rng(seed)
        crowded = round(n_mints * share)
        mints = np.concatenate([_crowded_keys(rng, crowded), random_keys(rng, n_mints - crowded)])
        return _drawn(rng, n_owners, mints_per_owner, np.sort(mints))

    @classmethod
    def of_mint(cls, balances: NDArray[np.uint64], seed: int = 0) -> Holdings:
        """Draw owners who hold one mint and nothing else, with these balances."""
        rng = np.random.default_rng(seed)
        owners = tuple(texts_of(rng.permutation(random_keys(rng, len(balances)))))
        codes = np.zeros(len(balances), dtype=np.int32)
        starts = np.arange(len(balances) + 1, dtype=np.int64)
        return cls(owners, random_keys(rng, 1), starts, codes, balances)

    @cached_property
    def mint_texts(self) -> list[str]:
        """Base58 text of each of ``mints``."""
        return texts_of(self.mints)

    def rows(self, owner: str) -> Rows | None:
        """Rows of one owner; ``None`` where the owner is not known."""
        place = self._places.get(owner)
        if place is None:
            return None
        rows = slice(self.starts[place], self.starts[place + 1])
        return Rows(self.codes[rows], self.balances[rows])

    def code(self, mint: str) -> int | None:
        """Place of a mint in the table of mints; ``None`` where nobody holds it."""
        return self._codes.get(mint)

    def balance(self, owner: str, mint: str) -> int | None:
        """Balance of one row; ``None`` where there is no such row."""
        rows, code = self.rows(owner), self.code(mint)
        if rows is None or code is None:
            return None
        place = int(rows.codes.searchsorted(np.int32(code)))
        is_held = place < len(rows.codes) and rows.codes[place] == code
        return int(rows.balances[place]) if is_held else None

    def holders(self, mint: str) -> Holders | None:
        """Rows of one mint's holders in the order of Photon; ``None`` where nobody ever held it."""
        code = self.code(mint)
        if code is None:
            return None
        starts, every = self._by_mint
        rows = slice(starts[code], starts[code + 1])
        return Holders(every.owners[rows], every.balances[rows], every.ranks[rows])

    def owner_rank(self, owner: bytes) -> int:
        """Count the owners below an aligned key."""
        return int(self._sorted_owners[1].searchsorted(np.bytes_(owner)))

    def to_dict(self) -> dict[str, dict[str, int]]:
        """Write all rows as ``{owner: {mint: balance}}``, the inverse of `from_dict`."""
        texts, codes, balances = self.mint_texts, self.codes.tolist(), self.balances.tolist()
        spans = zip(self.owners, self.starts.tolist(), self.starts[1:].tolist(), strict=False)
        return {
            owner: {texts[code]: balance for code, balance in zip(codes[a:b], balances[a:b], strict=True)}
            for owner, a, b in spans
        }

    def __len__(self) -> int:
        return len(self.codes)

    def __repr__(self) -> str:
        return f"Holdings({len(self.owners)} owners, {len(self.mints)} mints, {len(self)} rows)"

    @cached_property
    def _places(self) -> dict[str, int]:
        return {owner: place for place, owner in enumerate(self.owners)}

    @cached_property
    def _sorted_owners(self) -> tuple[NDArray[np.intp], pubkey.Keys]:
        """Rank of each owner by its bytes, and the keys in that order."""
        keys = keys_of(self.owners)
        order = np.argsort(keys, kind="stable")
        ranks = np.empty(len(keys), dtype=np.intp)
        ranks[order] = np.arange(len(keys))
        return ranks, keys[order]

    @cached_property
    def _by_mint(self) -> tuple[NDArray[np.int64], Holders]:
        """Where the holders of each mint begin, and those of all mints one after the other."""
        owners = np.repeat(np.arange(len(self.owners)), np.diff(self.starts))
        ranks = self._sorted_owners[0][owners]
        falling = np.lexsort((~ranks, ~self.balances, self.codes))
        every = Holders(owners[falling], self.balances[falling], ranks[falling])
        return _starts(np.bincount(self.codes, minlength=len(self.mints))), every

    @cached_property
    def _codes(self) -> dict[str, int]:
        return {mint: code for code, mint in enumerate(self.mint_texts)}


def random_keys(rng: np.random.Generator, n: int) -> pubkey.Keys:
    """Draw ``n`` distinct aligned keys, evenly from the key space; ascending."""
    keys = np.empty(0, dtype=pubkey.KEY_DTYPE)
    while len(keys) < n:
        wanted = n - len(keys)
        more = _random_digits(rng, wanted + wanted // 8 + 8)
        keys = _distinct(np.concatenate([keys, more[pubkey.text_lengths(more) > 0]]))
    return _any_of(rng, keys, n)


def texts_of(keys: pubkey.Keys) -> list[str]:
    """Base58 text of each key."""
    data, offsets = pubkey.texts(keys)
    text, ends = data.tobytes().decode("ascii"), offsets.tolist()
    return [text[a:b] for a, b in pairwise(ends)]


def keys_of(texts: Iterable[str]) -> pubkey.Keys:
    """Aligned keys of addresses; `ValueError` names the first that is none."""
    listed = list(texts)
    lengths = np.fromiter(map(len, listed), dtype=np.intp, count=len(listed))
    data = np.frombuffer("".join(listed).encode("utf-8"), dtype=np.uint8)
    keys = pubkey.align(data, np.cumsum(lengths), lengths)
    if keys is None:
        raise ValueError(_first_bad(listed))
    return keys


def exact(balances: Iterable[int]) -> NDArray[np.uint64]:
    """Balances as uint64; `ValueError` names the first that does not fit."""
    listed = list(balances)
    bad = next((balance for balance in listed if not 0 <= balance <= U64_MAX), None)
    if bad is not None:
        raise ValueError(f"balance {bad!r} is no unsigned 64-bit integer")
    return np.array(listed, dtype=np.uint64)


def long_tailed(rng: np.random.Generator, n: int) -> NDArray[np.uint64]:
    """Draw log-normal balances over about nine decades, with a sprinkling of `EXTREMES`."""
    balances: NDArray[np.uint64] = np.exp(rng.normal(16, 3.5, n).clip(0, 43)).astype(np.uint64)
    extreme = rng.random(n) < 0.01  # noqa: PLR2004
    balances[extreme] = rng.choice(np.array(EXTREMES, dtype=np.uint64), int(extreme.sum()))
    return balances


def _drawn(rng: np.random.Generator, n_owners: int, mints_per_owner: int, mints: pubkey.Keys) -> Holdings:
    if mints_per_owner > len(mints):
        raise ValueError(f"mints_per_owner {mints_per_owner!r} exceeds n_mints {len(mints)!r}")
    owners = tuple(texts_of(rng.permutation(random_keys(rng, n_owners))))
    counts = np.full(n_owners, mints_per_owner)
    codes = _distinct_codes(rng, (n_owners, mints_per_owner), len(mints)).ravel()
    return Holdings(owners, mints, _starts(counts), codes, long_tailed(rng, len(codes)))


def _distinct_codes(rng: np.random.Generator, shape: tuple[int, int], n_mints: int) -> NDArray[np.int32]:
    """Ascending distinct codes in each row: a sorted draw with repeats, pulled apart by one each."""
    codes = rng.integers(0, n_mints - shape[1] + 1, shape, dtype=np.int32)
    codes.sort(axis=1)
    codes += np.arange(shape[1], dtype=np.int32)
    return codes


def _starts(counts: NDArray[np.intp]) -> NDArray[np.int64]:
    return np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)


def _random_digits(rng: np.random.Generator, n: int) -> pubkey.Keys:
    digits = rng.integers(0, len(_ALPHABET), (n, pubkey.TEXT_MAX), dtype=np.uint8)
    digits[:, 0] = rng.integers(0, _FIRST_DIGITS, n, dtype=np.uint8)
    return _ALPHABET[digits].view(pubkey.KEY_DTYPE).ravel()


def _crowded_keys(rng: np.random.Generator, n: int) -> pubkey.Keys:
    prefix = _prefix(rng)
    keys = np.empty(0, dtype=pubkey.KEY_DTYPE)
    while len(keys) < n:
        grid = _random_digits(rng, n - len(keys) + 8).view(np.uint8).reshape(-1, pubkey.TEXT_MAX)
        grid[:, :_PREFIX_DIGITS] = np.frombuffer(prefix, dtype=np.uint8)
        keys = _distinct(np.concatenate([keys, grid.view(pubkey.KEY_DTYPE).ravel()]))
    return _any_of(rng, keys, n)


def _distinct(keys: pubkey.Keys) -> pubkey.Keys:
    """Ascending distinct keys; sorted by 16 of their 44 bytes, five times faster, where that settles it."""
    start = keys.view(np.uint8).reshape(-1, pubkey.TEXT_MAX)[:, :16].copy()
    high, low = start.view(">u8").astype(np.uint64).T
    ordered = keys[np.lexsort((low, high))]
    return ordered if (ordered[1:] > ordered[:-1]).all() else np.unique(keys)


def _any_of(rng: np.random.Generator, keys: pubkey.Keys, n: int) -> pubkey.Keys:
    return keys[np.sort(rng.permutation(len(keys))[:n])]


def _prefix(rng: np.random.Generator) -> bytes:
    """Six digits whose whole range of keys begins with the same 4 bytes."""
    while True:
        prefix = bytes(random_keys(rng, 1)[0])[:_PREFIX_DIGITS]
        low, high = (_first_bytes(prefix.ljust(pubkey.TEXT_MAX, end)) for end in (b"1", b"z"))
        if low == high:
            return prefix


def _first_bytes(aligned: bytes) -> int:
    number = 0
    for char in aligned:
        number = number * len(_ALPHABET) + int(np.searchsorted(_ALPHABET, char))
    return number >> (8 * (pubkey.KEY_BYTES - _PREFIX_BYTES))


def _first_bad(texts: list[str]) -> str:
    for text in texts:
        try:
            pubkey.parse(text)
        except ValueError as fault:
            return f"address {text!r}: {fault}"
    return "an address is not base58"
