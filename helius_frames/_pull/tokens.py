"""Mints to token facts: accounts and assets in batches, each family of methods at its own pace.

Accounts say decimals and supply, assets say names and prices; neither server need know both. What could be
had of each mint is kept in a `TokenRow`, with the reason for what is missing.
"""

from __future__ import annotations

import asyncio
import secrets
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from itertools import chain, count
from typing import TYPE_CHECKING, Any, Final, Literal, TypeVar

from helius_frames._progress import PullProgress
from helius_frames._protocol import accounts, assets, jsonrpc
from helius_frames._pull.pull import demo_connect
from helius_frames._transport.client import Client
from helius_frames.errors import HeliusError, RPCError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Sequence

    from helius_frames._options import PullConfig
    from helius_frames._transport.endpoint import Endpoint
    from helius_frames._transport.families import FamilyName

T = TypeVar("T")

# One worker in so many begins with assets: a batch of them is ten times larger than one of accounts.
_ASSETS_SHARE: Final = 4


@dataclass(slots=True)
class TokenRow:
    """What is known of one mint; ``None`` where it is not, and ``note`` says why."""

    symbol: str | None = None
    name: str | None = None
    decimals: int | None = None
    supply: int | None = None
    token_program: str | None = None
    price_usd: float | None = None
    price_at: datetime | None = None
    slot: int | None = None
    note: str = ""
    compressed: int | None = None
    is_final: bool = True
    """Whether another pull would give the same answer a moment later: no error took part in it."""


@dataclass(slots=True)
class _Found:
    """The answers about one mint; text says why there is none."""

    account: accounts.Mint | str | None = None
    is_absent: bool = False
    slot: int | None = None
    asset: assets.Asset | str | None = None
    asked_at: datetime | None = None
    compressed: int | str | None = None
    failures: int = 0
    is_pending_account: bool = True
    is_pending_asset: bool = True

    @property
    def is_read(self) -> bool:
        return not self.is_pending_account and not self.is_pending_asset


