"""The holdings that the contract tests expect, and the SQL that puts them into a Photon's database.

``python -m tests.black_box.contract.seed | psql "$DATABASE_URL"`` fills the tables ``blocks`` and
``token_owner_balances`` of a PostgreSQL database on which ``photon-migration up`` has run (SQLite
rounds amounts above 2**53). psql, which comes with PostgreSQL, is all it needs: the rows are COPY
data on standard output. Only the owners below are touched, and it may be run again. How to install
and run Photon stands in its README, https://github.com/helius-labs/photon; nothing needs to be
indexed, so ``photon --db-url "$DATABASE_URL" --disable-indexing`` will do. Then
``PHOTON_URL=http://127.0.0.1:8784 make contract``.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

import numpy as np

from helius_frames.demo.holdings import U64_MAX, Holdings, long_tailed, random_keys, texts_of
from tests.support.addresses import address_at, key_bytes, position_of

if TYPE_CHECKING:
    from collections.abc import Iterator

# Far above any slot of a local validator, so that the newest block is the seeded one.
SLOT: Final = 345_600_000
_SHARED: Final = 40
_RNG = np.random.default_rng(20_260_101)
_OWNERS = texts_of(_RNG.permutation(random_keys(_RNG, 8 + _SHARED)))

# What floats, signed integers and decimals stumble over.
BALANCES: Final = (0, 1, 10**9, 2**53 - 1, 2**53, 2**53 + 1, 2**63 - 1, 2**63, U64_MAX - 1, U64_MAX)

EXTREMES, EDGES, FULL, WIDE, CROWDED, SPENT, ONE, EMPTY = _OWNERS[:8]
SHARED: Final = tuple(_OWNERS[8:])


def _row(n: int) -> dict[str, int]:
    """So many evenly spread mints with long-tailed balances."""
    return dict(zip(texts_of(random_keys(_RNG, n)), long_tailed(_RNG, n).tolist(), strict=True))


def _edge_mints() -> list[str]:
    """Keys whose text sorts otherwise than their bytes: leading zeros, both ends of the key space."""
    places = [0, 1, 57, 58, 2**64, 2**200, 2**247, 2**248 - 1, 2**248, 2**255, 2**256 - 2, 2**256 - 1]
    return [address_at(place) for place in places]


def _crowded_mints(n: int) -> list[str]:
    """Mints that share all bytes but the last two."""
    start = position_of(_OWNERS[0]) >> 16 << 16
    return [address_at(start + 7 * step) for step in range(n)]


def _shared_rows() -> dict[str, dict[str, int]]:
    mints = texts_of(random_keys(_RNG, 60))
    picked = ([mints[k] for k in _RNG.permutation(60)[:30]] for _ in SHARED)
    return {
        owner: dict(zip(row, long_tailed(_RNG, 30).tolist(), strict=True))
        for owner, row in zip(SHARED, picked, strict=True)
    }


HELD: Final[dict[str, dict[str, int]]] = {
    EXTREMES: dict(zip(texts_of(random_keys(_RNG, len(BALANCES))), BALANCES, strict=True)),
    EDGES: {mint: 1 + place for place, mint in enumerate(_edge_mints())},
    FULL: _row(1000),
    WIDE: _row(3000),
    CROWDED: _row(1200) | dict.fromkeys(_crowded_mints(3600), 5),
    SPENT: dict.fromkeys(texts_of(random_keys(_RNG, 5)), 0),
    ONE: _row(1),
    EMPTY: {},
    **_shared_rows(),
}


def _holders() -> dict[str, dict[str, int]]:
    """Holders by mint: amounts where numbers break, ties over pages, exactly full pages, zeros."""
    rng = np.random.default_rng(20_260_102)
    owners = [*texts_of(rng.permutation(random_keys(rng, 2600))), *_edge_mints()]
    amounts = {
        AMOUNTS: [0, 1, 10**9, 2**53 - 1, 2**53, 2**53 + 1, 2**62, 2**63 - 1],
        HUGE: [U64_MAX, 3, 2, 0],
        HALF: [2**63, 3, 2, 0],
        TIED: [10**9] * len(owners),
        MIXED: [*long_tailed(rng, 900).clip(0, 2**62).tolist(), *[10**9] * 1200, *[0] * 500],
        FULL_PAGE: list(range(1, 1001)),
        GONE: [0] * 7,
    }
    return {mint: dict(zip(owners, some, strict=False)) for mint, some in amounts.items()}


AMOUNTS, HUGE, HALF, TIED, MIXED, FULL_PAGE, GONE, NOBODYS = texts_of(
    random_keys(np.random.default_rng(20_260_103), 8)
)
HOLDERS: Final = _holders()
_ROWS: Final = {owner: dict(row) for owner, row in HELD.items()}
for _mint, _row_of in HOLDERS.items():
    for _owner, _amount in _row_of.items():
        _ROWS.setdefault(_owner, {})[_mint] = _amount
HOLDINGS: Final = Holdings.from_dict(_ROWS)


def sql() -> Iterator[str]:
    """Lines that psql runs as one transaction."""
    yield r"\set ON_ERROR_STOP on"
    yield "BEGIN;"
    # S608 where addresses and numbers of this module alone are written into SQL.
    owners = ", ".join(f"'{_bytea(owner)}'" for owner in _ROWS)
    yield f"DELETE FROM token_owner_balances WHERE owner IN ({owners});"  # noqa: S608
    yield "COPY token_owner_balances (owner, mint, amount) FROM STDIN WITH (FORMAT csv);"
    for owner, row in _ROWS.items():
        yield from (f"{_bytea(owner)},{_bytea(mint)},{balance}" for mint, balance in row.items())
    yield r"\."
    yield "INSERT INTO blocks (slot, parent_slot, parent_blockhash, blockhash, block_height, block_time)"
    yield rf"VALUES ({SLOT}, {SLOT - 1}, '\x00', '\x01', {SLOT}, 0) ON CONFLICT (slot) DO NOTHING;"
    yield "COMMIT;"


def _bytea(address: str) -> str:
    return rf"\x{key_bytes(address).hex()}"


if __name__ == "__main__":
    sys.stdout.writelines(f"{line}\n" for line in sql())
