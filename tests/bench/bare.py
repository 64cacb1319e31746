"""What the machine can do: the bytes of a walk over loopback without parsing, and decoding alone."""

from __future__ import annotations

import json
import socket
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pandas as pd

from helius_frames._frame import FrameBuilder
from helius_frames._protocol import balances, jsonrpc
from helius_frames._pull.rows import RowBuffer
from helius_frames.demo import _rpc
from helius_frames.demo._pages import pages_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from helius_frames.demo import Holdings
    from helius_frames.demo._pages import PageSlice

PAGE = 1000
_END = b"\r\n\r\n"
_LENGTH = b"content-length: "


def bodies(holdings: Holdings) -> list[bytes]:
    """Bodies that the server would send for each page of the one owner."""
    pages = pages_of(holdings)
    return [_body(number, pages.cut(query, "mint")) for number, query in enumerate(_queries(holdings))]


def bodies_over_loopback(url: str, holdings: Holdings) -> list[bytes]:
    """Ask for each page of the one owner on one raw connection, and take the bodies as they are."""
    host = urlsplit(url)
    method = balances.METHODS[0]
    requests = [
        _http(host.netloc, jsonrpc.build_request(method, query._asdict(), "1"))
        for query in _queries(holdings)
    ]
    with socket.create_connection((host.hostname, host.port)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return [_exchange(connection, request) for request in requests]


def decode(bodies: Sequence[bytes]) -> list[balances.Page]:
    """Pages of the bodies."""
    return [balances.parse_page(str(number), str, 200, body) for number, body in enumerate(bodies)]


def frame_of_pages(pages: Sequence[balances.Page], owners: Sequence[str]) -> pd.DataFrame:
    """Frame of the pages of one owner."""
    buffer, builder = RowBuffer(), FrameBuilder(owners)
    for page in pages:
        buffer.append(page)
    builder.add(0, buffer.take_rows())
    return builder.frame()


def frame_of_bodies(bodies: Sequence[bytes], owners: Sequence[str]) -> pd.DataFrame:
    """Frame of the bodies of one owner by Python's own reader, to check them."""
    rows = [item for body in bodies for item in json.loads(body)["result"]["value"]["items"]]
    return pd.DataFrame(rows).assign(owner=owners[0])


def _queries(holdings: Holdings) -> list[_rpc.Query]:
    """Ask for the pages of the one owner; the cursors are known beforehand."""
    cursors = [None, *(holdings.mint_texts[code] for code in holdings.codes[PAGE - 1 :: PAGE])]
    return [_rpc.Query(holdings.owners[0], cursor=cursor, limit=PAGE) for cursor in cursors]


def _body(number: int, cut: PageSlice) -> bytes:
    cursor = b"null" if cut.cursor is None else b'"%b"' % cut.cursor.encode()
    return _rpc.page_text(b'"%d"' % number, 100, b"items", cut.items, cursor)


def _http(host: str, body: bytes) -> bytes:
    head = f"POST / HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
    return head.encode() + _END + body


def _exchange(connection: socket.socket, request: bytes) -> bytes:
    connection.sendall(request)
    reply = bytearray()
    while (end := reply.find(_END)) < 0:
        reply += _some(connection)
    length = int(reply[: end + 2].lower().partition(_LENGTH)[2].partition(b"\r")[0])
    body = memoryview(bytearray(length))
    body[: len(reply) - end - len(_END)] = reply[end + len(_END) :]
    _fill(connection, body[len(reply) - end - len(_END) :])
    return bytes(body)


def _some(connection: socket.socket) -> bytes:
    data = connection.recv(1 << 16)
    if not data:
        raise ConnectionError("the bench's server closed the connection")
    return data


def _fill(connection: socket.socket, rest: memoryview) -> None:
    while rest:
        size = connection.recv_into(rest)
        if not size:
            raise ConnectionError("the bench's server closed the connection")
        rest = rest[size:]
