"""What is refused as a rate."""

from __future__ import annotations

import math

import pytest

from helius_frames._transport.rate_limit import PLANS, check_pace
from helius_frames.errors import InputError


def test_a_plan_stands_for_its_rate():
    assert {plan: check_pace(plan, None) for plan in PLANS} == {
        "free": 2.0, "developer": 10.0, "business": 50.0, "professional": 100.0,
    }  # fmt: skip


def test_a_number_overrides_the_plan():
    assert check_pace("free", 25) == 25.0
    assert check_pace(None, 0.5) == 0.5
    assert check_pace(None, None) is None


@pytest.mark.parametrize("bad", [0, -1, math.inf, math.nan, True, "10", [1]])
def test_what_is_no_rate_is_refused(bad):
    with pytest.raises(InputError, match="requests_per_second"):
        check_pace(None, bad)


def test_an_unknown_plan_lists_the_choices():
    with pytest.raises(InputError, match=r"'gold'.*free, developer, business, professional"):
        check_pace("gold", None)
