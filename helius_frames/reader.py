"""The public reader: argument forms and key, then the pull and the frame.

The top of the reading side; it may import everything that begins with an underscore. Nothing here
knows the protocol, and nothing below knows what a caller may write.
"""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Self, overload

from helius_frames import _bridge, _progress
from helius_frames._arguments import (
    Request,
    build_orders,
    one_of,
    parse_owners,
    positive_number,
    whole_number,
)
from helius_frames._chunks import ChunkedPull
from helius_frames._endpoint import Secret, resolve_endpoint, seal
from helius_frames._frame import failures_frame
from helius_frames._pull import Pull, WholeFrame
from helius_frames._transport.rate_limit import check_pace
from helius_frames.errors import HeliusError, PullInterrupted

if TYPE_CHECKING:
    from collections.abc import Coroutine

    import pandas as pd

    from helius_frames._bridge import EventLoop
    from helius_frames._frame import DtypeBackend

__all__ = ["AsyncBalanceChunks", "BalanceChunks", "aread_helius_balances", "read_helius_balances"]


@overload
def read_helius_balances(
    owners: object,
    mint: object = None,
    *,
    api_key: str | Secret | None = ...,
    cluster: str | None = ...,
    endpoint: str | Secret | None = ...,
    plan: str | None = ...,
    requests_per_second: float | None = ...,
    max_concurrency: int = ...,
    page_size: int = ...,
    timeout: float = ...,
    retries: int = ...,
    drop_zero: bool = ...,
    errors: Literal["raise", "collect"] = ...,
    consistency: Literal["stable"] | None = ...,
    chunksize: None = None,
    dtype_backend: DtypeBackend | None = ...,
    progress: _progress.Choice = ...,
    event_loop: EventLoop = ...,
) -> pd.DataFrame: ...
@overload
def read_helius_balances(
    owners: object,
    mint: object = None,
    *,
    api_key: str | Secret | None = ...,
    cluster: str | None = ...,
    endpoint: str | Secret | None = ...,
    plan: str | None = ...,
    requests_per_second: float | None = ...,
    max_concurrency: int = ...,
    page_size: int = ...,
    timeout: float = ...,
    retries: int = ...,
    drop_zero: bool = ...,
    errors: Literal["raise", "collect"] = ...,
    consistency: Literal["stable"] | None = ...,
    chunksize: int,
    dtype_backend: DtypeBackend | None = ...,
    progress: _progress.Choice = ...,
    event_loop: EventLoop = ...,
) -> BalanceChunks: ...
@overload
def read_helius_balances(
    owners: object,
    mint: object = None,
    *,
    api_key: str | Secret | None = ...,
    cluster: str | None = ...,
    endpoint: str | Secret | None = ...,
    plan: str | None = ...,
    requests_per_second: float | None = ...,
    max_concurrency: int = ...,
    page_size: int = ...,
    timeout: float = ...,
    retries: int = ...,
    drop_zero: bool = ...,
    errors: Literal["raise", "collect"] = ...,
    consistency: Literal["stable"] | None = ...,
    chunksize: int | None = None,
    dtype_backend: DtypeBackend | None = ...,
    progress: _progress.Choice = ...,
    event_loop: EventLoop = ...,
) -> pd.DataFrame | BalanceChunks: ...
def read_helius_balances(
    owners: object,
    mint: object = None,
    *,
    api_key: str | Secret | None = None,
    cluster: str | None = None,
    endpoint: str | Secret | None = None,
    plan: str | None = None,
    requests_per_second: float | None = None,
    max_concurrency: int = 16,
    page_size: int = 1000,
    timeout: float = 30.0,
    retries: int = 6,
    drop_zero: bool = False,
    errors: Literal["raise", "collect"] = "raise",
    consistency: Literal["stable"] | None = None,
    chunksize: int | None = None,
    dtype_backend: DtypeBackend | None = None,
    progress: _progress.Choice = None,
    event_loop: EventLoop = "thread",
) -> pd.DataFrame | BalanceChunks:
    """Read every cursor page of one or many owners as one tidy, exact frame.

    Asks ``getCompressedTokenBalancesByOwnerV2`` (Helius, or any server that speaks the Photon API) until
    each owner's walk ends, with many requests under way at once. A fault is an exception, never an empty or
    a short frame; only ``errors="collect"`` leaves owners out, and lists them.

    Parameters
    ----------
    owners
        Addresses (base58): one, or any iterable, Series or Index of text or of objects whose ``str()`` is
        the address. White space around them is dropped; an owner given twice is asked once.
    mint
        Read only this mint, or these. One mint costs one request for each owner.
    api_key
        Helius key, else ``HELIUS_API_KEY`` (which goes to Helius's own hosts and to loopback only).
    cluster
        ``"mainnet"`` (also ``"mainnet-beta"``), ``"devnet"``, or ``"demo"``: the embedded indexer, which
        needs no key and no network.
    endpoint
        URL of any other server that speaks the Photon API. Without both, ``HELIUS_ENDPOINT``, else mainnet.
    plan
        Helius plan whose published limit is kept to: ``"free"`` (2 requests a second), ``"developer"``
        (10), ``"business"`` (50) or ``"professional"`` (100).
    requests_per_second
        A limit of your own, in place of a plan's. Without either the server's limit is learned from its
        refusals. All pulls of this process with the same host and key share one limit.
    max_concurrency
        Requests under way at once, at most.
    page_size
        Rows asked for in one request, 1 to 1000.
    timeout
        Seconds for one whole request, from sending it to the last byte of its reply.
    retries
        How often one request is tried again, where the fault may pass, before its owner fails. No try
        begins later than five minutes after the first has failed.
    drop_zero
        Leave out rows of balance 0. Photon keeps a row for each mint that an owner has spent out.
    errors
        ``"raise"``: the first fault that retrying cannot mend ends the pull. ``"collect"``: an owner's
        own faults are gathered, see ``df.helius.failures()``, and the other owners come back; a wrong
        key, exhausted credits and an unreachable host end the pull all the same.
    consistency
        ``"stable"``: read owners of several pages until two passes agree, at most six times; those that
        never did are listed in ``df.attrs["helius"]["unstable"]``, as JSON text.
    chunksize
        Rows of a frame: gives an iterator of frames in the order of the whole one, in memory bounded by the
        chunk and the requests under way. With ``errors="collect"``, ``mint`` or ``consistency`` an owner is
        held whole until it is finished.
    dtype_backend
        ``"numpy_nullable"`` or ``"pyarrow"``, as in pandas' own readers.
    progress
        ``None`` shows a bar where a person is watching and the pull takes more than a moment; ``True``,
        ``False``, or a callable that is given the `Tally` about ten times a second.
    event_loop
        ``"thread"`` works everywhere. ``"nested"`` runs on the caller's own running loop, through
        nest-asyncio, so that the caller's other tasks go on meanwhile.

    Returns
    -------
    One row for each (owner, mint), owners in the order given, then mints in ascending byte order:

    ========= ======== ==================================================================
    column    dtype    meaning
    ========= ======== ==================================================================
    owner     category base58 address; all owners asked are categories, in their order
    mint      category base58 address; categories in ascending byte order
    balance   uint64   base units, exact, 0 to 2**64 - 1
    slot      int64    the page's ``context.slot``: the row is at least as new as this
    ========= ======== ==================================================================

    ``df.attrs["helius"]`` says where from, when, and what it took. With ``chunksize`` a `BalanceChunks`.

    Raises
    ------
    InputError
        An argument is wrong; nothing was sent. Bad owners are listed together, with their positions.
    AuthenticationError, RateLimitError, RPCError, ProtocolError, TransportError
        The fault that ended the pull, with ``owner``, ``page``, ``partial`` (the rows of the finished
        owners) and ``open_owners``. Several at once are a `HeliusErrorGroup`.
    PullInterrupted
        Ctrl-C or a kernel interrupt; a `KeyboardInterrupt` with ``partial`` and ``open_owners``.

    Examples
    --------
    >>> import pandas as pd
    >>> import helius_frames
    >>> df = pd.read_helius_balances(helius_frames.demo.OWNERS, cluster="demo")
    >>> df.dtypes.astype(str).to_dict()
    {'owner': 'category', 'mint': 'category', 'balance': 'uint64', 'slot': 'int64'}

    The rows of the owners that were finished before a fault are kept, and a second call goes on from there
    (the ``concat`` makes plain text of the addresses and drops ``attrs``):

    >>> try:
    ...     df = pd.read_helius_balances(helius_frames.demo.OWNERS, cluster="demo")
    ... except helius_frames.HeliusError as fault:
    ...     rest = pd.read_helius_balances(fault.open_owners, cluster="demo")
    ...     df = pd.concat([fault.partial, rest])
    """
    api_key, endpoint = seal(api_key), seal(endpoint)  # a traceback with locals shows neither
    request = _build_request(
        owners,
        mint,
        _Options(
            api_key=api_key,
            cluster=cluster,
            endpoint=endpoint,
            plan=plan,
            requests_per_second=requests_per_second,
            max_concurrency=max_concurrency,
            page_size=page_size,
            timeout=timeout,
            retries=retries,
            drop_zero=drop_zero,
            errors=errors,
            consistency=consistency,
            chunksize=chunksize,
            dtype_backend=dtype_backend,
            progress=progress,
            event_loop=event_loop,
        ),
    )
    if request.chunksize is not None:
        return BalanceChunks(request, request.chunksize)
    return _read(request)


