"""Tables of the bench, in markdown."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.bench.measure import Readings


TIMES: Final = "\N{MULTIPLICATION SIGN}"


class Figure(NamedTuple):
    """One figure of the summary, and the bound that it must keep: at least, or at most, so much."""

    what: str
    against: str
    measured: float
    unit: str = TIMES
    absolute: str = ""
    least: float | None = None
    most: float | None = None

    @property
    def is_kept(self) -> bool:
        """Whether the bound is kept."""
        is_enough = self.least is None or self.measured >= self.least
        return is_enough and (self.most is None or self.measured <= self.most)

    @property
    def text(self) -> str:
        return f"{number(self.measured)}{self.unit}"

    @property
    def bound(self) -> str:
        if self.least is None and self.most is None:
            return ""
        sign, bound = ("≥", self.least) if self.most is None else ("≤", self.most)
        return f"{sign} {number(bound or 0)}{self.unit}"


@dataclass(frozen=True)
class Report:
    """One case: a table, a remark, and what of it goes into the summary."""

    title: str
    header: Sequence[str]
    lines: Sequence[Sequence[str]]
    remark: str = ""
    figures: Sequence[Figure] = field(default=())

    def text(self) -> str:
        parts = [f"### {self.title}", table(self.header, self.lines), self.remark]
        return "\n\n".join(part for part in parts if part)


def table(header: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """Markdown table; all columns but the first are numbers."""
    rule = ["---", *["---:"] * (len(header) - 1)]
    return "\n".join(f"| {' | '.join(line)} |" for line in (header, rule, *lines))


def summary_table(figures: Sequence[Figure]) -> str:
    """Table of all figures: what was compared with what."""
    lines = [[each.what, each.against, f"**{each.text}**", each.absolute] for each in figures]
    return table(["what", "compared with", "measured", "absolute"], lines)


def bounds_table(figures: Sequence[Figure]) -> str:
    """Table of the figures that have a bound."""
    lines = [
        [each.what, each.text, each.bound, "kept" if each.is_kept else "MISSED"]
        for each in figures
        if each.bound
    ]
    return table(["what", "measured", "bound", ""], lines)


READINGS_HEADER = (
    "variant", "wall, s", "CPU, µs/row", "wall, ratio", "CPU, ratio", "requests", "429s", "server busy",
    "rows",
)  # fmt: skip


def readings_lines(readings: Sequence[Readings]) -> list[list[str]]:
    """Medians of each variant, and their ratios to those of the first."""
    return list(_lines(readings))


SIZES_HEADER = (
    "what is read", "by", "wall, s", "CPU, µs/row", "CPU, µs/request", "requests", "server busy", "rows",
)  # fmt: skip


def size_line(size: str, one: Readings) -> list[str]:
    """Medians of one variant at one size."""
    return [
        size,
        one.name,
        number(one.median("wall_s")),
        number(one.median("cpu_per_row_us")),
        number(one.median("cpu_per_request_us")),
        f"{one.median('requests'):,.0f}",
        f"{one.median('server_busy'):.0%}",
        _found(one),
    ]


def _lines(readings: Sequence[Readings]) -> Iterator[list[str]]:
    first = readings[0]
    for one in readings:
        yield [
            one.name,
            number(one.median("wall_s")),
            number(one.median("cpu_per_row_us")),
            times(ratio(one, first, "wall_s")),
            times(ratio(one, first, "cpu_per_row_us")),
            f"{one.median('requests'):,.0f}",
            f"{one.median('refused_share'):.1%}",
            f"{one.median('server_busy'):.0%}",
            _found(one),
        ]


def ratio(one: Readings, other: Readings, by: str) -> float:
    """Median of one over that of the other."""
    return one.median(by) / max(other.median(by), 1e-9)


def _found(readings: Readings) -> str:
    wrong = max(run.wrong for run in readings.runs)
    rows = f"{readings.runs[0].rows:,}"
    return f"{rows}, {wrong:,} balances wrong" if wrong else f"{rows} exact"


def times(value: float) -> str:
    return f"{number(value)}{TIMES}"


def number(value: float) -> str:
    if value == 0:
        return "0"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
