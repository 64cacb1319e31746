"""What every Photon refuses, and how: JSON-RPC errors inside HTTP 200, text only below JSON-RPC.

Codes are held, of the messages only the words that both versions of the server share: its parser adds
line and column.
"""

import json

import pytest

from tests.black_box.contract import seed
from tests.black_box.contract.photon_client import message

OWNER = seed.EXTREMES
MINT = next(iter(seed.HELD[OWNER]))
INVALID_PARAMS, CALL_FAILED = -32602, -32000


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({}, "missing field `owner`"),
        ({"owner": OWNER, "page": 1}, "unknown field `page`, expected one of `owner`, `mint`, `cursor`"),
        ({"owner": None}, "invalid type: null, expected a base58 encoded string"),
        ({"owner": 5}, "invalid type: integer `5`, expected a base58 encoded string"),
        ({"owner": ""}, "String is the wrong size"),
        ({"owner": "abc"}, "String is the wrong size"),
        ({"owner": "1" * 31}, "String is the wrong size"),
        ({"owner": "1" * 33}, "String is the wrong size"),
        ({"owner": "z" * 44}, "String is the wrong size"),
        ({"owner": "0OIl"}, "Invalid Base58 string"),
        ({"owner": f"{OWNER[:-1]} "}, "Invalid Base58 string"),
        ({"owner": OWNER, "mint": "abc"}, "String is the wrong size"),
        ({"owner": OWNER, "mint": "0OIl"}, "Invalid Base58 string"),
        ({"owner": OWNER, "cursor": 5}, "invalid type: integer `5`, expected a string"),
        ({"owner": OWNER, "cursor": "0OIl"}, "provided string contained invalid character"),
        ({"owner": OWNER, "mint": MINT, "cursor": "0OIl"}, "provided string contained invalid character"),
        ({"owner": OWNER, "limit": 1001}, "integer `1001`, expected a value less than or equal to 1000"),
        ({"owner": OWNER, "limit": -1}, "invalid value: integer `-1`, expected u64"),
        ({"owner": OWNER, "limit": 1.0}, "invalid type: floating point `1.0`, expected u64"),
        ({"owner": OWNER, "limit": True}, "invalid type: boolean `true`, expected u64"),
        ({"owner": OWNER, "limit": "10"}, 'invalid type: string "10", expected u64'),
        ({"owner": OWNER, "limit": 2**64}, "expected u64"),
        (None, "invalid type: null, expected struct"),
        ("x", 'invalid type: string "x", expected struct'),
        ([OWNER], "invalid length 1, expected struct"),
    ],
)
def test_parameters_that_do_not_fit_are_refused_inside_http_200(server, params, said):
    reply = server.call(params)
    error = reply.json()["error"]
    assert (reply.status_code, error["code"], reply.json()["id"]) == (200, INVALID_PARAMS, "1")
    assert said in error["message"]


@pytest.mark.parametrize(("cursor", "size"), [("3J98t1WpEZ73CNm", 11), (f"1{MINT}", 33), ("", 0)])
def test_a_cursor_that_is_not_32_bytes_is_refused(server, cursor, size):
    said = f"Validation Error: Invalid cursor length. Expected 32. Received {size}."
    assert server.error(owner=OWNER, cursor=cursor) == {"code": CALL_FAILED, "message": said}
    assert server.error(owner=seed.EMPTY, cursor=cursor) == {"code": CALL_FAILED, "message": said}


def test_a_method_nobody_knows_is_not_found(server):
    reply = server.call(method="getNothing")
    assert reply.status_code == 200
    assert reply.json()["error"] == {"code": -32601, "message": "Method not found"}


@pytest.mark.parametrize("request_id", ["1", 'a"b', "é", 7, 0, 2**64 - 1, None])
def test_the_id_comes_back_as_it_was_sent(server, request_id):
    assert server.call(method="getIndexerSlot", request_id=request_id).json()["id"] == request_id
    assert server.call({}, request_id=request_id).json()["id"] == request_id


@pytest.mark.parametrize("request_id", [-1, 1.5, True, [], {}])
def test_a_call_without_a_usable_id_is_not_answered(server, request_id):
    reply = server.call({"owner": OWNER}, request_id=request_id)
    assert (reply.status_code, reply.content) == (200, b"")


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        ('{"jsonrpc":', 200, -32700),
        ("{}", 200, -32700),
        ("", 400, -32700),
        ("hello", 400, -32700),
        ("5", 400, -32700),
        ('{"jsonrpc":"2.0","id":"1"}', 200, -32600),
        ('{"jsonrpc":"1.0","id":"1","method":"getIndexerSlot"}', 200, -32600),
        ('{"jsonrpc":"2.0","id":"1","method":"getIndexerSlot","params":[NaN]}', 200, -32700),
        ("[]", 200, -32600),
    ],
)
def test_what_is_no_call_is_refused(server, content, status, code):
    reply = server.send(content)
    assert (reply.status_code, reply.json()["error"]["code"]) == (status, code)


def test_a_body_above_10_mib_is_too_big(server):
    reply = server.send(json.dumps(message({"owner": OWNER}, request_id="x" * (10 << 20))))
    assert (reply.status_code, reply.json()["error"]["code"]) == (413, -32701)


def test_a_batch_is_answered_in_order(server):
    calls = [
        message({"owner": seed.ONE}, request_id=1),
        message(method="no", request_id=2),
        message(method="getIndexerSlot", request_id=3),
    ]
    one, two, three = server.send(json.dumps(calls)).json()
    assert (one["id"], two["id"], three["id"]) == (1, 2, 3)
    assert len(one["result"]["value"]["items"]) == 1
    assert two["error"]["code"] == -32601


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("application/json", 200),
        ("application/json; charset=utf-8", 200),
        ("text/plain", 415),
        ("application/json-rpc", 415),
    ],
)
def test_the_content_type_has_to_be_json(server, kind, status):
    assert server.send(json.dumps(message({"owner": seed.ONE})), kind).status_code == status


def test_only_post_is_a_call_and_the_path_does_not_matter(server):
    assert server.client.get(server.url).status_code == 405
    assert server.client.put(server.url, json=message()).status_code == 405
    there = server.client.post(f"{server.url}/any/path?api-key=any", json=message({"owner": seed.ONE}))
    assert there.json() == server.call({"owner": seed.ONE}).json()


def test_it_says_whether_it_is_alive(server):
    assert server.client.get(f"{server.url}/liveness").text == "null"
    assert server.client.get(f"{server.url}/readiness").text == "null"


def test_health_is_ok_or_an_error_where_the_chain_cannot_be_asked(server):
    reply = server.call(method="getIndexerHealth").json()
    assert reply.get("result") == "ok" or reply["error"]["code"] == CALL_FAILED
