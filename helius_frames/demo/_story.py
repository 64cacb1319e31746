"""The synthetic tokens and wallets of ``cluster="demo"``, at three moments two weeks apart.

It imports `holdings` alone. Nothing here is taken from a chain: addresses and balances are drawn from
one seed, and shaped so that each token has something to show. The amounts are a dense table,
a row per token and a column per owner; the unsolicited mints of three collectors are added beside it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, TypeAlias

import numpy as np

from helius_frames._protocol import pubkey
from helius_frames.demo.holdings import U64_MAX, Holdings, long_tailed, random_keys, texts_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

Moment: TypeAlias = Literal["first", "later", "last"]
Amounts: TypeAlias = "NDArray[np.uint64]"

SEED: Final = 20_260_801
N_OWNERS: Final = 600
FIRST_SLOT: Final = 345_600_000
# Two weeks of slots of 400 ms.
LATER_SLOT: Final = FIRST_SLOT + 14 * 24 * 3600 * 5 // 2
LAST_SLOT: Final = LATER_SLOT + 14 * 24 * 3600 * 5 // 2

# Wallets that a page, a test or a notebook refers to by name, and their places among the owners.
_PLACES: Final = {
    "regular": 0,  # holds a bit of nearly everything
    "whale": 1,  # most of "Whale Song"
    "newcomer": 2,  # nothing at first, some at the later moment
    "full page": 3,  # exactly 1,000 rows: a full page, then an empty one
    "three pages": 4,  # exactly 3,000 rows
    "collector": 5,  # exactly 5,000 rows, most of them mints that nobody else holds
    "leading zeros": 6,  # an address of 29 characters less one for each leading zero byte
}
# Collectors: where in the list of unsolicited mints theirs begin (most are held by nobody else), and
# how many rows they have at the first moment, tokens included.
_COLLECTED: Final = {"full page": (4_300, 1_000), "three pages": (4_800, 3_000), "collector": (0, 5_000)}
_N_DUST: Final = 7_900
_NEW_DUST: Final = 37  # further ones that each collector has at the later moment
_N_EMPTY: Final = 12  # the last owners hold nothing, at either moment
_N_TEAM: Final = 12


class Token(NamedTuple):
    """One synthetic token of the demo."""

    mint: str
    name: str
    decimals: int
    story: str


@dataclass(frozen=True)
class _Shape:
    """How a token's first balances are drawn: whole units from a generator, for a number of holders."""

    name: str
    decimals: int
    holders: int
    draw: Callable[[np.random.Generator, int], NDArray[np.float64]]
    story: str


@dataclass(frozen=True)
class _State:
    """Amounts per token and owner, which of them are rows at all, and how much dust has come since."""

    amounts: Amounts
    held: NDArray[np.bool_]
    new_dust: int


def _equal(size: float, spread: float = 0.0) -> Callable[[np.random.Generator, int], NDArray[np.float64]]:
    return lambda rng, n: size * np.exp(rng.normal(0, spread, n))


def _pareto(size: float, alpha: float) -> Callable[[np.random.Generator, int], NDArray[np.float64]]:
    return lambda rng, n: size * (1 + rng.pareto(alpha, n)).clip(1, 1e6)


def _counts(mean: float) -> Callable[[np.random.Generator, int], NDArray[np.float64]]:
    return lambda rng, n: rng.geometric(1 / mean, n).astype(np.float64)


def _two_camps(rng: np.random.Generator, n: int) -> NDArray[np.float64]:
    large = np.arange(n) < n // 6
    return np.where(large, 50_000.0, 20.0) * np.exp(rng.normal(0, 0.3, n))


