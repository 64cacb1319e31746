"""Where requests go, which key goes with them, and that neither is ever shown."""

from __future__ import annotations

import copy
import pickle
import secrets
import traceback

import pytest
from helius_frames._clean import MASK, clean, conceal, shorten
from helius_frames._transport.endpoint import Endpoint, Secret, resolve_endpoint, seal

from helius_frames.errors import EndpointError, InputError, KeyMissingError

KEY = "0b4f7d2c-9a31-4e58-8c6f-" + secrets.token_hex(6)
OTHER = "11111111-2222-3333-4444-555555555555"
SHOWN = "Secret(…)"


def resolve(environ=None, **options):
    return resolve_endpoint(
        options.get("api_key"), options.get("cluster"), options.get("endpoint"), environ or {}
    )


def everything_about(fault):
    """An exception and all it drags along, with the locals of the package's own frames."""
    told = traceback.TracebackException.from_exception(fault, capture_locals=True)
    frames = [frame for frame in told.stack if "/tests/" not in frame.filename]
    chain = [repr(fault), str(fault), repr(fault.__dict__), repr(fault.__cause__), repr(fault.__context__)]
    return "\n".join(chain + [f"{frame.name} {frame.locals}" for frame in frames])


def refusal(kind, environ=None, **options):
    with pytest.raises(kind) as caught:
        resolve(environ, **options)
    told = everything_about(caught.value)
    assert KEY not in told
    assert OTHER not in told
    return str(caught.value)


class TestSecret:
    def test_shows_itself_in_no_way_but_when_asked(self):
        secret = Secret(KEY)
        for text in (
            repr(secret),
            str(secret),
            f"{secret}",
            f"{secret!r:>20}",
            repr([secret]),
            f"{secret:>20}",
        ):
            assert KEY not in text
        assert secret.reveal() == KEY

    def test_has_no_attributes_to_list(self):
        assert not hasattr(Secret(KEY), "__dict__")
        assert KEY not in repr([getattr(Secret(KEY), name) for name in dir(Secret(KEY))])

    def test_is_not_pickled(self):
        for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
            with pytest.raises(TypeError, match="not pickled"):
                pickle.dumps(Secret(KEY), protocol)

    def test_copies_are_the_same_secret(self):
        secret = Secret(KEY)
        assert copy.copy(secret) is secret
        assert copy.deepcopy([secret])[0] is secret

    def test_equals_another_of_the_same_text(self):
        assert Secret(KEY) == Secret(KEY)
        assert hash(Secret(KEY)) == hash(Secret(KEY))
        assert Secret(KEY) != Secret(OTHER)
        assert Secret(KEY) != KEY

    def test_sealing_twice_changes_nothing(self):
        secret = seal(KEY)
        assert seal(secret) is secret
        assert seal(None) is None


class TestWhereTo:
    def test_mainnet_is_the_default(self):
        endpoint = resolve(api_key=KEY)
        assert (endpoint.cluster, endpoint.label, endpoint.host, endpoint.port, endpoint.scheme) == (
            "mainnet", "mainnet", "mainnet.helius-rpc.com", 443, "https",
        )  # fmt: skip
        assert endpoint.url.reveal() == f"https://mainnet.helius-rpc.com/?api-key={KEY}"

    @pytest.mark.parametrize(
        ("name", "cluster"), [("mainnet", "mainnet"), ("mainnet-beta", "mainnet"), ("devnet", "devnet")]
    )
    def test_a_cluster_goes_by_its_name(self, name, cluster):
        endpoint = resolve(api_key=KEY, cluster=name)
        assert (endpoint.cluster, endpoint.host) == (cluster, f"{cluster}.helius-rpc.com")

    def test_the_demo_needs_no_key_and_takes_none(self):
        endpoint = resolve({"HELIUS_API_KEY": KEY}, cluster="demo", api_key=KEY)
        assert endpoint.is_demo
        assert endpoint.key is None
        assert KEY not in endpoint.url.reveal()

    def test_an_endpoint_comes_before_the_environments(self):
        environ = {"HELIUS_ENDPOINT": "https://two.example"}
        assert resolve(environ, endpoint="https://one.example").host == "one.example"
        assert resolve(environ).host == "two.example"
        assert resolve(environ, cluster="devnet", api_key=KEY).cluster == "devnet"

    def test_a_blank_environment_counts_as_unset(self):
        assert resolve({"HELIUS_ENDPOINT": "  "}, api_key=KEY).cluster == "mainnet"

    def test_cluster_and_endpoint_together_are_refused(self):
        assert "pass one" in refusal(EndpointError, cluster="demo", endpoint="https://one.example")

    def test_an_unknown_cluster_lists_the_choices(self):
        message = refusal(EndpointError, cluster="testnet", api_key=KEY)
        assert "'testnet'" in message
        assert "mainnet, mainnet-beta, devnet, demo" in message

    @pytest.mark.parametrize(
        "slip", [KEY, f"https://mainnet.helius-rpc.com/?api-key={KEY}"], ids=["key", "URL"]
    )
    def test_a_key_that_slipped_into_cluster_is_not_shown(self, slip):
        with pytest.raises(EndpointError) as caught:
            resolve(cluster=slip)
        assert KEY not in str(caught.value)

    @pytest.mark.parametrize(
        ("url", "label"),
        [
            ("https://rpc.example/v2/abc", "https://rpc.example"),
            ("HTTPS://RPC.Example:8443", "https://rpc.example:8443"),
            ("https://rpc.example:443/", "https://rpc.example"),
            ("http://127.0.0.1:8784", "http://127.0.0.1:8784"),
            ("http://[::1]:8784/", "http://[::1]:8784"),
            (" https://rpc.example. ", "https://rpc.example"),
        ],
    )
    def test_only_scheme_and_host_are_shown(self, url, label):
        endpoint = resolve(endpoint=url)
        assert endpoint.label == label
        assert repr(endpoint) == f"Endpoint({label!r})"

    @pytest.mark.parametrize(
        "url",
        [
            "mainnet", "ftp://rpc.example", "https://", "https://rpc.example:99999", "https://[::1",
            "rpc.example:80",
            "https://rpc.example/a b", "https://rpc.exa\nmple", "https://rpc.exämple", 8784, "https://:80/",
            f"https://{KEY}@[bad", f"https://rpc.example:{OTHER}/",
        ],
        ids=map(str, range(13)),
    )  # fmt: skip
    def test_what_is_no_url_is_refused_without_showing_it(self, url):
        assert "http:// or https:// URL" in refusal(EndpointError, endpoint=url)