@overload
def aread_helius_balances(
    owners: object,
    mint: object = None,
    *,
    api_key: str | Secret | None = ...,
    cluster: str | None = ...,
    endpoint: str | Secret | None = ...,
    plan: str | None = ...,
    requests_per_second: float | None = ...,
    max_concurrency: int = ...,
    page_size: int = ...,
    timeout: float = ...,
    retries: int = ...,
    drop_zero: bool = ...,
    errors: Literal["raise", "collect"] = ...,
    consistency: Literal["stable"] | None = ...,
    chunksize: None = None,
    dtype_backend: DtypeBackend | None = ...,
    progress: _progress.Choice = ...,
) -> Coroutine[Any, Any, pd.DataFrame]: ...
@overload
def aread_helius_balances(
    owners: object,
    mint: object = None,
    *,
    api_key: str | Secret | None = ...,
    cluster: str | None = ...,
    endpoint: str | Secret | None = ...,
    plan: str | None = ...,
    requests_per_second: float | None = ...,
    max_concurrency: int = ...,
    page_size: int = ...,
    timeout: float = ...,
    retries: int = ...,
    drop_zero: bool = ...,
    errors: Literal["raise", "collect"] = ...,
    consistency: Literal["stable"] | None = ...,
    chunksize: int,
    dtype_backend: DtypeBackend | None = ...,
    progress: _progress.Choice = ...,
) -> AsyncBalanceChunks: ...
@overload
def aread_helius_balances(
    owners: object,
    mint: object = None,
    *,
    api_key: str | Secret | None = ...,
    cluster: str | None = ...,
    endpoint: str | Secret | None = ...,
    plan: str | None = ...,
    requests_per_second: float | None = ...,
    max_concurrency: int = ...,
    page_size: int = ...,
    timeout: float = ...,
    retries: int = ...,
    drop_zero: bool = ...,
    errors: Literal["raise", "collect"] = ...,
    consistency: Literal["stable"] | None = ...,
    chunksize: int | None = None,
    dtype_backend: DtypeBackend | None = ...,
    progress: _progress.Choice = ...,
) -> Coroutine[Any, Any, pd.DataFrame] | AsyncBalanceChunks: ...
def aread_helius_balances(
    owners: object,
    mint: object = None,
    *,
    api_key: str | Secret | None = None,
    cluster: str | None = None,
    endpoint: str | Secret | None = None,
    plan: str | None = None,
    requests_per_second: float | None = None,
    max_concurrency: int = 16,
    page_size: int = 1000,
    timeout: float = 30.0,
    retries: int = 6,
    drop_zero: bool = False,
    errors: Literal["raise", "collect"] = "raise",
    consistency: Literal["stable"] | None = None,
    chunksize: int | None = None,
    dtype_backend: DtypeBackend | None = None,
    progress: _progress.Choice = None,
) -> Coroutine[Any, Any, pd.DataFrame] | AsyncBalanceChunks:
    """Read as `read_helius_balances` does, on the event loop that awaits it.

    The parameters are those of `read_helius_balances` but for ``event_loop``. Cancelling the task that awaits
    it stops every request in flight.

    Returns
    -------
    A coroutine of the frame; with ``chunksize`` an `AsyncBalanceChunks`, which is iterated without ``await``.

    Raises
    ------
    HeliusError
        As `read_helius_balances` does; a wrong argument at the call, before anything is awaited.

    Examples
    --------
    >>> import asyncio
    >>> import helius_frames
    >>> one = helius_frames.demo.OWNERS[0]
    >>> df = asyncio.run(helius_frames.aread_helius_balances(one, cluster="demo"))
    >>> list(df.columns)
    ['owner', 'mint', 'balance', 'slot']
    """
    api_key, endpoint = seal(api_key), seal(endpoint)  # a traceback with locals shows neither
    request = _build_request(
        owners,
        mint,
        _Options(
            api_key=api_key,
            cluster=cluster,
            endpoint=endpoint,
            plan=plan,
            requests_per_second=requests_per_second,
            max_concurrency=max_concurrency,
            page_size=page_size,
            timeout=timeout,
            retries=retries,
            drop_zero=drop_zero,
            errors=errors,
            consistency=consistency,
            chunksize=chunksize,
            dtype_backend=dtype_backend,
            progress=progress,
        ),
    )
    if request.chunksize is not None:
        return AsyncBalanceChunks(request, request.chunksize)
    return _aread(request)


