"""Asking a Photon server without our reader: JSON-RPC over plain httpx."""

from typing import NamedTuple

import httpx

V2 = "getCompressedTokenBalancesByOwnerV2"
V1 = "getCompressedTokenBalancesByOwner"
HOLDERS = "getCompressedMintTokenHolders"


def message(params=None, *, method=V2, request_id="1"):
    return {"jsonrpc": "2.0", "id": request_id, "method": method, "params": params}


class Server(NamedTuple):
    """One server under contract."""

    url: str
    client: httpx.Client

    def call(self, params=None, **about):
        return self.client.post(self.url, json=message(params, **about))

    def send(self, content, kind="application/json"):
        return self.client.post(self.url, content=content, headers={"content-type": kind})

    def result(self, **params):
        reply = self.call(params)
        assert reply.status_code == 200
        return reply.json()["result"]

    def value(self, **params):
        return self.result(**params)["value"]

    def rows(self, **params):
        return [(item["mint"], item["balance"]) for item in self.value(**params)["items"]]

    def error(self, **params):
        reply = self.call(params)
        assert reply.status_code == 200
        return reply.json()["error"]

    def walk(self, owner, limit=1000):
        """Pages of one owner, from cursor to cursor."""
        pages, cursor = [], {}
        while True:
            page = self.value(owner=owner, limit=limit, **cursor)
            pages.append([(item["mint"], item["balance"]) for item in page["items"]])
            if page["cursor"] is None:
                return pages
            cursor = {"cursor": page["cursor"]}