class TokenPull:
    """Reads the facts of a config's mints, in one event loop; its ``progress`` can be read anywhere.

    Parameters
    ----------
    rpc
        Where accounts are asked for, and assets where the config's endpoint does not know them.
    rate
        Requests a second of a family of methods at an endpoint; ``None`` where it is learned.
    """

    def __init__(
        self,
        config: PullConfig,
        rpc: Endpoint | None,
        rate: Callable[[FamilyName, Endpoint], float | None],
        *,
        pools: bool = False,
    ) -> None:
        self.config = config
        self.pools = pools
        self.progress = PullProgress(mints=len(config.mints))
        self.methods: list[str] = []
        """Methods that were answered."""
        self.rpc = rpc
        self._rate = rate
        self._found = {mint: _Found() for mint in config.mints}
        self._unserved: set[Client] = set()
        self._first_error: HeliusError | None = None
        self._ids = (f"{prefix}-{n}" for prefix in [secrets.token_hex(4)] for n in count(1))

    async def run(self) -> None:
        """Read everything; an error that ends the pull is raised."""
        config, endpoint = self.config, self.config.endpoint
        async with AsyncExitStack() as stack:
            self._accounts_at = [await stack.enter_async_context(self._client("rpc", self.rpc or endpoint))]
            self._assets_at = [
                await stack.enter_async_context(self._client("das", each))
                for each in (endpoint, self.rpc)
                if each is not None
            ]
            of_accounts = (
                partial(self._read_accounts, batch) for batch in _batches(config.mints, accounts.BATCH_MAX)
            )
            of_assets = (
                partial(self._read_assets, batch) for batch in _batches(config.mints, assets.BATCH_MAX)
            )
            # Workers begin with one family and continue with the other, so that a slow one holds up nobody.
            orders = [
                chain(of_accounts, of_assets) if n % _ASSETS_SHARE else chain(of_assets, of_accounts)
                for n in range(1, config.max_concurrency + 1)
            ]
            workers = [asyncio.create_task(self._work(order)) for order in orders]
            try:
                await asyncio.wait(workers, return_when=asyncio.FIRST_EXCEPTION)
            finally:
                for worker in workers:
                    worker.cancel()
                results = await asyncio.gather(*workers, return_exceptions=True)
        for result in results:
            if result is not None and not isinstance(result, asyncio.CancelledError):
                raise result
        if self._first_error is not None and not self.methods:
            raise self._first_error
        if config.mints and not self.methods:
            raise self._serves_neither()

    def rows(self) -> dict[str, TokenRow]:
        """Return what is known of each mint that was read, in the order asked."""
        return {mint: self._row(found) for mint, found in self._found.items() if found.is_read}

    def left(self) -> tuple[str, ...]:
        """Mints that were not read to the end, in the order asked."""
        return tuple(mint for mint, found in self._found.items() if not found.is_read)

    def attrs(self) -> dict[str, Any]:
        """Return what ``attrs["helius"]`` holds: flat, JSON-able and without secrets."""
        endpoint, progress = self.config.endpoint, self.progress
        where = {"endpoint": endpoint.label} if endpoint.cluster is None else {"cluster": endpoint.cluster}
        slots = [found.slot for found in self._found.values() if found.slot is not None]
        return {
            **where,
            **({} if self.rpc is None else {"rpc_endpoint": self.rpc.label}),
            "methods": sorted(set(self.methods)),
            "slot_min": min(slots, default=None),
            "slot_max": max(slots, default=None),
            "requests": progress.requests,
            "retries": progress.retries,
            "credits": progress.credits,
            "fetched_at": datetime.now(UTC).isoformat(timespec="seconds"),
        }

    def _client(self, family: FamilyName, endpoint: Endpoint) -> Client:
        config, environment = self.config, self.config.environment
        if endpoint.is_demo and environment.connect is None:
            environment = environment._replace(connect=demo_connect)
        return Client(
            endpoint,
            self.progress,
            rate=self._rate(family, endpoint),
            timeout=config.timeout,
            retries=config.retries,
            family=family,
            environment=environment,
        )

    async def _work(self, jobs: Iterator[Callable[[], Awaitable[None]]]) -> None:
        for job in jobs:
            await job()

    async def _read_accounts(self, mints: Sequence[str]) -> None:
        """Read the accounts of a batch of mints, and after them those of their pools."""
        try:
            reply = await self._accounts(mints)
        except HeliusError as error:
            reason = self._reason(error, accounts.METHOD)
            for mint in mints:
                found = self._found[mint]
                found.account, found.compressed, found.is_absent = reason, reason, True
                found.failures += error.code != jsonrpc.METHOD_NOT_FOUND
            self._finish(mints, "account")
            return
        for mint, account in zip(mints, reply.accounts, strict=True):
            found = self._found[mint]
            found.account, found.is_absent = accounts.parse_mint(account), account is None
            found.slot = reply.slot
        if self.pools:
            await self._read_pools(mints)
        self._finish(mints, "account")

    async def _read_pools(self, mints: Sequence[str]) -> None:
        """Add up the pools of each mint that can have some."""
        places: list[tuple[str, str]] = []
        for mint in mints:
            found = self._found[mint]
            if isinstance(found.account, accounts.Mint):
                account = found.account
                addresses = accounts.pool_addresses(mint, account.program, account.size)
                found.compressed = 0 if addresses else "a mint of the Light token program has no pools"
                places += [(mint, address) for address in addresses]
        for batch in _batches(places, accounts.BATCH_MAX):
            try:
                reply = await self._accounts([address for _, address in batch])
            except HeliusError as error:
                reason = self._reason(error, accounts.METHOD)
                for mint, _ in batch:
                    self._found[mint].compressed = reason
                    self._found[mint].failures += 1
                continue
            for (mint, _), pool in zip(batch, reply.accounts, strict=True):
                found = self._found[mint]
                if isinstance(found.compressed, int):
                    found.compressed += accounts.pool_amount(mint, pool)

    async def _read_assets(self, mints: Sequence[str]) -> None:
        """Read the assets of a batch of mints."""
        try:
            known = await self._assets(mints)
        except HeliusError as error:
            reason = self._reason(error, assets.METHOD)
            for mint in mints:
                self._found[mint].asset = reason
                self._found[mint].failures += error.code != jsonrpc.METHOD_NOT_FOUND
            self._finish(mints, "asset")
            return
        now = datetime.now(UTC)
        for mint in mints:
            self._found[mint].asset = known.get(mint, f"{assets.METHOD} does not know it")
            self._found[mint].asked_at = now
        self._finish(mints, "asset")

    async def _accounts(self, addresses: Sequence[str]) -> accounts.Accounts:
        def parse(client: Client, request_id: str) -> Callable[[int, bytes], accounts.Accounts]:
            return partial(accounts.parse_accounts, request_id, len(addresses), client.clean)

        return await self._call(self._accounts_at, accounts.METHOD, accounts.params(addresses), parse)

    async def _assets(self, mints: Sequence[str]) -> dict[str, assets.Asset]:
        """Ask for assets; where one that is unknown has the whole batch refused, ask for each half."""

        def parse(client: Client, request_id: str) -> Callable[[int, bytes], dict[str, assets.Asset]]:
            return partial(assets.parse_assets, request_id, mints, client.clean)

        try:
            return await self._call(self._assets_at, assets.METHOD, assets.params(mints), parse)
        except HeliusError as error:
            if error.code != assets.NOT_FOUND:
                raise
        if len(mints) == 1:
            self.methods.append(assets.METHOD)
            return {}
        half = len(mints) // 2
        return await self._assets(mints[:half]) | await self._assets(mints[half:])

    async def _call(
        self,
        clients: list[Client],
        method: str,
        params: Any,  # noqa: ANN401 - what JSON can hold
        parse: Callable[[Client, str], Callable[[int, bytes], T]],
    ) -> T:
        """Call a method of the first server that serves it."""
        for client in clients:
            if client in self._unserved:
                continue
            request_id = next(self._ids)
            try:
                body = jsonrpc.build_request(method, params, request_id)
                result = await client.call(body, parse(client, request_id))
            except HeliusError as error:
                if error.code != jsonrpc.METHOD_NOT_FOUND:
                    raise
                self._unserved.add(client)
            else:
                self.methods.append(method)
                return result
        raise RPCError(f"{self._where(clients)} does not serve {method}", code=jsonrpc.METHOD_NOT_FOUND)

    def _where(self, clients: list[Client]) -> str:
        return " or ".join(dict.fromkeys(client.label for client in clients))

    def _reason(self, error: HeliusError, method: str) -> str:
        """Return why a batch has no answer, where that does not end the pull; else raise the error."""
        if error.code == jsonrpc.METHOD_NOT_FOUND:
            advice = "" if self.rpc is not None else "; pass rpc_endpoint="
            return f"{error.reason}{advice if method == accounts.METHOD else ''}"
        if self.config.errors != "collect":
            raise error
        self._first_error = self._first_error or error
        return f"{method} failed ({error.kind}): {error.reason}"

    def _serves_neither(self) -> RPCError:
        where = self._where([*self._accounts_at, *self._assets_at])
        return RPCError(
            f"{where} serves neither {accounts.METHOD} nor {assets.METHOD}: pass rpc_endpoint=, the URL of"
            " any Solana RPC node, with its own key in it",
            code=jsonrpc.METHOD_NOT_FOUND,
        )

    def _finish(self, mints: Sequence[str], part: Literal["account", "asset"]) -> None:
        """Note that one of the two answers about these mints is there, whatever it is."""
        for mint in mints:
            found = self._found[mint]
            setattr(found, f"is_pending_{part}", False)
            self.progress.done += found.is_read

    def _row(self, found: _Found) -> TokenRow:
        """Put the answers about one mint together: the account goes before the asset."""
        account, asset = found.account, found.asset
        mint = account if isinstance(account, accounts.Mint) else None
        known = asset if isinstance(asset, assets.Asset) else assets.Asset()
        # An account that is not a mint's is an answer, which no index may contradict.
        filling = known if mint is None and found.is_absent else assets.Asset()
        row = TokenRow(
            symbol=known.symbol,
            name=known.name,
            decimals=filling.decimals if mint is None else mint.decimals,
            supply=filling.supply if mint is None else mint.supply,
            token_program=filling.program if mint is None else mint.program,
            price_usd=known.price_usd,
            price_at=None if known.price_usd is None else found.asked_at,
            slot=filling.slot if mint is None else found.slot,
            compressed=found.compressed if isinstance(found.compressed, int) else None,
            is_final=not found.failures,
        )
        notes: dict[str, list[str]] = {}
        if row.decimals is None or row.supply is None:
            notes.setdefault(str(account), []).append(
                "decimals and supply" if row.decimals is None else "supply"
            )
        if row.symbol is None:
            reason = asset if isinstance(asset, str) else "its maker gave none"
            notes.setdefault(reason, []).append("symbol" if row.name else "symbol and name")
        if self.pools and row.compressed is None and mint is not None:
            notes.setdefault(str(found.compressed), []).append("compressed")
        row.note = "; ".join(f"no {', '.join(what)}: {why}" for why, what in notes.items())
        return row


def _batches(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    return (items[first : first + size] for first in range(0, len(items), size))
