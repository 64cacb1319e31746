"""The cases that read from a server: what is compared with what, and which figures are held to a bound."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

from tests.bench import bare, obvious, ours
from tests.bench.measure import Readings, Variant, read_in_turn
from tests.bench.report import (
    READINGS_HEADER,
    SIZES_HEADER,
    Figure,
    Report,
    number,
    ratio,
    readings_lines,
    size_line,
    times,
)
from tests.bench.world import Table, World, forget, many_owners, one_owner

if TYPE_CHECKING:
    from collections.abc import Sequence

PAGE: Final = 1000
FAR_S: Final = 0.08
RATE: Final = 50.0
WINDOW_S: Final = 1.1  # until what was sent before counts no longer
AT_ONCE: Final = 16


@dataclass(frozen=True)
class Scale:
    """How much of the full size is read, and at most how often."""

    shrink: int
    rounds_max: int

    def size(self, full: int) -> int:
        return max(full // self.shrink, 1)

    def rounds(self, full: int) -> int:
        return min(full, self.rounds_max)


FULL: Final = Scale(shrink=1, rounds_max=5)
QUICK: Final = Scale(shrink=100, rounds_max=1)

DEFAULT: Final = Variant("helius_frames", ours.read)
ONE_POOL: Final = Variant("one httpx pool for all requests", ours.read_on_one_pool)
NO_PARALLEL_WALK: Final = Variant("no parallel walk", ours.read, ours.no_parallel_walk)
ONE_AT_A_TIME: Final = Variant("one request at a time", partial(ours.read, max_concurrency=1))
GIVEN: Final = Variant("rate given", partial(ours.read, requests_per_second=RATE))
IN_TWO: Final = Variant(
    "rate given, two pulls with one key", partial(ours.read_in_two, requests_per_second=RATE)
)
LEARNED: Final = Variant("rate not given", ours.read)
JSON_NORMALIZE: Final = Variant("httpx in a loop, json_normalize and concat", obvious.json_normalize)
DICTS: Final = Variant("httpx in a loop, list of dicts", obvious.list_of_dicts)
GATHER: Final = Variant("asyncio.gather on one httpx client, 16 at once", obvious.gather)


def cpu(scale: Scale) -> Report:
    """One large owner without latency: what a row costs the processor."""
    world = World(one_owner(scale.size(1_000_000)))
    variants = [DEFAULT, NO_PARALLEL_WALK, ONE_POOL, JSON_NORMALIZE, DICTS, *_bare(world.table)]
    readings = read_in_turn(world, variants, scale.rounds(5))
    figures = [_cpu_less(readings, JSON_NORMALIZE, 4.0), _cpu_less(readings, DICTS, 2.2)]
    return _report("CPU per row", world, readings, figures=figures)


def parallel(scale: Scale) -> Report:
    """One large owner far away, read by several readers at once."""
    return _parallel(scale, 200_000, [DEFAULT, ONE_AT_A_TIME, DICTS], least=12.0, more_most=5.0)


def parallel_half(scale: Scale) -> Report:
    """As `parallel`, with half as many mints: the seams weigh twice as much."""
    return _parallel(scale, 100_000, [DEFAULT, ONE_AT_A_TIME], least=None, more_most=8.0)


def crowded(scale: Scale) -> Report:
    """One large owner, most of whose mints crowd under one prefix."""
    world = World(one_owner(scale.size(200_000), is_crowded=True), latency_s=FAR_S)
    readings = read_in_turn(world, [DEFAULT, ONE_AT_A_TIME], scale.rounds(3))
    whole, one = _of(readings, DEFAULT), _of(readings, ONE_AT_A_TIME)
    figures = [
        Figure(
            "… of which 95 % lie under one prefix: requests",
            "one request at a time",
            ratio(whole, one, "requests"),
            absolute=f"{whole.median('requests'):,.0f} instead of {one.median('requests'):,.0f}",
            most=1.15,
        )
    ]
    return _report("Parallel walk, 95 % of the mints under one prefix", world, readings, figures=figures)


def bound(scale: Scale) -> Report:
    """One large owner where the allowed rate, not the latency, is the limit."""
    world = World(one_owner(scale.size(200_000)), latency_s=FAR_S, rate=RATE)
    readings = read_in_turn(world, [GIVEN, LEARNED], scale.rounds(3), pause_s=WINDOW_S)
    pages = world.table.rows // PAGE + 1
    remark = f"The plain walk takes {pages} requests."
    return _report("Parallel walk at an allowed rate", world, readings, pages / RATE, remark=remark)


def rate(scale: Scale) -> Report:
    """Many small owners against a server that counts."""
    world, readings, ideal_s = _at_rate(scale, latency_s=0.02)
    given = _of(readings, GIVEN)
    figures = [
        _of_ideal("400 owners at 50 requests/s, rate given: time", given, ideal_s, 1.03),
        Figure(
            "… refused",
            "all requests",
            100 * given.median("refused_share"),
            " %",
            absolute=f"{given.median('refused'):,.0f} of {given.median('requests'):,.0f}",
            most=0.0,
        ),
        _of_ideal("… rate not given: time", _of(readings, LEARNED), ideal_s, 1.35),
    ]
    return _report("Allowed rate", world, readings, ideal_s, figures=figures)


def rate_far(scale: Scale) -> Report:
    """As `rate`, from further away."""
    world, readings, ideal_s = _at_rate(scale, latency_s=0.2)
    return _report("Allowed rate, from far away", world, readings, ideal_s)


def owners(scale: Scale) -> Report:
    """Many small owners far away, without a limit."""
    world = World(many_owners(scale.size(2000)), latency_s=FAR_S)
    readings = read_in_turn(world, [DEFAULT, ONE_POOL, GATHER], scale.rounds(3))
    ideal_s = world.table.owners / AT_ONCE * FAR_S
    figures = [_of_ideal("2,000 owners at 80 ms, 16 at once: time", _of(readings, DEFAULT), ideal_s, 1.12)]
    return _report("Many owners, 16 at once", world, readings, ideal_s, figures=figures)


def mints(scale: Scale) -> Report:
    """Twenty mints of a large owner, by jumping and by reading all."""
    world = World(one_owner(scale.size(200_000)))
    wanted = world.table.holdings().mint_texts[:: max(world.table.rows // 20, 1)][:20]
    variants = [
        Variant("these mints asked", partial(ours.read, mint=wanted)),
        Variant("all rows read, then these taken", partial(ours.read_and_take, wanted)),
    ]
    readings = read_in_turn(world, variants, scale.rounds(3), mints=wanted)
    return _report(f"{len(wanted)} mints of a large owner", world, readings)


def growth(scale: Scale) -> Report:
    """How cost grows with rows and with owners."""
    sizes = [one_owner(scale.size(rows)) for rows in (10_000, 100_000, 1_000_000)]
    sizes += [many_owners(scale.size(number)) for number in (10, 1000, 10_000)]
    return _growth("Growth", sizes, scale.rounds(3))


def large(scale: Scale) -> Report:
    """Ten million rows of one owner, and a hundred thousand owners, once."""
    sizes = [one_owner(scale.size(10_000_000)), many_owners(scale.size(100_000))]
    return _growth("Large", sizes, 1)


def _bare(table: Table) -> list[Variant]:
    holdings = table.holdings()
    bodies = bare.bodies(holdings)
    return [
        Variant("bytes over loopback, not parsed", lambda url, _: bare.bodies_over_loopback(url, holdings)),
        Variant("decoding alone", lambda *_: bare.decode(bodies)),
        Variant(
            "decoding and the frame alone", lambda _, owners: bare.frame_of_pages(bare.decode(bodies), owners)
        ),
    ]


def _at_rate(scale: Scale, latency_s: float) -> tuple[World, list[Readings], float]:
    world = World(many_owners(scale.size(400)), latency_s=latency_s, rate=RATE)
    variants = [GIVEN, IN_TWO, LEARNED, GATHER]
    readings = read_in_turn(world, variants, scale.rounds(3), pause_s=WINDOW_S)
    return world, readings, world.table.owners / RATE


def _growth(title: str, tables: Sequence[Table], rounds: int) -> Report:
    lines = []
    for table in tables:
        lines += [size_line(_words(table), one) for one in read_in_turn(World(table), [DEFAULT], rounds)]
        forget()
    return Report(title, SIZES_HEADER, lines)


def _parallel(
    scale: Scale, mints: int, variants: Sequence[Variant], *, least: float | None, more_most: float
) -> Report:
    world = World(one_owner(scale.size(mints)), latency_s=FAR_S)
    readings = read_in_turn(world, variants, scale.rounds(3))
    whole, one = _of(readings, DEFAULT), _of(readings, ONE_AT_A_TIME)
    figures = [
        Figure(
            f"one owner, {mints:,} mints, 80 ms away, 16 requests at once: times faster",
            "one request at a time",
            ratio(one, whole, "wall_s"),
            absolute=_seconds(whole, one),
            least=least,
        ),
        Figure(
            "… more requests",
            "one request at a time",
            100 * (ratio(whole, one, "requests") - 1),
            " %",
            absolute=f"{whole.median('requests'):,.0f} instead of {one.median('requests'):,.0f}",
            most=more_most,
        ),
    ]
    return _report("Parallel walk, 16 at once", world, readings, figures=figures)


def _cpu_less(readings: Sequence[Readings], other: Variant, least: float) -> Figure:
    own, theirs = _of(readings, DEFAULT), _of(readings, other)
    taken = " instead of ".join(number(each.median("cpu_per_row_us")) for each in (own, theirs))
    return Figure(
        "1,000,000 rows of one owner: times less processor time",
        other.name,
        ratio(theirs, own, "cpu_per_row_us"),
        absolute=f"{taken} µs a row",
        least=least,
    )


def _of_ideal(what: str, readings: Readings, ideal_s: float, most: float) -> Figure:
    wall_s = readings.median("wall_s")
    absolute = f"{number(wall_s)} s, ideal {number(ideal_s)} s"
    return Figure(what, "the ideal time", wall_s / ideal_s, absolute=absolute, most=most)


def _seconds(one: Readings, other: Readings) -> str:
    return " instead of ".join(number(each.median("wall_s")) for each in (one, other)) + " s"


def _report(
    title: str,
    world: World,
    readings: Sequence[Readings],
    ideal_s: float | None = None,
    *,
    remark: str = "",
    figures: Sequence[Figure] = (),
) -> Report:
    remarks = [remark, "" if ideal_s is None else _ideal_times(readings, ideal_s)]
    return Report(
        f"{title}: {_words(world.table)}{_way(world)}",
        READINGS_HEADER,
        readings_lines(readings),
        " ".join(words for words in remarks if words),
        figures,
    )


def _of(readings: Sequence[Readings], variant: Variant) -> Readings:
    return next(one for one in readings if one.name == variant.name)


def _ideal_times(readings: Sequence[Readings], ideal_s: float) -> str:
    parts = (f"{one.name} {times(one.median('wall_s') / ideal_s)}" for one in readings)
    return f"Ideal time {number(ideal_s)} s: {'; '.join(parts)}."


def _words(table: Table) -> str:
    if table.owners == 1:
        return f"1 owner, {table.rows:,} mints"
    return f"{table.owners:,} owners, {table.rows_each:,} of {table.mints:,} mints each"


def _way(world: World) -> str:
    latency = f", {1000 * world.latency_s:.0f} ms" if world.latency_s else ""
    return latency if world.rate is None else f"{latency}, {world.rate:.0f} requests/s allowed"
