"""One pull: client, walk and frame put together, and what is known of it as metadata.

It may import everything below the reader. A `Pull` lives in one event loop; what it has gathered can be
read from any thread once it has ended, by whatever end.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from helius_frames import _progress
from helius_frames._client import Client
from helius_frames._frame import FrameBuilder
from helius_frames._schedule import Schedule
from helius_frames._version import __version__
from helius_frames._walk import Asker

if TYPE_CHECKING:
    import pandas as pd

    from helius_frames._arguments import Request
    from helius_frames._schedule import Sink
    from helius_frames._walk import Rows
    from helius_frames._wire import Page
    from helius_frames.errors import HeliusError, PullInterrupted


class Ledger:
    """What is known of a pull beside its rows: who is finished, who failed, how much was asked."""

    def __init__(self, request: Request) -> None:
        self.request = request
        self.tally = _progress.Tally(owners=len(request.owners))
        self.finished: set[int] = set()
        self.failures: dict[int, HeliusError] = {}
        self.unstable: list[int] = []
        self.method = ""
        self._slots: tuple[int, int] | None = None

    def saw(self, rows: Rows) -> None:
        """Take note of rows that arrived, and of the slots of their pages."""
        self.tally.rows += len(rows)
        if len(rows.slots):
            low, high = int(rows.slots.min()), int(rows.slots.max())
            self._slots = (
                (min(low, self._slots[0]), max(high, self._slots[1])) if self._slots else (low, high)
            )

    def finish(self, index: int, *, is_stable: bool) -> None:
        """Take note of an owner that is whole."""
        self.finished.add(index)
        self.tally.done += 1
        if not is_stable:
            self.unstable.append(index)

    def fail(self, index: int, fault: HeliusError) -> None:
        """Take note of an owner that failed."""
        self.failures[index] = fault
        self.tally.failed += 1

    def open_owners(self) -> tuple[str, ...]:
        """Owners that are not finished, in the order asked."""
        return tuple(owner for index, owner in enumerate(self.request.owners) if index not in self.finished)

    def attrs(self) -> dict[str, Any]:
        """Flat, JSON-able and without secrets: what `df.attrs["helius"]` holds."""
        low, high = self._slots or (None, None)
        return {
            **self._question(),
            "slot_min": low,
            "slot_max": high,
            "pages": self.tally.pages,
            "requests": self.tally.requests,
            "retries": self.tally.retries,
            "owners": len(self.request.owners),
            "failed": len(self.failures),
            "failures": self.failures_text(),
            "fetched_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "version": __version__,
        }

    def _question(self) -> dict[str, Any]:
        endpoint, orders = self.request.endpoint, self.request.orders
        where = {"endpoint": endpoint.label} if endpoint.cluster is None else {"cluster": endpoint.cluster}
        asked: dict[str, Any] = {**where, "method": self.method}
        if orders.mints:
            asked["mints"] = list(orders.mints)
        if self.request.drop_zero:
            asked["drop_zero"] = True
        if orders.is_stable:
            asked["unstable"] = json.dumps([self.request.owners[index] for index in sorted(self.unstable)])
        return asked

    def failures_text(self) -> str:
        listed = [
            {
                "owner": self.request.owners[index],
                "page": fault.page,
                "kind": fault.kind,
                "message": fault.reason,
            }
            for index, fault in sorted(self.failures.items())
        ]
        return json.dumps(listed)


class Pull:
    """Reads a request's owners into a sink, and keeps the ledger."""

    def __init__(self, request: Request) -> None:
        self.request = request
        self.ledger = Ledger(request)

    async def run(self, sink: Sink) -> None:
        """Read everything; faults that end the pull are raised."""
        request, tally = self.request, self.ledger.tally
        async with _open_client(request) as client:
            asker = Asker(client.call, request.orders.page_size, request.endpoint.clean)

            def count() -> None:
                tally.pages, tally.requests, tally.retries = asker.pages, client.requests, client.retries
                self.ledger.method = asker.method

            asker.on_page.append(count)
            schedule = Schedule(
                asker, request.owners, request.orders, sink, has_spare=lambda: not client.rate_binds()
            )
            try:
                await schedule.run()
            finally:
                count()


class WholeFrame:
    """The sink of a pull that becomes one frame."""

    def __init__(self, pull: Pull) -> None:
        request = pull.request
        self._ledger = pull.ledger
        self._builder = FrameBuilder(request.owners, request.drop_zero, request.dtype_backend)

    async def emit(self, index: int, page: Page) -> None:
        """Take one page."""
        self._builder.add_page(index, page)

    async def done(self, index: int, rows: Rows, *, is_stable: bool) -> None:
        """Take a finished owner."""
        self._builder.add(index, rows)
        self._ledger.saw(rows)
        self._ledger.finish(index, is_stable=is_stable)

    async def failed(self, index: int, fault: HeliusError) -> None:
        """Take note of a failed owner."""
        self._ledger.fail(index, fault)

    def frame(self) -> pd.DataFrame:
        """Build the frame of the finished owners."""
        frame = self._builder.frame()
        frame.attrs["helius"] = self._ledger.attrs()
        return frame

    def attach(self, fault: HeliusError | PullInterrupted) -> None:
        """Give an exception what had arrived before it."""
        fault.partial = self.frame()
        fault.open_owners = self._ledger.open_owners()


def _open_client(request: Request) -> Client:
    return Client(
        request.endpoint,
        requests_per_second=request.rate,
        max_concurrency=request.orders.max_concurrency,
        timeout=request.timeout,
        retries=request.retries,
        app=_demo_app() if request.endpoint.is_demo else None,
    )


def _demo_app() -> Any:  # noqa: ANN401 - an ASGI app
    from helius_frames import demo  # noqa: PLC0415 - the holdings are made at first use

    return demo.app()
