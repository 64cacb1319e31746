"""The public reader, its twin, and the iterators over chunks."""

from __future__ import annotations

import weakref
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Self, Unpack, overload

from helius_frames import _sync
from helius_frames._frame import failures_frame
from helius_frames._options import PullConfig, ReadOptions, resolve, seal, with_options
from helius_frames._progress import ProgressDisplay
from helius_frames._pull.pull import Pull
from helius_frames._pull.sinks import ChunkSink, FrameSink
from helius_frames.errors import HeliusError, PullInterrupted

if TYPE_CHECKING:
    import threading
    from collections.abc import Coroutine, Iterator

    import pandas as pd

__all__ = [
    "AsyncBalanceChunks",
    "BalanceChunks",
    "aread_helius_balances",
    "aread_helius_holders",
    "read_helius_balances",
    "read_helius_holders",
]


@overload
def read_helius_balances(
    owners: object, mint: object = None, *, chunksize: None = None, **options: Unpack[ReadOptions]
) -> pd.DataFrame: ...
@overload
def read_helius_balances(
    owners: object, mint: object = None, *, chunksize: int, **options: Unpack[ReadOptions]
) -> BalanceChunks: ...
@overload
def read_helius_balances(
    owners: object, mint: object = None, *, chunksize: int | None, **options: Unpack[ReadOptions]
) -> pd.DataFrame | BalanceChunks: ...
@with_options(ReadOptions)
def read_helius_balances(
    owners: object, mint: object = None, *, chunksize: int | None = None, **options: Unpack[ReadOptions]
) -> pd.DataFrame | BalanceChunks:
    """Read every cursor page of one or many owners as one tidy, exact frame.

    Calls ``getCompressedTokenBalancesByOwnerV2`` (Helius, or any server that speaks the Photon API) until
    each owner is read to the end, with many requests in flight at once. An error raises, you never get an
    empty or a short frame; only ``errors="collect"`` leaves owners out, and lists them.

    Parameters
    ----------
    owners
        Addresses (base58): one, or any iterable, Series or Index of text or of objects whose ``str()`` is
        the address. White space around them is dropped; an owner given twice is read once.
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
        Helius plan whose published rate limit is kept to: ``"free"`` (2 requests a second), ``"developer"``
        (10), ``"business"`` (50) or ``"professional"`` (100).
    requests_per_second
        A limit of your own, in place of a plan's. Without either the server's limit is learned from its
        refusals. All pulls of this process with the same host and key share one limit.
    max_concurrency
        Most requests in flight at once.
    page_size
        Rows asked for in one request, 1 to 1000.
    timeout
        Seconds for one whole request, from sending it to the last byte of its reply.
    retries
        How often one request is retried, where the error may pass, before its owner fails. No retry begins
        later than five minutes after the first failure.
    drop_zero
        Leave out rows of balance 0. Photon keeps a row for each mint whose tokens an owner has all sent away.
    errors
        ``"raise"``: the first error that retrying cannot fix ends the pull. ``"collect"``: errors of single
        owners are collected, see ``df.helius.failures()``, and the other owners are returned; a wrong key,
        exhausted credits and an unreachable host still end the pull.
    consistency
        ``"stable"``: read owners of several pages until two passes agree, at most six times; those that
        never did are listed in ``df.attrs["helius"]["unstable"]``, as JSON text.
    chunksize
        Return an iterator of frames with this many rows each, in the order of the whole one and in memory
        bounded by the chunk and the requests in flight. With ``errors="collect"``, ``mint`` or
        ``consistency`` an owner is held whole until it is finished.
    dtype_backend
        ``"numpy_nullable"`` or ``"pyarrow"``, as in pandas' own readers.
    progress
        ``None`` shows a bar where a person is watching and the pull takes more than a moment; ``True``,
        ``False``, or a callable that gets a `PullProgress` about ten times a second.
    event_loop
        ``"thread"`` works everywhere. ``"nested"`` runs on the caller's own running loop, through
        nest-asyncio, so that the caller's other tasks keep running.

    Returns
    -------
    One row for each (owner, mint), owners in the order given, then mints in ascending byte order:

    ========= ======== ==================================================================
    column    dtype    meaning
    ========= ======== ==================================================================
    owner     category base58 address; categories: the owners read to the end, in their order
    mint      category base58 address; categories in ascending byte order
    balance   uint64   base units, exact, 0 to 2**64 - 1
    slot      int64    the page's ``context.slot``: the row is at least as new as this
    ========= ======== ==================================================================

    An owner that is a category and has no row holds nothing; one that is not a category was not read.
    ``df.attrs["helius"]`` records where the rows came from, when, and how many requests it took. With
    ``chunksize`` a `BalanceChunks`.

    Raises
    ------
    InputError
        An argument is wrong; nothing was sent. Bad owners are listed together in ``problems``, with their
        positions.
    AuthenticationError, RateLimitError, RPCError, ProtocolError, TransportError
        The error that ended the pull, with ``owner``, ``page``, ``partial`` (the rows of the finished
        owners), ``open_owners``, and ``others`` (errors of owners in flight at that moment).
    PullInterrupted
        Ctrl-C or a kernel interrupt; a `KeyboardInterrupt` with ``partial`` and ``open_owners``.

    Examples
    --------
    >>> import pandas as pd
    >>> import helius_frames
    >>> df = pd.read_helius_balances(helius_frames.demo.OWNERS, cluster="demo")
    >>> df.dtypes.astype(str).to_dict()
    {'owner': 'category', 'mint': 'category', 'balance': 'uint64', 'slot': 'int64'}

    The rows of the owners that were finished before an error are kept, and a second call reads the others
    (the ``concat`` makes plain text of the addresses and drops ``attrs``):

    >>> try:
    ...     df = pd.read_helius_balances(helius_frames.demo.OWNERS, cluster="demo")
    ... except helius_frames.HeliusError as error:
    ...     rest = pd.read_helius_balances(error.open_owners, cluster="demo")
    ...     df = pd.concat([error.partial, rest])
    """
    __tracebackhide__ = True  # IPython leaves out the frames of a function that has this local
    seal(options)
    try:
        config = resolve(owners, mint, {**options, "chunksize": chunksize})
        return read(config) if chunksize is None else BalanceChunks(config)
    except (HeliusError, PullInterrupted) as error:
        # An expected error ends here: the frames below say nothing that its message does not.
        raise error.with_traceback(None) from None


