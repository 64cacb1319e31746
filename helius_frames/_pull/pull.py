"""One pull: client, walks and sink put together."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from helius_frames._protocol import balances, holders, pubkey
from helius_frames._pull.fetch import PageFetcher
from helius_frames._pull.holder_pages import Wanted
from helius_frames._pull.holder_walk import HolderWalk
from helius_frames._pull.mint_filter import MintFilter, MintWalk
from helius_frames._pull.owner_walk import OwnerWalk
from helius_frames._pull.scheduler import Scheduler, Sink, Walk
from helius_frames._pull.stats import PullStats
from helius_frames._transport.client import Client, importing

if TYPE_CHECKING:
    from helius_frames._options import PullConfig
    from helius_frames._pull.rows import Rows
    from helius_frames._transport.endpoint import Endpoint
    from helius_frames._transport.http import Connect


class Pull:
    """Reads what a config asks for into a sink, in one event loop; its ``stats`` can be read anywhere."""

    def __init__(self, config: PullConfig) -> None:
        self.config = config
        self.stats = PullStats(config)
        environment = config.environment
        if config.endpoint.is_demo and environment.connect is None:
            environment = environment._replace(connect=demo_connect)
        self._client = Client(
            config.endpoint,
            self.stats.progress,
            rate=config.rate,
            timeout=config.timeout,
            retries=config.retries,
            environment=environment,
        )

    async def run(self, sink: Sink) -> None:
        """Read everything; an error that ends the pull is raised."""
        config, stats = self.config, self.stats
        async with self._client as client:
            is_of_holders = config.kind == "holders"
            fetcher = (
                PageFetcher(client, holders.METHODS, holders.parse_page, _holders_page_size(config), "mint")
                if is_of_holders
                else PageFetcher(client, balances.METHODS, balances.parse_page, config.page_size)
            )
            wanted_mints = MintFilter(config.mints) if config.mints and not is_of_holders else None
            wanted_holders = _wanted_holders(config)
            is_parallel = not config.is_streaming and wanted_mints is None and config.top is None

            def new_walk(index: int) -> Walk:
                subject, emit_rows = config.subjects[index], partial(emit, index)
                if is_of_holders:
                    return HolderWalk(
                        fetcher, subject, wanted_holders, emit_rows if config.is_streaming else None
                    )
                if wanted_mints is not None:
                    return MintWalk(fetcher, subject, wanted_mints)
                return OwnerWalk(fetcher, subject, emit_rows if config.is_streaming else None)

            async def emit(index: int, rows: Rows) -> None:
                stats.add_rows(rows)
                await sink.add(index, rows)

            scheduler = Scheduler(
                new_walk,
                stats,
                sink,
                # Helpers only where walks can be split.
                workers=config.max_concurrency
                if is_parallel
                else min(config.max_concurrency, len(config.subjects)),
                is_stable=config.consistency == "stable",
                is_collecting=config.errors == "collect",
                has_spare=lambda: not client.limiter.is_limiting,
            )
            fetcher.on_page = scheduler.changed.set
            try:
                await scheduler.run()
            finally:
                stats.method = fetcher.method


def _wanted_holders(config: PullConfig) -> Wanted:
    owners = None if config.owners is None else frozenset(map(pubkey.aligned, config.owners))
    return Wanted(config.min_balance, config.top, owners)


def _holders_page_size(config: PullConfig) -> int:
    """Return how many holders to ask for at once: no more than the top, where only that is read."""
    if config.top is None or config.owners is not None:
        return config.page_size
    return min(config.page_size, max(config.top, holders.PAGE_MIN))


def demo_connect(_endpoint: Endpoint, _timeout_s: float) -> Connect:
    """Connect to the embedded indexer, without a port."""
    from helius_frames import demo  # noqa: PLC0415 - the holdings are made at first use

    with importing:
        from helius_frames._transport.http import in_process  # noqa: PLC0415 - see `Client`

    return in_process(demo.app())
