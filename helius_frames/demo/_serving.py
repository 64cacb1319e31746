"""An ASGI app on a real port, in a thread of its own.

It imports `_delivery` alone of the demo, and uvicorn inside the function that serves, since only the
extra ``demo`` brings it. Faults that break a reply reach the connection through an ASGI extension.
"""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from helius_frames.demo._delivery import PORT_EXTENSION, Receive, Scope, Send

if TYPE_CHECKING:
    import asyncio

    import uvicorn

App: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

# Clients of a long pull pause longer than uvicorn's five seconds, and would meet closed connections.
_KEEP_ALIVE_S: Final = 120
_LINGER_NOT: Final = struct.pack("ii", 1, 0)
_POLL_S: Final = 0.005


@contextmanager
def serve(app: App, *, host: str = "127.0.0.1", port: int = 0) -> Iterator[str]:
    """Serve an ASGI app on a real port until the ``with`` block ends.

    Parameters
    ----------
    app
        An `Indexer`, or any other ASGI app.
    host, port
        Where to listen; port 0 takes a free one.

    Yields
    ------
    The URL, such as ``http://127.0.0.1:40123``.

    Raises
    ------
    ModuleNotFoundError
        uvicorn is missing; the extra ``demo`` brings it.
    OSError
        The port is taken.

    Examples
    --------
    >>> from helius_frames import demo
    >>> with demo.serve(demo.app()) as url:
    ...     print(url.rpartition(":")[0])
    http://127.0.0.1
    """
    server = _server(app)
    listening = _listen(host, port)
    thread = threading.Thread(target=server.run, args=([listening],), name="demo-indexer", daemon=True)
    thread.start()
    try:
        _wait(server, thread)
        yield f"http://{host}:{listening.getsockname()[1]}"
    finally:
        server.should_exit = server.force_exit = True
        thread.join()
        listening.close()


def _listen(host: str, port: int) -> socket.socket:
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
    except OSError:
        listening.close()
        raise
    return listening


def _server(app: App) -> uvicorn.Server:
    try:
        import uvicorn  # noqa: PLC0415
    except ModuleNotFoundError:
        wanted = "uvicorn serves the demo indexer: pip install 'helius_frames[demo]'"
        raise ModuleNotFoundError(wanted) from None
    config = uvicorn.Config(
        app,
        http=_protocol(),
        ws="none",
        lifespan="off",
        access_log=False,
        log_config=None,  # the caller's logging stays as it is
        log_level="critical",
        server_header=False,
        timeout_keep_alive=_KEEP_ALIVE_S,
    )
    return uvicorn.Server(config)


def _wait(server: uvicorn.Server, thread: threading.Thread) -> None:
    while not server.started:
        if not thread.is_alive():
            raise RuntimeError("the demo indexer did not start")
        thread.join(_POLL_S)


def _protocol() -> type[asyncio.Protocol]:
    """Extend uvicorn's HTTP protocol to hand the connection to the app."""
    from uvicorn.protocols.http.auto import AutoHTTPProtocol  # noqa: PLC0415

    class PortProtocol(AutoHTTPProtocol):  # type: ignore[misc, valid-type]
        def connection_made(self, transport: asyncio.Transport) -> None:
            super().connection_made(transport)
            self.app: App = _with_port(self.config.loaded_app, _Port(transport))

    return PortProtocol


def _with_port(app: App, port: _Port) -> App:
    async def call(scope: Scope, receive: Receive, send: Send) -> None:
        scope.setdefault("extensions", {})[PORT_EXTENSION] = port
        await app(scope, receive, send)

    return call


class _Port:
    """The connection beneath a reply, as `_delivery.Port` wants it."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport

    def write(self, data: bytes) -> None:
        self._transport.write(data)

    def reset(self) -> None:
        """Close with nothing to linger for, which TCP tells the other side as a reset."""
        connection: Any = self._transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NOT)
        self._transport.abort()

    def close(self) -> None:
        self._transport.close()