@overload
def aread_helius_balances(
    owners: object, mint: object = None, *, chunksize: None = None, **options: Unpack[ReadOptions]
) -> Coroutine[Any, Any, pd.DataFrame]: ...
@overload
def aread_helius_balances(
    owners: object, mint: object = None, *, chunksize: int, **options: Unpack[ReadOptions]
) -> AsyncBalanceChunks: ...
@overload
def aread_helius_balances(
    owners: object, mint: object = None, *, chunksize: int | None, **options: Unpack[ReadOptions]
) -> Coroutine[Any, Any, pd.DataFrame] | AsyncBalanceChunks: ...
@with_options(ReadOptions, without=["event_loop"])
def aread_helius_balances(
    owners: object, mint: object = None, *, chunksize: int | None = None, **options: Unpack[ReadOptions]
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
    __tracebackhide__ = True
    seal(options)
    if "event_loop" in options:
        raise TypeError(
            "aread_helius_balances runs on the loop that awaits it: there is no option 'event_loop'"
        )
    try:
        config = resolve(owners, mint, {**options, "chunksize": chunksize})
    except HeliusError as error:
        raise error.with_traceback(None) from None
    return aread(config) if chunksize is None else AsyncBalanceChunks(config)


@overload
def read_helius_holders(
    mint: object,
    *,
    owners: object = None,
    top: int | None = None,
    min_balance: int | None = None,
    chunksize: None = None,
    **options: Unpack[ReadOptions],
) -> pd.DataFrame: ...
@overload
def read_helius_holders(
    mint: object,
    *,
    owners: object = None,
    top: int | None = None,
    min_balance: int | None = None,
    chunksize: int,
    **options: Unpack[ReadOptions],
) -> BalanceChunks: ...
@overload
def read_helius_holders(
    mint: object,
    *,
    owners: object = None,
    top: int | None = None,
    min_balance: int | None = None,
    chunksize: int | None,
    **options: Unpack[ReadOptions],
) -> pd.DataFrame | BalanceChunks: ...
@with_options(ReadOptions)
def read_helius_holders(
    mint: object,
    *,
    owners: object = None,
    top: int | None = None,
    min_balance: int | None = None,
    chunksize: int | None = None,
    **options: Unpack[ReadOptions],
) -> pd.DataFrame | BalanceChunks:
    """Read every holder of one or many mints, the largest first, as one tidy, exact frame.

    Asks ``getCompressedMintTokenHolders`` until the list is read to its end, a thousand holders a request.

    The list is read while it changes: an owner who moves into a part that was already read is missed, one
    who moves out of it is met twice and kept once, as seen last (``repeats`` counts them). One pass cannot
    see what it missed: ``consistency="stable"`` reads until two passes agree. An owner need not be a wallet:
    it may be a program's address, or that of a wallet's own token account, see `token_account_address`.

    Parameters
    ----------
    mint
        Addresses (base58): one, or any iterable, Series or Index, as the owners of `read_helius_balances`.
    owners
        Keep only the rows of these owners; the list is read until all of them are found. It costs a request
        for each thousand holders, where `read_helius_balances` with ``mint`` costs one for each owner.
    top
        Read only so many of the largest holders (of ``owners``, where they are given); 1,000 are one request.
    min_balance
        Read only holders of at least so many base units.
    api_key, cluster, endpoint, plan, requests_per_second, max_concurrency, timeout, retries
        As for `read_helius_balances`.
    page_size
        Holders asked for in one request, 2 to 1000.
    drop_zero
        Leave out, and do not read, rows of balance 0: who has spent all is listed last.
    errors
        ``"raise"``: the first error that retrying cannot fix ends the pull. ``"collect"``: errors of single
        mints are collected, see ``df.helius.failures()``, and the other mints are returned.
    consistency
        ``"stable"``: read mints of several pages until two passes agree, at most six times; those that never
        did are listed in ``df.attrs["helius"]["unstable"]``, as JSON text.
    chunksize
        Return an iterator of frames with this many rows each, in the order of the whole one and in bounded
        memory; one request at a time for each mint, and an owner who is met twice stands twice. With
        ``errors="collect"`` or ``consistency`` a mint is held whole until it is finished.
    dtype_backend, progress, event_loop
        As for `read_helius_balances`.

    Returns
    -------
    One row for each (mint, owner): mints in the order given, then the largest balance first, equal ones by
    owner bytes descending, which is the server's own order:

    ========= ======== ==================================================================
    column    dtype    meaning
    ========= ======== ==================================================================
    owner     category base58 address; categories: ``owners``, else those that have a row
    mint      category base58 address; categories: the mints read to the end, in their order
    balance   uint64   base units, exact, 0 to 2**64 - 1; 0 is an owner who has spent all
    slot      int64    the page's ``context.slot``: the row is at least as new as this
    ========= ======== ==================================================================

    ``df.attrs["helius"]`` has ``complete``: whether every holder was read, so that an owner without a row
    never had any; with ``owners``, ``top``, ``min_balance`` or ``drop_zero`` who has no row was not read.
    With ``chunksize`` a `BalanceChunks`.

    Raises
    ------
    InputError
        An argument is wrong; nothing was sent.
    AuthenticationError, RateLimitError, RPCError, ProtocolError, TransportError
        The error that ended the pull, with ``mint``, ``page``, ``partial`` (the rows of the finished mints)
        and ``open_mints``. No gap is stepped over: a page that keeps failing is an error.
    PullInterrupted
        Ctrl-C or a kernel interrupt; a `KeyboardInterrupt` with ``partial`` and ``open_mints``.

    Examples
    --------
    >>> import pandas as pd
    >>> import helius_frames
    >>> mint = helius_frames.demo.MINTS[0]
    >>> df = pd.read_helius_holders(mint, cluster="demo")
    >>> bool(df["balance"].is_monotonic_decreasing)
    True
    >>> len(pd.read_helius_holders(mint, top=10, cluster="demo"))
    10
    """
    __tracebackhide__ = True
    seal(options)
    try:
        config = resolve(
            owners,
            mint,
            {**options, "chunksize": chunksize},
            kind="holders",
            top=top,
            min_balance=min_balance,
        )
        return read(config) if chunksize is None else BalanceChunks(config)
    except (HeliusError, PullInterrupted) as error:
        raise error.with_traceback(None) from None


@overload
def aread_helius_holders(
    mint: object,
    *,
    owners: object = None,
    top: int | None = None,
    min_balance: int | None = None,
    chunksize: None = None,
    **options: Unpack[ReadOptions],
) -> Coroutine[Any, Any, pd.DataFrame]: ...
@overload
def aread_helius_holders(
    mint: object,
    *,
    owners: object = None,
    top: int | None = None,
    min_balance: int | None = None,
    chunksize: int,
    **options: Unpack[ReadOptions],
) -> AsyncBalanceChunks: ...
@overload
def aread_helius_holders(
    mint: object,
    *,
    owners: object = None,
    top: int | None = None,
    min_balance: int | None = None,
    chunksize: int | None,
    **options: Unpack[ReadOptions],
) -> Coroutine[Any, Any, pd.DataFrame] | AsyncBalanceChunks: ...
@with_options(ReadOptions, without=["event_loop"])
def aread_helius_holders(
    mint: object,
    *,
    owners: object = None,
    top: int | None = None,
    min_balance: int | None = None,
    chunksize: int | None = None,
    **options: Unpack[ReadOptions],
) -> Coroutine[Any, Any, pd.DataFrame] | AsyncBalanceChunks:
    """Read as `read_helius_holders` does, on the event loop that awaits it.

    The parameters are those of `read_helius_holders` but for ``event_loop``. Cancelling the task that awaits
    it stops every request in flight.

    Returns
    -------
    A coroutine of the frame; with ``chunksize`` an `AsyncBalanceChunks`, which is iterated without ``await``.

    Raises
    ------
    HeliusError
        As `read_helius_holders` does; a wrong argument at the call, before anything is awaited.

    Examples
    --------
    >>> import asyncio
    >>> import helius_frames
    >>> one = helius_frames.demo.MINTS[0]
    >>> df = asyncio.run(helius_frames.aread_helius_holders(one, top=3, cluster="demo"))
    >>> len(df)
    3
    """
    __tracebackhide__ = True
    seal(options)
    if "event_loop" in options:
        raise TypeError(
            "aread_helius_holders runs on the loop that awaits it: there is no option 'event_loop'"
        )
    try:
        config = resolve(
            owners,
            mint,
            {**options, "chunksize": chunksize},
            kind="holders",
            top=top,
            min_balance=min_balance,
        )
    except HeliusError as error:
        raise error.with_traceback(None) from None
    return aread(config) if chunksize is None else AsyncBalanceChunks(config)


def read(config: PullConfig, cancelled: threading.Event | None = None) -> pd.DataFrame:
    """Read what a config asks for, as one frame; an event that is set cancels it, as Ctrl-C does."""
    pull = Pull(config)
    sink = FrameSink(pull)
    display = _display(pull)

    def on_tick() -> None:
        if cancelled is not None and cancelled.is_set():
            raise KeyboardInterrupt
        display()

    is_whole = False
    try:
        _sync.run(pull.run(sink), event_loop=config.event_loop, on_tick=on_tick)
        is_whole = True
    except HeliusError as error:
        sink.keep(error)
        raise
    except KeyboardInterrupt:
        interrupt = PullInterrupted()
        sink.keep(interrupt)
    finally:
        display.close(is_failed=not is_whole)
    if not is_whole:
        raise interrupt  # here, so that it carries no frames: nested, it may have come where the key is known
    return sink.frame()


async def aread(config: PullConfig) -> pd.DataFrame:
    """Read what a config asks for on the running loop, as one frame."""
    __tracebackhide__ = True
    pull = Pull(config)
    sink = FrameSink(pull)
    display = _display(pull)
    is_whole = False
    try:
        await _sync.with_ticks(pull.run(sink), display)
        is_whole = True
    except HeliusError as error:
        sink.keep(error)
        raise error.with_traceback(None) from None
    finally:
        display.close(is_failed=not is_whole)
    return sink.frame()


class _Chunks:
    """What both iterators over chunks share: the pull, its progress, and one caller at a time."""

    def __init__(self, config: PullConfig) -> None:
        self._pull = Pull(config)
        self._sink = ChunkSink(self._pull, config.chunksize or 1)
        self._display = _display(self._pull)
        self._is_closed = False
        self._is_asked = False
        # Without waiting: the garbage collector may run in the thread of the loop that would have to answer.
        weakref.finalize(self, self._sink.abandon)

    @property
    def failures(self) -> pd.DataFrame:
        """Owners (or mints) that have failed so far (``errors="collect"``): owner, page, kind, message."""
        return failures_frame(self._pull.stats.failures(), self._pull.config.subject)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Refuse a second wait for the next chunk: both would get the same."""
        if self._is_asked:
            raise RuntimeError("the next chunk is being waited for already: call again when it has come")
        self._is_asked = True
        try:
            yield
        finally:
            self._is_asked = False


class BalanceChunks(_Chunks):
    """Iterator of frames that `read_helius_balances` and `read_helius_holders` return with ``chunksize``.

    Use it in ``with``, or call `close`: requests run ahead of the chunk in hand, and stop then.

    After an error or an interrupt the chunks in hand and the exception's ``partial`` together hold every row
    of the finished owners. Of an owner among its ``open_owners`` they may hold the first rows: leave those
    out before the owner is read again.
    """

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> pd.DataFrame:
        __tracebackhide__ = True
        if self._is_closed:
            raise StopIteration
        loop = self._pull.config.event_loop
        with self._alone():
            try:
                chunk = _sync.run(self._sink.next_chunk(), event_loop=loop, on_tick=self._display)
                self._display()
            except (HeliusError, KeyboardInterrupt) as error:
                ended = (
                    PullInterrupted() if isinstance(error, KeyboardInterrupt) else error.with_traceback(None)
                )
                self._close(is_failed=True)
                self._sink.keep(ended)
            except BaseException:  # of the caller's own progress, or another loop
                self._close(is_failed=True)
                raise
            else:
                if chunk is None:
                    self._close()
                    raise StopIteration
                self._sink.given()
                return chunk
        raise ended  # here, so that it carries no frames

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop every request in flight; what was not given out is dropped."""
        self._close(is_failed=True)

    def _close(self, *, is_failed: bool = False) -> None:
        if self._is_closed:
            return
        self._is_closed = True
        if self._sink.is_running:
            _sync.run(self._sink.aclose(), event_loop=self._pull.config.event_loop)
        self._display.close(is_failed=is_failed)


class AsyncBalanceChunks(_Chunks):
    """Async iterator of frames, which both async readers return with ``chunksize``.

    Use it in ``async with``, or await `aclose`.
    """

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> pd.DataFrame:
        __tracebackhide__ = True
        if self._is_closed:
            raise StopAsyncIteration
        with self._alone():
            try:
                chunk = await _sync.with_ticks(self._sink.next_chunk(), self._display)
                self._display()
            except HeliusError as error:
                await self._aclose(is_failed=True)
                self._sink.keep(error)
                raise error.with_traceback(None) from None
            except Exception:  # of the caller's own progress, or another loop
                await self._aclose(is_failed=True)
                raise
            if chunk is None:
                await self._aclose()
                raise StopAsyncIteration
            self._sink.given()
            return chunk

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Stop every request in flight; what was not given out is dropped."""
        await self._aclose(is_failed=True)

    async def _aclose(self, *, is_failed: bool = False) -> None:
        if not self._is_closed:
            self._is_closed = True
            await self._sink.aclose()
            self._display.close(is_failed=is_failed)


def _display(pull: Pull) -> ProgressDisplay:
    config = pull.config
    return ProgressDisplay(pull.stats.progress, config.progress, is_local=config.endpoint.is_demo)
