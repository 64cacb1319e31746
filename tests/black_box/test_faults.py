"""The fault matrix, in a part where every two values meet: the exact frame, or our exception, soon."""

from __future__ import annotations

import pytest

from tests.black_box import fault_matrix
from tests.support.servers import swappable_server

PAIRWISE = list(fault_matrix.pairwise())


@pytest.fixture(scope="module")
def port():
    with swappable_server() as server_and_url:
        yield server_and_url


def test_every_two_values_of_the_matrix_meet():
    met = {pair for case in PAIRWISE for pair in fault_matrix.pairs(case)}
    assert met == {pair for case in fault_matrix.product() for pair in fault_matrix.pairs(case)}


@pytest.mark.parametrize("case", PAIRWISE, ids=lambda case: "-".join(map(str, case)))
def test_a_fault_ends_in_the_exact_frame_or_in_its_own_exception(case, port):
    fault_matrix.check(case, *port)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "way", "form"),
    [
        values
        for n, values in enumerate(fault_matrix.host_product())
        if n % 5 == 0 or values[1:] == ("raise", "sync")
    ],
    ids=str,
)
def test_a_host_that_gives_no_reply_has_its_own_error(name, way, form):
    fault_matrix.check_host(name, way, form)