_LEADS: Final = (
    _Shape("Fair Drop", 6, 480, _equal(1_000), "An airdrop: at first everyone has the same."),
    _Shape("Points", 0, 520, _counts(30), "Loyalty points: small whole numbers, many spent to zero."),
    _Shape("Stable Unit", 6, 540, _equal(150, 2.2), "Money in daily use: log-normal over six decades."),
    _Shape("Whale Song", 9, 410, _pareto(20, 1.3), "One wallet holds most of it, and sells later."),
    _Shape("Staked", 9, 350, _equal(12, 1.5), "A staking receipt, moderately unequal."),
    _Shape("Game Gold", 2, 300, _pareto(15, 1.1), "Earned by play: a Pareto tail."),
    _Shape("Founders", 9, 190, _equal(80, 1.0), "Twelve team wallets hold 5 % each; more is minted later."),
    _Shape("Ghost Town", 2, 200, _equal(40, 1.2), "Nearly all holders have left: zeros remain."),
    _Shape("Ticket", 0, 150, _counts(1.5), "One to a few pieces each."),
    _Shape("Two Camps", 6, 120, _two_camps, "Twenty large holders, a hundred small ones, none between."),
    _Shape("Big Numbers", 0, 60, _equal(1e15, 3.0), "Balances at the ends of u64; the total exceeds 2^64."),
    _Shape("Sold Out", 6, 40, _equal(1), "Every balance is zero."),
    _Shape("One of One", 0, 1, _equal(1), "A single holder of a single unit."),
    _Shape("Late Arrival", 6, 0, _equal(1), "Launched between the two moments."),
)
_N_TAIL: Final = 34
_NAMES: Final = tuple(shape.name for shape in _LEADS)


def _tail_shape(rank: int) -> _Shape:
    """Shape of a small token: fewer holders the further down, decimals and inequality by turns."""
    decimals = 12 if rank == _N_TAIL - 1 else (6, 9, 0, 2)[rank % 4]
    draw = (_equal(100, 0.8), _pareto(10, 1.2), _counts(12), _equal(500, 2.5))[rank % 4]
    holders = max(1, round(260 / (rank + 1) ** 1.1))
    return _Shape(f"Small Cap {rank + 1:02d}", decimals, holders, draw, "One of the many small tokens.")


_SHAPES: Final = (*_LEADS, *(_tail_shape(rank) for rank in range(_N_TAIL)))


@cache
def owners() -> tuple[str, ...]:
    """Addresses of all synthetic wallets, the named ones first."""
    rng = np.random.default_rng([SEED, 1])
    drawn = texts_of(rng.permutation(random_keys(rng, N_OWNERS)))
    drawn[_PLACES["leading zeros"]] = pubkey.encode(bytes(5) + rng.bytes(pubkey.KEY_BYTES - 5))
    return tuple(drawn)


@cache
def wallets() -> dict[str, str]:
    """Addresses of the wallets with a name."""
    return {name: owners()[place] for name, place in _PLACES.items()}


@cache
def tokens() -> tuple[Token, ...]:
    """All tokens with a name, the widely held ones first."""
    rng = np.random.default_rng([SEED, 2])
    mints = texts_of(rng.permutation(random_keys(rng, len(_SHAPES))))
    for place, zeros in ((-1, 1), (-2, 2), (-3, 4)):
        mints[place] = pubkey.encode(bytes(zeros) + rng.bytes(pubkey.KEY_BYTES - zeros))
    return tuple(
        Token(mint, shape.name, shape.decimals, shape.story)
        for mint, shape in zip(mints, _SHAPES, strict=True)
    )


@cache
def holdings(moment: Moment) -> Holdings:
    """Hold what all wallets hold at a moment."""
    return _with_dust(_state(moment))


def slot(moment: Moment) -> int:
    """Newest slot indexed when a pull of that moment begins."""
    return {"first": FIRST_SLOT, "later": LATER_SLOT, "last": LAST_SLOT}[moment]


@cache
def _state(moment: Moment) -> _State:
    if moment == "first":
        return _first()
    return _later(_state("first")) if moment == "later" else _last(_state("later"))


def _first() -> _State:
    rng = np.random.default_rng([SEED, 3])
    amounts = np.zeros((len(_SHAPES), N_OWNERS), dtype=np.uint64)
    held = np.zeros_like(amounts, dtype=bool)
    chances = _activity(rng)
    for row, shape in enumerate(_SHAPES):
        who = rng.choice(N_OWNERS, shape.holders, replace=False, p=chances)
        held[row, who] = True
        amounts[row, who] = _base_units(shape.draw(rng, shape.holders), shape.decimals)
    _tell_whale(amounts, held)
    _tell_founders(amounts, held)
    _tell_spent(rng, amounts, held)
    _tell_big_numbers(amounts, held)
    return _State(amounts, held, new_dust=0)


