"""The servers under contract: the demo indexer always, a real Photon where PHOTON_URL names one."""

import os

import httpx
import pytest

from helius_frames import demo
from tests.black_box.contract import seed
from tests.black_box.contract.photon_client import Server

PHOTON_URL = os.environ.get("PHOTON_URL")


@pytest.fixture(scope="session", params=["demo", "photon"] if PHOTON_URL else ["demo"])
def server(request):
    if request.param == "photon":
        yield from _connected(PHOTON_URL)
    else:
        with demo.serve(demo.Indexer(seed.HOLDINGS, slot=seed.SLOT)) as url:
            yield from _connected(url)


def _connected(url):
    with httpx.Client(timeout=30) as client:
        yield Server(url, client)


@pytest.fixture(scope="session", autouse=True)
def _the_server_holds_the_seed(server):
    """Tell a database that was not seeded from a server that breaks the contract."""
    got = server.call({"owner": seed.ONE}).json()
    if "result" not in got or not got["result"]["value"]["items"]:
        pytest.exit(
            f"{server.url} does not hold the seeded rows (see tests/black_box/contract/seed.py): {got}", 2
        )
