"""Mints to small integer codes, as they arrive.

A part of the frame's layer; it imports `pubkey` alone. Known mints stand in a few sorted runs, each at
least four times as long as the next, so that finding costs one binary search in each run and adding a
merge now and then; no mint becomes a Python object. (A hash table over 64-bit hashes was no faster.)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from helius_frames._protocol import pubkey

if TYPE_CHECKING:
    from numpy.typing import NDArray

_RATIO: Final = 4


class _Run(NamedTuple):
    keys: pubkey.Keys
    codes: NDArray[np.int32]


class MintCodes:
    """Codes of mints in the order of their first appearance; `ranks` turns them into sorted ones."""

    def __init__(self) -> None:
        self._runs: list[_Run] = []
        self._known = 0

    def add(self, keys: pubkey.Keys) -> NDArray[np.int32]:
        """Codes of ascending, distinct keys; those not met before get the next ones."""
        codes = self._find(keys)
        is_new = codes < 0
        if count := int(is_new.sum()):
            # A large owner's mints are mostly all new: then its keys are kept as they are, not copied.
            new = slice(None) if count == len(keys) else is_new
            codes[new] = np.arange(self._known, self._known + count, dtype=np.int32)
            self._known += count
            self._insert(_Run(keys[new], codes[new]))
        return codes

    def ranks(self) -> tuple[pubkey.Keys, NDArray[np.int32]]:
        """All keys in ascending order, and for each code its place among them; the codes begin anew."""
        while len(self._runs) > 1:
            self._merge_last_two()
        if not self._runs:
            return np.empty(0, dtype=pubkey.KEY_DTYPE), np.empty(0, dtype=np.int32)
        keys, codes = self._runs.pop()
        self._known = 0
        ranks = np.empty(len(codes), dtype=np.int32)
        ranks[codes] = np.arange(len(codes), dtype=np.int32)
        return keys, ranks

    def _find(self, keys: pubkey.Keys) -> NDArray[np.int32]:
        codes = np.full(len(keys), -1, dtype=np.int32)
        for run in self._runs:
            places = np.searchsorted(run.keys, keys)
            places[places == len(run.keys)] = 0
            hit = run.keys[places] == keys
            codes[hit] = run.codes[places[hit]]
        return codes

    def _insert(self, run: _Run) -> None:
        self._runs.append(run)
        while len(self._runs) > 1 and len(self._runs[-2].keys) < _RATIO * len(self._runs[-1].keys):
            self._merge_last_two()

    def _merge_last_two(self) -> None:
        younger, older = self._runs.pop(), self._runs.pop()
        places = np.searchsorted(older.keys, younger.keys)
        keys = np.insert(older.keys, places, younger.keys)
        codes = np.insert(older.codes, places, younger.codes)
        self._runs.append(_Run(keys, codes))
