"""What looking costs: `by_mint` against a plain groupby, and the explorer's moves. No server in it."""

from __future__ import annotations

import gc
import json
import statistics
import time
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from unittest.mock import patch

import ipywidgets
import numpy as np
import pandas as pd

from helius_frames import analysis
from helius_frames.demo.holdings import long_tailed, random_keys, texts_of
from helius_frames.explorer import Explorer, explore
from tests.bench.measure import tell
from tests.bench.report import Figure, Report, number, times

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.bench.cases import Scale

MINTS: Final = 500
SLOT: Final = 345_600_000
# From the most held mint to the least, and back to where a chart is largest.
MINTS_SHOWN: Final = (1, 0, 3, 30, 499, 250, 10, 2)
SHOWN: Final[dict[str, tuple[object, ...]]] = {
    "bins": (20, 200, 100, 5, 60, 150, 30, 80),
    "scale": ("linear", "log") * 4,
    "units": ("decimals", "base") * 4,
    "hide_zeros": (True, False) * 4,
    "chart": ("ecdf", "lorenz", "top_holders", "treemap", "heatmap", "histogram"),
}


class Move(NamedTuple):
    """One change of a control: how long the kernel took, and what it sent."""

    ms: float
    kb: float


@lru_cache(maxsize=2)
def frame_of(rows: int) -> pd.DataFrame:
    """A frame of 500 mints of very unequal size: the k-th has about a k-th of the holders of the first."""
    rng = np.random.default_rng(11)
    sizes = _sizes(rows)
    owners = 2 * sizes[0]
    owner_codes = np.concatenate([rng.choice(owners, size, replace=False, shuffle=False) for size in sizes])
    mint_codes = np.repeat(rng.permutation(MINTS), sizes)
    order = np.lexsort((mint_codes, owner_codes))
    return pd.DataFrame(
        {
            "owner": _categorical(owner_codes[order], texts_of(rng.permutation(random_keys(rng, owners)))),
            "mint": _categorical(mint_codes[order], texts_of(random_keys(rng, MINTS))),
            "balance": long_tailed(rng, rows),
            "slot": SLOT + rng.integers(0, 1000, rows),
        }
    )


def by_mint(scale: Scale) -> Report:
    """`by_mint` against one pass of a plain groupby, whose sum wraps."""
    frame = frame_of(scale.size(10_000_000))
    ways: dict[str, Callable[[], pd.DataFrame | pd.Series]] = {
        "groupby('mint')['balance'].sum(), wraps": lambda: _wrapping_sums(frame),
        "by_mint(), exact": lambda: analysis.by_mint(frame),
    }
    runs = _in_turn(ways, scale.rounds(5))
    _check_total(frame, ways["by_mint(), exact"]())
    (_, plain), (_, exact) = runs.items()
    lines = [[name, number(found), times(found / plain)] for name, found in runs.items()]
    remark = f"`by_mint` takes {times(exact / plain)} the wrapping groupby; its totals were checked."
    return Report(f"by_mint: {len(frame):,} rows, {MINTS} mints", ["", "CPU, s", "ratio"], lines, remark)


def explorer(scale: Scale) -> Report:
    """The explorer: ready, and a change of each control."""
    lines, figures = [], []
    for rows, most_ms in ((3_000_000, 50.0), (10_000_000, 15.0)):
        frame = frame_of(scale.size(rows))
        found = _explored(frame, scale.rounds(3))
        lines += _lines(f"{len(frame):,} rows", found)
        figures += _figures(rows, found, most_ms)
    header = [f"{MINTS} mints of very unequal size", "median", "at most", "sent at most, kB"]
    return Report("Explorer", header, lines, "A change includes writing its messages as JSON.", figures)


class _Explored(NamedTuple):
    ready_s: list[float]
    moves: dict[str, list[Move]]

    def ms(self, control: str) -> list[float]:
        return [move.ms for move in self.moves[control]]

    def most_kb(self, control: str) -> float:
        return max(move.kb for move in self.moves[control])


