"""Where requests go, which key goes with them, and that neither is ever shown."""

from __future__ import annotations

import copy
import pickle
import secrets
import traceback

import pytest

from helius_frames._transport.endpoint import Endpoint, Secret, as_secret, is_loopback, resolve_endpoint
from helius_frames.errors import EndpointError, InputError, KeyMissingError

KEY = "0b4f7d2c-9a31-4e58-8c6f-" + secrets.token_hex(6)
OTHER = "11111111-2222-3333-4444-555555555555"
SHOWN = "Secret(…)"


def resolve(environ=None, **options):
    return resolve_endpoint(
        options.get("api_key"), options.get("cluster"), options.get("endpoint"), environ or {}
    )


def everything_about(error):
    """An exception and all it drags along, with the locals of the package's own frames."""
    shown = traceback.TracebackException.from_exception(error, capture_locals=True)
    frames = [frame for frame in shown.stack if "/tests/" not in frame.filename]
    chain = [repr(error), str(error), repr(error.__dict__), repr(error.__cause__), repr(error.__context__)]
    return "\n".join(chain + [f"{frame.name} {frame.locals}" for frame in frames])


def refusal(kind, environ=None, **options):
    with pytest.raises(kind) as caught:
        resolve(environ, **options)
    shown = everything_about(caught.value)
    assert KEY not in shown
    assert OTHER not in shown
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
        secret = as_secret(KEY)
        assert as_secret(secret) is secret
        assert as_secret(None) is None


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
            "https://rpc.example/a b", "https://rpc.exa\nmple", "https://rpc.example/pfad/ä", 8784, "https://:80/",
            f"https://{KEY}@[bad", f"https://rpc.example:{OTHER}/",
        ],
        ids=map(str, range(13)),
    )  # fmt: skip
    def test_what_is_not_a_url_is_refused_without_showing_it(self, url):
        assert "http:// or https:// URL" in refusal(EndpointError, endpoint=url)


HOSTS = {
    "letters, digits, hyphens": ("https://a-1.b2.example", "a-1.b2.example"),
    "upper case": ("https://RPC.Example", "rpc.example"),
    "one label": ("https://photon", "photon"),
    "trailing dot": ("https://rpc.example.", "rpc.example"),
    "IDNA": ("https://rpc.ex\u00e4mple", "rpc.xn--exmple-cua"),
    "IDNA, upper case": ("https://\u00c4.example", "xn--4ca.example"),
    "IDNA, full width": ("https://\uff52\uff50\uff43.example", "rpc.example"),
    "IPv4": ("https://10.0.0.1:8784", "10.0.0.1"),
    "IPv6": ("https://[2001:db8::1]:8784", "2001:db8::1"),
    "63 characters": (f"https://{'a' * 63}.example", f"{'a' * 63}.example"),
}
NO_HOSTS = {
    "backslash": "https://evil\\.helius-rpc.com/",
    "backslash before @": "https://evil.example\\@mainnet.helius-rpc.com/",
    "backslash after the host": "https://evil.example\\.helius-rpc.com",
    "underscore": "https://a_b.helius-rpc.com",
    "percent": "https://evil%2ehelius-rpc.com",
    "two dots": "https://rpc..example",
    "dot first": "https://.helius-rpc.com",
    "hyphen first": "https://-a.example",
    "hyphen last": "https://a-.example",
    "64 characters": f"https://{'a' * 64}.example",
    "254 characters": f"https://{'.'.join(['a' * 49] * 5)}.exam",
    "not IDNA": "https://rpc.exa\u200bmple\u2024com.\u2028",
    "emoji": "https://\u2764\ufe0f\u0301.example/",
    "fraction slash": "https://evil.example\u2044.helius-rpc.com",
    "full width slash": "https://evil.example\uff0f.helius-rpc.com",
    "IPv6 with a zone": "https://[fe80::1%25eth0]",
    "IPv6 that is none": "https://[::g]",
    "no brackets": "https://2001:db8::1/",
    "asterisk": "https://*.helius-rpc.com",
    "dollar": "https://a$.helius-rpc.com",
    "brackets inside": "https://a[b].helius-rpc.com",
    "comma": "https://a,b.helius-rpc.com",
    "semicolon": "https://evil.example;.helius-rpc.com",
}


