"""The fault matrix, in a part where every two values meet: the exact frame, or our exception, soon."""

from __future__ import annotations

import pytest

from tests import faults

PAIRWISE = list(faults.pairwise())


@pytest.fixture(scope="module")
def port():
    with faults.switched() as switch_and_url:
        yield switch_and_url


def test_every_two_values_of_the_matrix_meet():
    met = {pair for case in PAIRWISE for pair in faults.pairs(case)}
    assert met == {pair for case in faults.product() for pair in faults.pairs(case)}


@pytest.mark.parametrize("case", PAIRWISE, ids=lambda case: "-".join(map(str, case)))
def test_a_fault_ends_in_the_exact_frame_or_in_its_own_exception(case, port):
    faults.check(case, *port)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "way", "transport", "form"),
    [
        values
        for n, values in enumerate(faults.host_product())
        if n % 5 == 0 or (values[1], values[3]) == ("raise", "sync")
    ],
    ids=str,
)
def test_a_host_that_gives_no_reply_is_told_as_it_is(name, way, transport, form):
    faults.check_host(name, way, transport, form)