class TestWhichKey:
    def test_the_argument_comes_before_the_environment(self):
        environ = {"HELIUS_API_KEY": OTHER}
        assert resolve(environ, api_key=KEY).key == Secret(KEY)
        assert resolve(environ).key == Secret(OTHER)

    @pytest.mark.parametrize(
        "url",
        [
            "https://mainnet.helius-rpc.com", "https://devnet.helius-rpc.com/",
            "https://x-fast-mainnet.helius-rpc.com",
            "http://127.0.0.1:1", "http://localhost:1", "http://[::1]:1", "http://127.9.9.9",
        ],
    )  # fmt: skip
    def test_the_environments_key_goes_to_helius_and_loopback(self, url):
        assert resolve({"HELIUS_API_KEY": KEY}, endpoint=url).key == Secret(KEY)

    @pytest.mark.parametrize(
        "url",
        [
            "https://rpc.example", "https://helius-rpc.com.example", "https://evilhelius-rpc.com", "https://10.0.0.1",
            "https://mainnet.helius-rpc.com.evil.example", "https://mainnet.helius-rpc.com@evil.example",
            "https://localhost.evil.example", "https://127.0.0.1.evil.example", "https://evil.localhost",
        ],
    )  # fmt: skip
    def test_the_environments_key_goes_nowhere_else(self, url):
        endpoint = resolve({"HELIUS_API_KEY": KEY}, endpoint=url)
        assert endpoint.key is None
        assert KEY not in endpoint.url.reveal()

    def test_an_endpoint_of_ones_own_gets_the_arguments_key(self):
        endpoint = resolve(endpoint="https://rpc.example/v1?x=1", api_key=KEY)
        assert endpoint.url.reveal() == f"https://rpc.example/v1?x=1&api-key={KEY}"

    def test_the_urls_own_key_is_the_key_and_is_not_added_twice(self):
        url = f"https://mainnet.helius-rpc.com/?api-key={KEY}"
        for endpoint in (
            resolve({"HELIUS_API_KEY": OTHER}, endpoint=url),
            resolve(endpoint=url, api_key=KEY),
        ):
            assert endpoint.key == Secret(KEY)
            assert endpoint.url.reveal() == url

    def test_two_different_keys_are_refused(self):
        url = f"https://mainnet.helius-rpc.com/?api-key={OTHER}"
        assert "differ" in refusal(EndpointError, endpoint=url, api_key=KEY)

    @pytest.mark.parametrize(
        "options",
        [
            {},
            {"cluster": "devnet"},
            {"endpoint": "https://mainnet.helius-rpc.com/?api-key="},
            {"api_key": ""},
        ],
    )
    def test_a_missing_key_names_three_ways_out(self, options):
        message = refusal(KeyMissingError, **options)
        for way in ("api_key=", "HELIUS_API_KEY", "cluster='demo'"):
            assert way in message

    def test_a_keyless_secure_url_needs_none(self):
        assert resolve(endpoint="https://abc-fast-mainnet.helius-rpc.com").key is None

    @pytest.mark.parametrize(
        "bad",
        [f" {KEY}", f"{KEY}\n", f"{KEY} {KEY}", f"{KEY}\x00", f"{KEY}ä", 5],
        ids=["space before", "line end", "two", "zero byte", "not ASCII", "a number"],
    )
    def test_a_key_with_characters_no_key_has_is_refused_unseen(self, bad):
        assert "API key holds" in refusal(InputError, api_key=bad)

    @pytest.mark.parametrize(
        "url",
        [
            "http://rpc.example/?api-key=" + OTHER,
            "http://user:pass@rpc.example",
            "http://rpc.example/?token=1",
        ],
    )
    def test_no_key_over_plain_http_to_another_machine(self, url):
        assert "plain http" in refusal(EndpointError, endpoint=url)

    def test_the_arguments_key_neither(self):
        assert "plain http" in refusal(EndpointError, endpoint="http://mainnet.helius-rpc.com", api_key=KEY)
        assert resolve(endpoint="http://photon.example:8784").key is None

    def test_a_key_is_percent_encoded(self):
        assert resolve(api_key="a&b=c/d").url.reveal().endswith("?api-key=a%26b%3Dc%2Fd")

    def test_a_refusal_does_not_show_the_environment(self):
        refusal(EndpointError, {"HELIUS_API_KEY": KEY}, cluster="nowhere")