def _activity(rng: np.random.Generator) -> NDArray[np.float64]:
    """How likely each wallet is to hold a token: unequal, and nothing for the ones that stay empty."""
    weights = np.exp(rng.normal(0, 0.8, N_OWNERS))
    weights[_PLACES["regular"]] = 40.0
    weights[_PLACES["newcomer"]] = 0.0
    weights[-_N_EMPTY:] = 0.0
    shares: NDArray[np.float64] = weights / weights.sum()
    return shares


def _base_units(units: NDArray[np.float64], decimals: int) -> Amounts:
    return np.rint(units * 10.0**decimals).clip(0, 2.0**63).astype(np.uint64)


def _row(name: str) -> int:
    return _NAMES.index(name)


def _tell_whale(amounts: Amounts, held: NDArray[np.bool_]) -> None:
    song, whale = _row("Whale Song"), _PLACES["whale"]
    amounts[song, whale] = 0
    amounts[song, whale] = amounts[song].sum() // 38 * 62  # 62 % of the whole
    held[song, whale] = True


def _tell_founders(amounts: Amounts, held: NDArray[np.bool_]) -> None:
    founders = _row("Founders")
    team = np.flatnonzero(held[founders])[:_N_TEAM]
    amounts[founders, team] = 0
    amounts[founders, team] = amounts[founders].sum() // 40 * 5  # 5 % of the whole each


def _tell_spent(rng: np.random.Generator, amounts: Amounts, held: NDArray[np.bool_]) -> None:
    for name, share in (("Points", 0.3), ("Ghost Town", 0.85), ("Sold Out", 1.0)):
        row = _row(name)
        amounts[row, held[row] & (rng.random(N_OWNERS) < share)] = 0


def _tell_big_numbers(amounts: Amounts, held: NDArray[np.bool_]) -> None:
    row = _row("Big Numbers")
    extremes = (U64_MAX, U64_MAX, U64_MAX - 1, 1 << 63, (1 << 53) + 1, 1, 0)
    amounts[row, np.flatnonzero(held[row])[: len(extremes)]] = extremes


def _later(first: _State) -> _State:
    rng = np.random.default_rng([SEED, 4])
    amounts, held = first.amounts.copy(), first.held.copy()
    _trade(rng, amounts, held)
    _sell_airdrop(rng, amounts, held)
    _sell_whale(rng, amounts, held)
    _mint_founders(amounts, held)
    _launch(rng, amounts, held)
    _welcome(amounts, held)
    return _State(amounts, held, new_dust=_NEW_DUST)


def _last(later: _State) -> _State:
    """Let more of the airdrop go: some sell all, some a part, and some who sold out buy a little back."""
    rng = np.random.default_rng([SEED, 7])
    amounts, held, row = later.amounts.copy(), later.held.copy(), _row("Fair Drop")
    holders = rng.permutation(np.flatnonzero(amounts[row]))
    sold_out = rng.permutation(np.flatnonzero(held[row] & (amounts[row] == 0)))
    buyers, sellers, some = holders[:10], holders[10:50], holders[50:110]
    for place, seller in enumerate(sellers):
        _pass_on(amounts, held, (row, seller, buyers[place % 10]), amounts[row, seller])
    for place, seller in enumerate(some):
        part = amounts[row, seller] // np.uint64(4) * np.uint64(1 + place % 3)
        buyer = sold_out[place % 15] if place % 2 else buyers[place % 10]
        _pass_on(amounts, held, (row, seller, buyer), part)
    return _State(amounts, held, new_dust=later.new_dust)


