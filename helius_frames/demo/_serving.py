"""An ASGI app on a real port, in a thread of its own.

uvicorn is imported inside the function that serves, since only the extra ``demo`` brings it.
"""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    import uvicorn

    from helius_frames.demo._asgi import App

# Clients of a long pull pause longer than uvicorn's five seconds, and would meet closed connections.
_KEEP_ALIVE_S: Final = 120
# At the end of the block a request in progress may take this long, then it is cancelled.
_GRACE_S: Final = 1
_POLL_S: Final = 0.005


@contextmanager
def serve(app: App, *, host: str = "127.0.0.1", port: int = 0) -> Iterator[str]:
    """Serve an ASGI app on a real port until the ``with`` block ends.

    Parameters
    ----------
    app
        An `Indexer`, or any other ASGI app.
    host, port
        Where to listen: a name or an address, IPv6 ones such as ``"::1"`` too; port 0 takes a free one.

    Yields
    ------
    The URL, such as ``http://127.0.0.1:40123``.

    Raises
    ------
    ModuleNotFoundError
        uvicorn is missing; the extra ``demo`` brings it.
    OSError
        The host is not one of this machine's, or the port is taken.

    Examples
    --------
    >>> from helius_frames import demo
    >>> with demo.serve(demo.app()) as url:
    ...     print(url.rpartition(":")[0])
    http://127.0.0.1
    """
    with run(make_server(app), host, port) as url:
        yield url


@contextmanager
def run(server: uvicorn.Server, host: str, port: int) -> Iterator[str]:
    """Run a server in a thread until the ``with`` block ends; yield its URL."""
    listener = _listen(host, port)
    thread = threading.Thread(target=server.run, args=([listener],), name="demo-indexer", daemon=True)
    thread.start()
    try:
        _wait_until_started(server, thread)
        url_host = f"[{host}]" if ":" in host else host
        yield f"http://{url_host}:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


def make_server(app: App, **options: Any) -> uvicorn.Server:
    """Return a uvicorn server that is quiet and keeps connections open; ``options`` are uvicorn's own."""
    try:
        import uvicorn  # noqa: PLC0415
    except ModuleNotFoundError:
        wanted = "uvicorn serves the demo indexer: pip install 'helius_frames[demo]'"
        raise ModuleNotFoundError(wanted) from None
    config = uvicorn.Config(
        app,
        ws="none",
        lifespan="off",
        access_log=False,
        log_config=None,  # the caller's logging stays as it is
        log_level="critical",
        server_header=False,
        timeout_keep_alive=_KEEP_ALIVE_S,
        timeout_graceful_shutdown=_GRACE_S,
        **options,
    )
    return uvicorn.Server(config)


def _listen(host: str, port: int) -> socket.socket:
    family, kind, protocol, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    listener = socket.socket(family, kind, protocol)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(address)
    except OSError:
        listener.close()
        raise
    return listener


def _wait_until_started(server: uvicorn.Server, thread: threading.Thread) -> None:
    while not server.started:
        if not thread.is_alive():
            raise RuntimeError("the demo indexer did not start")
        thread.join(_POLL_S)