class BalanceChunks:
    """Iterator of frames that `read_helius_balances` gives with ``chunksize``.

    Use it in ``with``, or call `close`: requests run ahead of the chunk in hand, and stop then.

    After a fault or an interrupt the chunks in hand and the exception's ``partial`` together hold every row
    of the finished owners. Of an owner among its ``open_owners`` they may hold the first rows: leave those
    out before the owner is read again.
    """

    def __init__(self, request: Request, size: int) -> None:
        self._event_loop = request.event_loop
        self._pull = ChunkedPull(request, size)
        self._progress = _start_progress(request, self._pull.pull)
        self._is_closed = False
        # Without waiting: the garbage collector may run in the thread of the loop that would have to answer.
        weakref.finalize(self, self._pull.abandon)

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> pd.DataFrame:
        if self._is_closed:
            raise StopIteration
        with self._pull.alone():
            return self._next()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def failures(self) -> pd.DataFrame:
        """Owners that have failed so far (``errors="collect"``): owner, page, kind, message."""
        return failures_frame(self._pull.pull.ledger.failures_text())

    def close(self) -> None:
        """Stop every request in flight; what was not given out is dropped."""
        if not self._is_closed:
            self._is_closed = True
            if self._pull.is_running:
                _bridge.run(self._pull.close(), event_loop=self._event_loop)
            self._progress.close()

    def _next(self) -> pd.DataFrame:
        try:
            chunk = _bridge.run(self._pull.next_chunk(), event_loop=self._event_loop, on_tick=self._progress)
        except HeliusError as fault:
            self._end_with(fault)
            raise
        except KeyboardInterrupt:
            interrupt = PullInterrupted()
            self._end_with(interrupt)
        except BaseException:  # of the caller's own progress, or another loop
            self.close()
            raise
        else:
            return self._given(chunk)
        raise interrupt  # here, so that it drags no frames along

    def _given(self, chunk: pd.DataFrame | None) -> pd.DataFrame:
        if chunk is None:
            self.close()
            raise StopIteration
        self._pull.given()
        return chunk

    def _end_with(self, fault: HeliusError | PullInterrupted) -> None:
        self.close()
        self._pull.attach(fault)


