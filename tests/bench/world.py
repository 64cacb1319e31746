"""What a server of the bench holds, and the server: the demo indexer in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Self

from helius_frames.demo import Holdings

if TYPE_CHECKING:
    from types import TracebackType

ROOT = Path(__file__).parents[2]
SEED = 7
# Rows that are encoded before the first request; more would not stay in the indexer's memory.
WARM_MAX = 3_000_000


@dataclass(frozen=True)
class Table:
    """So many owners with so many rows each, drawn from one seed: the same in every process."""

    owners: int
    rows_each: int
    mints: int
    is_crowded: bool = False

    @property
    def rows(self) -> int:
        return self.owners * self.rows_each

    def holdings(self) -> Holdings:
        return _drawn(self)


@cache
def _drawn(table: Table) -> Holdings:
    draw = Holdings.skewed if table.is_crowded else Holdings.uniform
    return draw(table.owners, table.rows_each, table.mints, SEED)


def forget() -> None:
    """Let go of the holdings drawn so far."""
    _drawn.cache_clear()


def one_owner(rows: int, *, is_crowded: bool = False) -> Table:
    """One owner who holds every mint there is."""
    return Table(1, rows, rows, is_crowded)


def many_owners(owners: int, rows_each: int = 100, mints: int = 1000) -> Table:
    """Owners who share their mints."""
    return Table(owners, rows_each, mints)


@dataclass(frozen=True)
class World:
    """A table of holdings, and how its server behaves."""

    table: Table
    latency_s: float = 0.0
    rate: float | None = None

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Self:
        fields = json.loads(text)
        return cls(**fields | {"table": Table(**fields["table"])})


class Counts(NamedTuple):
    """What a server has done so far."""

    requests: int
    refused: int
    cpu_s: float

    def since(self, before: Counts) -> Counts:
        return Counts(*(now - then for now, then in zip(self, before, strict=True)))


class Server:
    """The demo indexer in a process of its own, for as long as the ``with`` block runs."""

    def __init__(self, world: World) -> None:
        self._world = world

    def __enter__(self) -> Self:
        command = [sys.executable, "-m", "tests.bench.serving", self._world.to_json()]
        self._process = subprocess.Popen(  # noqa: S603
            command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.url = self._line()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: object, traceback: TracebackType | None
    ) -> None:
        with self._process:  # closes the pipes, which ends it, and waits
            pass

    def counts(self) -> Counts:
        """Ask the process what it has done."""
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return Counts(*json.loads(self._line()))

    def _line(self) -> str:
        line = self._process.stdout.readline().strip()
        if not line:
            raise RuntimeError("the bench's server ended; its own words stand above")
        return line