def _trade(rng: np.random.Generator, amounts: Amounts, held: NDArray[np.bool_]) -> None:
    """Let everyday tokens change hands: some holders pass a part on to another, new or old."""
    for name, trades in (("Stable Unit", 220), ("Points", 160), ("Staked", 60), ("Game Gold", 90)):
        row = _row(name)
        sellers = rng.choice(np.flatnonzero(held[row]), trades)
        buyers = rng.choice(N_OWNERS - _N_EMPTY, trades)
        for seller, buyer, part in zip(sellers, buyers, rng.integers(1, 5, trades), strict=True):
            _pass_on(amounts, held, (row, seller, buyer), amounts[row, seller] // np.uint64(part))


def _sell_airdrop(rng: np.random.Generator, amounts: Amounts, held: NDArray[np.bool_]) -> None:
    """Let a fifth of the airdrop's holders sell all of it to twenty buyers."""
    row = _row("Fair Drop")
    holders = rng.permutation(np.flatnonzero(held[row]))
    sellers, buyers = holders[20 : 20 + len(holders) // 5], holders[:20]
    for place, seller in enumerate(sellers):
        _pass_on(amounts, held, (row, seller, buyers[place % 20]), amounts[row, seller])


def _sell_whale(rng: np.random.Generator, amounts: Amounts, held: NDArray[np.bool_]) -> None:
    """Let the whale sell a third to eighty wallets, most of which had none."""
    row, whale = _row("Whale Song"), _PLACES["whale"]
    lot = amounts[row, whale] // np.uint64(240)
    for buyer in rng.choice(np.arange(7, N_OWNERS - _N_EMPTY), 80, replace=False):
        _pass_on(amounts, held, (row, whale, buyer), lot)


def _pass_on(
    amounts: Amounts, held: NDArray[np.bool_], trade: tuple[int, int, int], amount: np.uint64
) -> None:
    row, seller, buyer = trade
    amounts[row, seller] -= amount
    amounts[row, buyer] += amount
    held[row, buyer] = True


def _mint_founders(amounts: Amounts, held: NDArray[np.bool_]) -> None:
    founders = _row("Founders")
    team = np.flatnonzero(held[founders])[:_N_TEAM]
    amounts[founders, team] += amounts[founders, team] // np.uint64(4)


def _launch(rng: np.random.Generator, amounts: Amounts, held: NDArray[np.bool_]) -> None:
    row = _row("Late Arrival")
    who = rng.choice(N_OWNERS - _N_EMPTY, 260, replace=False)
    held[row, who] = True
    amounts[row, who] = _base_units(_pareto(100, 1.4)(rng, len(who)), 6)


def _welcome(amounts: Amounts, held: NDArray[np.bool_]) -> None:
    rows, newcomer = [_row("Stable Unit"), _row("Staked")], _PLACES["newcomer"]
    held[rows, newcomer] = True
    amounts[rows, newcomer] += np.array([25_000_000, 3_000_000_000], dtype=np.uint64)


def _with_dust(state: _State) -> Holdings:
    rng = np.random.default_rng([SEED, 5])
    dust = rng.permutation(random_keys(rng, _N_DUST))
    named = np.array([pubkey.aligned(token.mint) for token in tokens()], dtype=pubkey.KEY_DTYPE)
    mints, codes = np.unique(np.concatenate([named, dust]), return_inverse=True)
    rows, who = np.nonzero(state.held)
    parts = [(who, codes[rows], state.amounts[rows, who])]
    parts += [_collected(name, codes[len(named) :], state.new_dust) for name in _COLLECTED]
    columns = (np.concatenate(column) for column in zip(*parts, strict=True))
    return Holdings.from_rows(owners(), mints, *columns)


def _collected(
    name: str, dust: NDArray[np.intp], more: int
) -> tuple[NDArray[np.intp], NDArray[np.intp], Amounts]:
    """Rows of one collector: so many that its rows at the first moment are the number promised."""
    place, (begin, rows) = _PLACES[name], _COLLECTED[name]
    n = rows - int(_state("first").held[:, place].sum()) + more
    balances = long_tailed(np.random.default_rng([SEED, 6, place]), _N_DUST)
    return np.full(n, place), dust[begin : begin + n], balances[:n]