class AsyncBalanceChunks:
    """Async iterator of frames that `aread_helius_balances` gives with ``chunksize``.

    Use it in ``async with``, or await `aclose`.
    """

    def __init__(self, request: Request, size: int) -> None:
        self._pull = ChunkedPull(request, size)
        self._progress = _start_progress(request, self._pull.pull)
        self._is_closed = False
        weakref.finalize(self, self._pull.abandon)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> pd.DataFrame:
        if self._is_closed:
            raise StopAsyncIteration
        with self._pull.alone():
            return await self._next()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    @property
    def failures(self) -> pd.DataFrame:
        """Owners that have failed so far (``errors="collect"``): owner, page, kind, message."""
        return failures_frame(self._pull.pull.ledger.failures_text())

    async def aclose(self) -> None:
        """Stop every request in flight; what was not given out is dropped."""
        if not self._is_closed:
            self._is_closed = True
            await self._pull.close()
            self._progress.close()

    async def _next(self) -> pd.DataFrame:
        try:
            chunk = await _bridge.with_ticks(self._pull.next_chunk(), self._progress)
        except HeliusError as fault:
            await self.aclose()
            self._pull.attach(fault)
            raise
        except Exception:  # of the caller's own progress, or another loop
            await self.aclose()
            raise
        if chunk is None:
            await self.aclose()
            raise StopAsyncIteration
        self._pull.given()
        return chunk