class TestHosts:
    @pytest.mark.parametrize(("url", "host"), HOSTS.values(), ids=HOSTS)
    def test_a_host_goes_on_the_wire_as_ascii(self, url, host):
        assert resolve(endpoint=url).host == host

    @pytest.mark.parametrize("url", NO_HOSTS.values(), ids=NO_HOSTS)
    def test_a_host_of_other_characters_gets_no_key_and_no_request(self, url):
        message = refusal(EndpointError, {"HELIUS_API_KEY": KEY}, endpoint=url)
        assert "http:// or https:// URL" in message
        assert "evil" not in message

    @pytest.mark.parametrize(
        "url", ["https://rpc.example:0", "https://rpc.example:", "https://rpc.example:080"]
    )
    def test_a_port_that_says_nothing_is_the_usual_one_or_its_number(self, url):
        assert resolve(endpoint=url).port in (443, 80)

    @pytest.mark.parametrize("port", ["65536", "-1", "8a", "\u0661", "+80", " 80", "8_0"])
    def test_a_port_that_is_not_a_port_is_refused(self, port):
        refusal(EndpointError, endpoint=f"https://rpc.example:{port}/")

    @pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.255.0.1", "::1"])
    def test_this_machine_is_known_by_name_and_number(self, host):
        assert is_loopback(host)

    @pytest.mark.parametrize("host", ["localhost.example", "10.0.0.1", "::2", "127.0.0.1.example", "0.0.0.1"])
    def test_no_other_machine_is_taken_for_this_one(self, host):
        assert not is_loopback(host)


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

    def test_a_secure_url_of_helius_needs_no_key(self):
        assert resolve(endpoint="https://abc-fast-mainnet.helius-rpc.com").key is None

    @pytest.mark.parametrize(
        "bad",
        [f" {KEY}", f"{KEY}\n", f"{KEY} {KEY}", f"{KEY}\x00", f"{KEY}ä", 5],
        ids=["space before", "line end", "two", "zero byte", "not ASCII", "a number"],
    )
    def test_a_key_with_characters_no_key_has_is_refused_unseen(self, bad):
        assert "api_key must not hold" in refusal(InputError, api_key=bad)

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
        environ = {"HELIUS_API_KEY": KEY, "HELIUS_ENDPOINT": f"https://two.example/{OTHER}"}
        refusal(EndpointError, environ, cluster="demo", endpoint=f"https://one.example/?token={KEY}")
        refusal(EndpointError, environ, endpoint=f"http://one.example/?token={KEY}")


class TestWhatIsShown:
    url = f"https://user:pa%2Fss-{KEY}@rpc.example/v2/{OTHER}/rpc?token={KEY}"

    def test_nothing_but_the_label(self):
        endpoint = resolve(endpoint=self.url, api_key=KEY)
        fields = {name: getattr(endpoint, name) for name in Endpoint.__slots__}
        for text in (
            repr(endpoint),
            str(endpoint),
            repr(fields),
            repr(endpoint.account("photon")),
            repr([endpoint]),
        ):
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
        assert by_argument.account("photon") == by_url.account("photon")
        assert by_argument.account("photon") != resolve(api_key=OTHER).account("photon")
        assert by_argument.account("photon") != resolve(api_key=KEY, cluster="devnet").account("photon")

    def test_families_of_methods_are_accounts_of_their_own_at_helius_alone(self):
        helius, other = resolve(api_key=KEY), resolve(endpoint="https://rpc.example")
        assert helius.account("photon") != helius.account("das")
        assert other.account("photon") == other.account("das")

    def test_clean_takes_out_every_part_of_the_url(self):
        endpoint = resolve(endpoint=self.url)
        echoed = f"no route /v2/{OTHER}/rpc?token={KEY} for user:pa%2Fss-{KEY} at rpc.example"
        cleaned = endpoint.clean(echoed)
        assert KEY not in cleaned
        assert OTHER not in cleaned
        assert "pa/ss" not in cleaned
        assert cleaned.endswith("at rpc.example")
