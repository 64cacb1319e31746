"""The one account of a pull, and what of it becomes metadata of the frame."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from helius_frames import __version__
from helius_frames._frame import failures_frame
from helius_frames._options import resolve
from helius_frames._pull.rows import RowBuffer
from helius_frames._pull.stats import PullStats
from helius_frames.demo import MINTS, OWNERS
from helius_frames.errors import RequestTimeout, RPCError
from tests.support.key_search import KEY, has_key
from tests.support.pages import page_of

ASKED = list(OWNERS[:4])


def stats_of(mint=None, **options):
    return PullStats(resolve(ASKED, mint, {"cluster": "demo"} | options))


def rows_of_slots(*slots):
    buffer = RowBuffer()
    for number, slot in enumerate(slots):
        buffer.append(page_of([number], slot=slot))
    return buffer.take_rows()


def test_attrs_of_a_pull_that_has_not_begun():
    attrs = stats_of().attrs()
    assert datetime.now(UTC) - datetime.fromisoformat(attrs.pop("fetched_at")) < timedelta(minutes=1)
    assert attrs == {
        "cluster": "demo",
        "method": "",
        "slot_min": None,
        "slot_max": None,
        "pages": 0,
        "requests": 0,
        "retries": 0,
        "owners": 4,
        "failed": 0,
        "failures": "[]",
        "version": __version__,
    }


def test_rows_count_and_widen_the_slots():
    stats = stats_of()
    stats.add_rows(rows_of_slots())
    assert stats.attrs()["slot_min"] is None
    for slots in ((7, 9), (8,), (3, 4)):
        stats.add_rows(rows_of_slots(*slots))
    assert (stats.attrs()["slot_min"], stats.attrs()["slot_max"]) == (3, 9)
    assert stats.progress.rows == 5


def test_what_is_left_stands_in_the_order_asked():
    stats = stats_of()
    for index in (2, 0):
        stats.finish(index, is_stable=True)
    stats.fail(1, RPCError("no"))
    assert stats.left() == (ASKED[1], ASKED[3])
    assert stats.finished == {0, 2}
    assert (stats.progress.done, stats.progress.failed) == (2, 1)


def test_failures_are_listed_in_the_order_asked_with_page_kind_and_message():
    stats = stats_of()
    stats.fail(3, RequestTimeout("late").at(2, owner=ASKED[3]))
    stats.fail(1, RPCError("no").at(1, owner=ASKED[1]))
    assert json.loads(stats.failures()) == [
        {"owner": ASKED[1], "page": 1, "kind": "RPCError", "message": "no"},
        {"owner": ASKED[3], "page": 2, "kind": "RequestTimeout", "message": "late"},
    ]
    assert failures_frame(stats.attrs()["failures"])["owner"].tolist() == [ASKED[1], ASKED[3]]
    assert stats.attrs()["failed"] == 2


@pytest.mark.parametrize(
    ("options", "more"),
    [
        ({"mint": MINTS[:2]}, {"mints": list(MINTS[:2])}),
        ({"drop_zero": True}, {"drop_zero": True}),
        ({"consistency": "stable"}, {"unstable": "[]"}),
        ({}, {}),
    ],
)
def test_options_that_change_what_the_rows_mean_are_in_the_attrs(options, more):
    attrs = stats_of(**options).attrs()
    assert {name: attrs[name] for name in ("mints", "drop_zero", "unstable") if name in attrs} == more


def test_owners_that_never_held_still_are_listed_in_the_order_asked():
    stats = stats_of(consistency="stable")
    for index in (2, 1, 0):
        stats.finish(index, is_stable=index == 1)
    assert json.loads(stats.attrs()["unstable"]) == [ASKED[0], ASKED[2]]


def test_attrs_name_the_endpoint_by_its_host_alone_and_travel_as_json():
    attrs = stats_of(cluster=None, endpoint=f"https://me:{KEY}@rpc.example/{KEY}?token={KEY}").attrs()
    assert attrs["endpoint"] == "https://rpc.example"
    assert "cluster" not in attrs
    assert not has_key(json.dumps(attrs))