def _lines(name: str, found: _Explored) -> list[list[str]]:
    lines = [[f"{name}: ready, s", *_middle_and_most(found.ready_s), ""]]
    for control in found.moves:
        about = f"{name}: a change of {control}, ms"
        lines.append([about, *_middle_and_most(found.ms(control)), number(found.most_kb(control))])
    return lines


def _figures(rows: int, found: _Explored, most_ms: float) -> list[Figure]:
    name = f"explorer, {rows:,} rows:"
    figures = [Figure(f"{name} ready", "", statistics.median(found.ready_s), " s", most=2.5)]
    for control in ("mint", "bins"):
        took = statistics.median(found.ms(control))
        sent = f"{number(found.most_kb(control))} kB sent"
        figures.append(Figure(f"{name} a change of {control}", "", took, " ms", sent, most=most_ms))
    return figures


def _explored(frame: pd.DataFrame, rounds: int) -> _Explored:
    ready_s = [_ready_s(frame) for _ in range(rounds)]
    with _front_end() as sent:
        ex = explore(frame, decimals=dict.fromkeys(frame["mint"].cat.categories, 6))
        ex.figure._view_count = 1  # somebody looks at it
        mints = ex._index.mints
        _move(ex, sent, "mint", mints[-1])  # the first change of all makes what later ones use
        moves = {"mint": [_move(ex, sent, "mint", mints[place]) for place in MINTS_SHOWN]}
        ex.mint = mints[0]
        for control, values in SHOWN.items():
            moves[control.replace("_", " ")] = [_move(ex, sent, control, value) for value in values]
        _check_bars(ex, frame)
        ex.close()
    return _Explored(ready_s, moves)


def _ready_s(frame: pd.DataFrame) -> float:
    tell(f"  explorer of {len(frame):,} rows")
    gc.collect()
    start = time.perf_counter()
    ex = explore(frame)
    ready_s = time.perf_counter() - start
    ex.close()
    return ready_s


@contextmanager
def _front_end() -> Iterator[list[int]]:
    """Take what widgets send, as the bytes of each message."""
    sizes: list[int] = []

    def send(_widget: ipywidgets.Widget, message: Any, buffers: Any = None) -> None:
        sizes.append(len(json.dumps(message)) + sum(len(bytes(buffer)) for buffer in buffers or ()))

    with patch.object(ipywidgets.Widget, "_send", send):
        yield sizes


def _move(ex: Explorer, sent: list[int], name: str, value: object) -> Move:
    sent.clear()
    start = time.perf_counter()
    setattr(ex, name, value)
    return Move(1e3 * (time.perf_counter() - start), sum(sent) / 1e3)


def _middle_and_most(values: list[float]) -> tuple[str, str]:
    return number(statistics.median(values)), number(max(values))


def _check_bars(ex: Explorer, frame: pd.DataFrame) -> None:
    """Every holder of the mint shown must stand in a bar."""
    drawn = sum(sum(trace.y) for trace in ex.figure.data if trace.name == "holders")
    held = int(((frame["mint"] == ex.mint) & (frame["balance"] > 0)).sum())
    if drawn != held:
        raise RuntimeError(f"the bars hold {drawn} holders, the frame {held}")


def _check_total(frame: pd.DataFrame, table: pd.DataFrame) -> None:
    if sum(map(int, table["total"])) != sum(frame["balance"].tolist()):
        raise RuntimeError("the totals of by_mint are not those of the frame")


def _wrapping_sums(frame: pd.DataFrame) -> pd.Series:
    return frame.groupby("mint", observed=True)["balance"].sum()


def _in_turn(ways: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    runs: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, run in ways.items():
            tell(f"  {name}")
            gc.collect()
            start = time.process_time()
            run()
            runs[name].append(time.process_time() - start)
    return {name: statistics.median(taken) for name, taken in runs.items()}


def _sizes(rows: int) -> list[int]:
    parts = 1 / np.arange(1, MINTS + 1)
    sizes = np.maximum(rows * parts / parts.sum(), 1).astype(int)
    sizes[0] += rows - sizes.sum()
    return sizes.tolist()


def _categorical(codes: np.ndarray, names: list[str]) -> pd.Categorical:
    return pd.Categorical.from_codes(codes, categories=pd.Index(names, dtype="str"))
