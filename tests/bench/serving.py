"""``python -m tests.bench.serving WORLD``: the server's process; each line on its input asks for counts."""

from __future__ import annotations

import json
import sys
import time

from helius_frames.demo import Indexer, serve
from tests.bench.world import WARM_MAX, World


def main(world: World) -> None:
    indexer = Indexer(
        world.table.holdings(),
        page_slots=1,
        latency_s=world.latency_s,
        rate=world.rate,
        retry_after="seconds",
    )
    if world.table.rows <= WARM_MAX or world.table.owners == 1:
        indexer.warm()
    with serve(indexer) as url:
        print(url, flush=True)
        for _ in sys.stdin:
            counts = (indexer.requests, indexer.refused, time.process_time())
            print(json.dumps(counts), flush=True)


if __name__ == "__main__":
    main(World.from_json(sys.argv[1]))
