"""Peak memory of a pull in a fresh process: ``python -m tests.bench.memory NAME URL WORLD < owners``."""

from __future__ import annotations

import gc
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import pandas as pd

from tests.bench import ours
from tests.bench.cases import DEFAULT, DICTS, JSON_NORMALIZE, Scale
from tests.bench.checking import wrong_balances
from tests.bench.measure import tell
from tests.bench.report import Figure, Report, number, times
from tests.bench.world import ROOT, Server, Table, World, many_owners, one_owner

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

CHUNK: Final = 100_000
CHUNKED: Final = f"helius_frames, chunksize={CHUNK:,}"
WHOLE: Final = {variant.name: variant for variant in (DEFAULT, DICTS, JSON_NORMALIZE)}
NAMES: Final = (*WHOLE, CHUNKED)
# proc(5): writing 5 sets the peak to what is resident now.
STATUS, FORGET_PEAK = Path("/proc/self/status"), Path("/proc/self/clear_refs")
# An address that nobody in the bench has: a pull of no rows, so that what is loaded once is loaded.
NOBODY: Final = "1" * 32
MB: Final = 1e6


class Peak(NamedTuple):
    """Bytes that a pull took at its peak beyond what stood before, and those of its largest frame."""

    extra: int
    frame: int
    rows: int
    wrong: int

    @property
    def times(self) -> float:
        return self.extra / self.frame


def memory(scale: Scale) -> Report:
    """A million rows: of one owner, and of a thousand owners who share a thousand mints."""
    header = ["variant", "peak, MB", "largest frame, MB", "peak / frame", "rows"]
    if not FORGET_PEAK.exists():
        return Report("Memory: left out, it needs Linux's /proc", header, [])
    one = _peaks(one_owner(scale.size(1_000_000)))
    many = _peaks(many_owners(scale.size(1000), 1000, 1000))
    figures = [
        _figure("peak memory of 1,000,000 rows: one owner", one[DEFAULT.name]),
        _figure("… 1,000 owners with 1,000 shared mints", many[DEFAULT.name]),
    ]
    lines = [*_lines("one owner", one), *_lines("many owners", many)]
    remark = f"`chunksize={CHUNK:,}` is held against its largest chunk."
    return Report("Peak memory beyond what stood before", header, lines, remark, figures)


def _figure(what: str, peak: Peak) -> Figure:
    absolute = f"{number(peak.extra / MB)} MB, the frame {number(peak.frame / MB)} MB"
    return Figure(what, "the frame itself", peak.times, absolute=absolute, most=2.5)


def _peaks(table: Table) -> dict[str, Peak]:
    world = World(table)
    with Server(world) as server:
        return {name: _peak_in_fresh_process(name, server.url, world) for name in NAMES}


def _peak_in_fresh_process(name: str, url: str, world: World) -> Peak:
    tell(f"  {name}")
    order = [sys.executable, "-m", "tests.bench.memory", name, url, world.to_json()]
    owners = json.dumps(world.table.holdings().owners)
    done = subprocess.run(  # noqa: S603
        order, cwd=ROOT, check=True, input=owners, stdout=subprocess.PIPE, text=True
    )
    return Peak(*json.loads(done.stdout))


def _lines(whose: str, peaks: dict[str, Peak]) -> Iterator[list[str]]:
    for name, peak in peaks.items():
        rows = f"{peak.rows:,}, {peak.wrong:,} balances wrong" if peak.wrong else f"{peak.rows:,} exact"
        sizes = [number(peak.extra / MB), number(peak.frame / MB), times(peak.times)]
        yield [f"{whose}; {name}", *sizes, rows]


def _peak(name: str, url: str, world: World, owners: Sequence[str]) -> Peak:
    """Read; make what the rows are checked against only when the peak is taken."""
    measure = _peak_of_chunks if name == CHUNKED else _peak_of_whole
    before = _start(name, url)
    frame, largest, peak = measure(name, url, owners)
    return Peak(peak - before, largest, len(frame), wrong_balances(frame, world.table.holdings()))


def _start(name: str, url: str) -> int:
    variant = WHOLE.get(name, DEFAULT)
    with variant.setting():
        variant.read(url, [NOBODY])
    gc.collect()
    FORGET_PEAK.write_text("5")
    return _status("VmRSS")


def _peak_of_whole(name: str, url: str, owners: Sequence[str]) -> tuple[pd.DataFrame, int, int]:
    with WHOLE[name].setting():
        frame = WHOLE[name].read(url, owners)
    return frame, _size(frame), _status("VmHWM")


def _peak_of_chunks(_name: str, url: str, owners: Sequence[str]) -> tuple[pd.DataFrame, int, int]:
    """Read in chunks and keep none, then once more to check them."""
    largest = max(_size(chunk) for chunk in ours.read(url, owners, chunksize=CHUNK))
    peak = _status("VmHWM")
    return pd.concat(ours.read(url, owners, chunksize=CHUNK), ignore_index=True), largest, peak


def _size(frame: pd.DataFrame) -> int:
    return int(frame.memory_usage(deep=True).sum())


def _status(field: str) -> int:
    found = re.search(rf"{field}:\s+(\d+) kB", STATUS.read_text(encoding="ascii"))
    return 1024 * int(found[1])


if __name__ == "__main__":
    print(json.dumps(_peak(sys.argv[1], sys.argv[2], World.from_json(sys.argv[3]), json.load(sys.stdin))))
