"""One page from the server: by the method that it knows, counted, with errors that say where."""

from __future__ import annotations

import secrets
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, Literal

from helius_frames._protocol import jsonrpc
from helius_frames.errors import (
    AuthenticationError,
    HeliusError,
    HostUnreachableError,
    ProtocolError,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from helius_frames._protocol.balances import Page
    from helius_frames._protocol.jsonrpc import Clean
    from helius_frames._transport.client import Client

    ParsePage = Callable[[str, Clean, int, bytes], Page]


class PageFetcher:
    """Fetches pages of one method family for one pull.

    Parameters
    ----------
    methods
        Names of the method, the preferred one first: a server that does not know it is asked by the next.
    subject
        What is walked: the parameter that names it, and what errors call it.
    """

    def __init__(
        self,
        client: Client,
        methods: tuple[str, ...],
        parse: ParsePage,
        page_size: int,
        subject: Literal["owner", "mint"] = "owner",
    ) -> None:
        self.page_size = page_size
        self.method = methods[0]
        self.made_cursors_work: bool | None = None
        """Whether this server takes cursors of our own making; ``None`` until it has been seen."""
        self.on_page: Callable[[], None] = lambda: None
        self._client = client
        self._methods = methods
        self._parse = parse
        self._subject: Literal["owner", "mint"] = subject
        # A reply that belongs to another pull must not pass for one of this.
        self._prefix, self._numbers = secrets.token_hex(4), count(1)

    async def fetch(
        self,
        key: str,
        number: int,
        *,
        cursor: str | None = None,
        mint: str | None = None,
        limit: int | None = None,
    ) -> Page:
        """Fetch the page after a cursor; ``number`` counts the requests of this owner (or mint)."""
        asked = self.page_size if limit is None else limit
        params = {self._subject: key, "cursor": cursor, "limit": asked}
        if mint is not None:
            params["mint"] = mint
        page: Page | None = None
        while page is None:
            request_id, method = f"{self._prefix}.{next(self._numbers)}", self.method
            body = jsonrpc.build_request(method, params, request_id)
            try:
                page = await self._client.call(body, partial(self._parse, request_id, self._client.clean))
                if (
                    len(page) > asked and len(set(page.keys.tolist())) > asked
                ):  # a mint twice is a walk's affair
                    raise ProtocolError(
                        f"the server returned {len(page):,} rows, at most {asked:,} were asked for"
                    )
            except HeliusError as error:
                later = self._methods[self._methods.index(method) + 1 :]
                if error.code == jsonrpc.METHOD_NOT_FOUND and later:
                    self.method = later[0]
                    continue
                # Errors of these two kinds concern every owner alike, so they name none.
                if not isinstance(error, AuthenticationError | HostUnreachableError):
                    error.at(number, **{self._subject: key})
                raise
        self._client.progress.pages += 1
        self._client.progress.received += len(page)
        self.on_page()
        return page