class _Options(NamedTuple):
    """The reader's keywords, as given."""

    api_key: str | Secret | None
    cluster: str | None
    endpoint: str | Secret | None
    plan: str | None
    requests_per_second: float | None
    max_concurrency: int
    page_size: int
    timeout: float
    retries: int
    drop_zero: bool
    errors: Literal["raise", "collect"]
    consistency: Literal["stable"] | None
    chunksize: int | None
    dtype_backend: DtypeBackend | None
    progress: _progress.Choice
    event_loop: EventLoop = "thread"


def _build_request(owners: object, mint: object, options: _Options) -> Request:
    """Check every argument; nothing is sent, and no event loop is touched, before all are good."""
    api_key, endpoint = options.api_key, options.endpoint
    target = resolve_endpoint(api_key, options.cluster, endpoint)
    chunksize = options.chunksize
    orders = build_orders(
        mint,
        page_size=options.page_size,
        max_concurrency=options.max_concurrency,
        errors=options.errors,
        consistency=options.consistency,
        is_chunked=chunksize is not None,
    )
    one_of("dtype_backend", options.dtype_backend, (None, "numpy_nullable", "pyarrow"))
    _bridge.check_event_loop(options.event_loop)
    return Request(
        owners=parse_owners(owners),
        endpoint=target,
        orders=orders,
        rate=check_pace(options.plan, options.requests_per_second),
        timeout=positive_number("timeout", options.timeout),
        retries=whole_number("retries", options.retries, 0),
        drop_zero=options.drop_zero,
        chunksize=None if chunksize is None else whole_number("chunksize", chunksize, 1),
        dtype_backend=options.dtype_backend,
        progress=options.progress,
        event_loop=options.event_loop,
    )


def _read(request: Request) -> pd.DataFrame:
    pull = Pull(request)
    sink = WholeFrame(pull)
    progress = _start_progress(request, pull)
    interrupt = None
    try:
        _bridge.run(pull.run(sink), event_loop=request.event_loop, on_tick=progress)
    except HeliusError as fault:
        sink.attach(fault)
        raise
    except KeyboardInterrupt:
        interrupt = _interrupted(sink)
    finally:
        progress.close()
    if interrupt is not None:  # raised here, it drags no frames along: nested, it may have struck at the key
        raise interrupt
    return sink.frame()


async def _aread(request: Request) -> pd.DataFrame:
    pull = Pull(request)
    sink = WholeFrame(pull)
    progress = _start_progress(request, pull)
    try:
        await _bridge.with_ticks(pull.run(sink), progress)
    except HeliusError as fault:
        sink.attach(fault)
        raise
    finally:
        progress.close()
    return sink.frame()


def _start_progress(request: Request, pull: Pull) -> _progress.Progress:
    return _progress.start(pull.ledger.tally, request.progress, is_local=request.endpoint.is_demo)


def _interrupted(ended: WholeFrame) -> PullInterrupted:
    interrupt = PullInterrupted()
    ended.attach(interrupt)
    return interrupt