class TestWhatIsShown:
    url = f"https://user:pa%2Fss-{KEY}@rpc.example/v2/{OTHER}/rpc?token={KEY}"

    def test_nothing_but_the_label(self):
        endpoint = resolve(endpoint=self.url, api_key=KEY)
        fields = {name: getattr(endpoint, name) for name in Endpoint.__slots__}
        for text in (repr(endpoint), str(endpoint), repr(fields), repr(endpoint.account), repr([endpoint])):
            assert KEY not in text
            assert OTHER not in text

    def test_an_endpoint_is_not_pickled(self):
        with pytest.raises(TypeError, match="not pickled"):
            pickle.dumps(resolve(api_key=KEY))

    def test_the_user_part_becomes_basic_authentication(self):
        endpoint = resolve(endpoint="https://user:p%40ss@rpc.example/")
        assert endpoint.authorization.reveal() == "Basic dXNlcjpwQHNz"
        assert endpoint.url.reveal() == "https://rpc.example/"

    def test_one_account_per_host_and_key(self):
        by_argument = resolve(api_key=KEY)
        by_url = resolve(endpoint=f"https://mainnet.helius-rpc.com?api-key={KEY}")
        assert by_argument.account == by_url.account
        assert by_argument.account != resolve(api_key=OTHER).account
        assert by_argument.account != resolve(api_key=KEY, cluster="devnet").account

    def test_clean_takes_out_every_part_of_the_url(self):
        endpoint = resolve(endpoint=self.url)
        echoed = f"no route /v2/{OTHER}/rpc?token={KEY} for user:pa%2Fss-{KEY} at rpc.example"
        cleaned = endpoint.clean(echoed)
        assert KEY not in cleaned
        assert OTHER not in cleaned
        assert "pa/ss" not in cleaned
        assert cleaned.endswith("at rpc.example")


class TestClean:
    def test_hides_a_secret_raw_encoded_and_in_any_case(self):
        for text in ("k y/1+2-abcdef", "k%20y%2F1%2B2-abcdef", "k+y%2F1%2B2-abcdef", "K%20Y%2f1%2b2-ABCDEF"):
            assert clean(f"<{text}>", ["k y/1+2-abcdef"]) == f"<{MASK}>"

    def test_hides_parts_of_a_secret(self):
        cleaned = clean(f"key {KEY[:10]}… is unknown, {KEY[-9:]}", [KEY])
        assert cleaned == f"key {MASK}… is unknown, {MASK}"

    def test_leaves_what_is_no_secret(self):
        assert clean("rate limit exceeded", [KEY]) == "rate limit exceeded"
        assert clean("anything", []) == "anything"

    def test_replaces_control_characters(self):
        assert clean("a\x1b[31mb\u202ec\nd", []) == "a [31mb c d"

    def test_a_secret_too_short_to_be_one_does_not_garble_the_text(self):
        assert clean("the rest", ["e"]) == "the rest"

    def test_conceals_in_bytes(self):
        assert conceal(f'{{"key":"{KEY}"}}'.encode(), [KEY]) == f'{{"key":"{MASK}"}}'.encode()
        assert conceal(b"\xff\x00", [KEY]) == b"\xff\x00"

    def test_shortens_to_the_length(self):
        assert shorten("abcdef", 6) == "abcdef"
        assert shorten("abcdefg", 6) == "abcde…"
