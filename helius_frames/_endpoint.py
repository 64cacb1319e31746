"""Where a request goes and which key goes with it, settled before anything is sent.

Pure argument work: it may import `errors` and `_clean`, and opens no connection. Whatever may be a
secret (key, path, query and user part of a URL) is sealed from the first line on, so that no
representation, pickle or traceback with locals can show it.
"""

from __future__ import annotations

import hashlib
import ipaddress
import os
import secrets
from base64 import b64encode
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple, NoReturn
from urllib.parse import SplitResult, parse_qsl, quote, unquote, urlsplit

from helius_frames._clean import clean
from helius_frames.errors import EndpointError, InputError, KeyMissingError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

HELIUS_DOMAIN: Final = "helius-rpc.com"
CLUSTER_HOSTS: Final = {"mainnet": f"mainnet.{HELIUS_DOMAIN}", "devnet": f"devnet.{HELIUS_DOMAIN}"}
DEMO: Final = "demo"
CLUSTERS: Final = ("mainnet", "mainnet-beta", "devnet", DEMO)

_PORTS: Final = {"http": 80, "https": 443}
_KEY_PARAMETER: Final = "api-key"
_CLUSTER_NAME_MAX: Final = 20
# Path segments shorter than this ("rpc", "v1", "solana") are names, and would garble every message.
_SEGMENT_MIN: Final = 8
# Accounts are told apart by a hash that no other process can compute, so it gives nothing away.
_SALT: Final = secrets.token_bytes(16)


class Secret:
    """Text that shows itself only when asked by name, and refuses to be pickled."""

    __slots__ = ("_reveal",)

    def __init__(self, text: str) -> None:
        # A closure, not an attribute: `vars`, `inspect` and pretty printers list attributes.
        self._reveal: Callable[[], str] = lambda: text

    def reveal(self) -> str:
        """Hand out the text."""
        return self._reveal()

    def __repr__(self) -> str:
        return "Secret(…)"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return format(str(self), spec)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self.reveal() == other.reveal()

    def __hash__(self) -> int:
        return hash((Secret, self.reveal()))

    def __copy__(self) -> Secret:
        return self

    def __deepcopy__(self, _memo: object) -> Secret:
        return self

    def __reduce_ex__(self, _protocol: object) -> NoReturn:
        raise TypeError("a secret is not pickled: give the key again where it is needed")


def seal(value: str | Secret | None) -> Secret | None:
    """Wrap a key or URL, in the first line of a public function; it never raises, so it shows nothing."""
    return value if value is None or isinstance(value, Secret) else Secret(value)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where requests go. Only the label is ever shown or stored.

    Attributes
    ----------
    label
        What may be shown: the cluster's name, or scheme and host (and port) of an endpoint.
    url
        What is asked: the whole URL with path, query and key, without its user part.
    key
        The key, where one is sent.
    user
        ``name:password`` of the URL, sent as basic authentication.
    """

    cluster: str | None
    label: str
    scheme: str
    host: str
    port: int
    url: Secret
    key: Secret | None = None
    user: Secret | None = None

    def __repr__(self) -> str:
        return f"Endpoint({self.label!r})"

    @property
    def is_demo(self) -> bool:
        """Whether the embedded indexer is asked, in this process."""
        return self.cluster == DEMO

    @property
    def account(self) -> tuple[str, str]:
        """Whose rate limit a request counts against: the host, and a hash of the key or URL."""
        whose = self.key or self.url
        digest = hashlib.blake2b(whose.reveal().encode(), key=_SALT, digest_size=16)
        return f"{self.host}:{self.port}", digest.hexdigest()

    @property
    def authorization(self) -> Secret | None:
        """Value of the ``Authorization`` header, where the URL names a user."""
        if self.user is None:
            return None
        return Secret("Basic " + b64encode(unquote(self.user.reveal()).encode()).decode())

    def clean(self, text: str) -> str:
        """Text without anything of this endpoint that may be a secret."""
        return clean(text, self.secret_texts())

    def secret_texts(self) -> tuple[str, ...]:
        """Everything that must not be shown: key, user part, path, query and their parts."""
        parts = urlsplit(self.url.reveal())
        sealed = (self.key, self.user, self.authorization)
        texts = [secret.reveal() for secret in sealed if secret is not None]
        texts += [value for _, value in parse_qsl(parts.query)] + [parts.query]
        texts += [segment for segment in parts.path.split("/") if len(segment) >= _SEGMENT_MIN]
        if self.user is not None:
            texts.append(self.user.reveal().partition(":")[2])
        return tuple(text for text in texts if text)


def resolve_endpoint(
    api_key: str | Secret | None = None,
    cluster: str | None = None,
    endpoint: str | Secret | None = None,
    environ: Mapping[str, str] | None = None,
) -> Endpoint:
    """Settle where to and with which key: ``endpoint``, ``cluster``, ``HELIUS_ENDPOINT``, mainnet.

    The key is ``api_key`` or the endpoint URL's own, else ``HELIUS_API_KEY``; the environment's key
    goes to Helius's own hosts and to loopback only.

    Raises
    ------
    EndpointError
        Both ``cluster`` and ``endpoint`` are given, the cluster is unknown, the URL cannot be used,
        or a secret would go over plain http to another machine.
    KeyMissingError
        Helius's mainnet or devnet is asked and there is no key.
    InputError
        The key holds white space or other characters that no key has.
    """
    api_key, endpoint = seal(api_key), seal(endpoint)
    settings = _settings(os.environ if environ is None else environ)
    del environ  # a traceback with locals would show all of it
    if cluster is not None and endpoint is not None:
        raise EndpointError("both cluster= and endpoint= are given: pass one of them")
    if cluster is not None:
        return _cluster(cluster, api_key, settings)
    url = endpoint or settings.endpoint
    return _cluster("mainnet", api_key, settings) if url is None else _custom(url, api_key, settings)


def is_loopback(host: str) -> bool:
    """Whether a host is this machine, told by its name or number alone."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class _Settings(NamedTuple):
    """What the environment says, sealed; blank means unset."""

    key: Secret | None
    endpoint: Secret | None


class _Url(NamedTuple):
    """A usable endpoint URL, taken apart, with everything sealed that may be a secret."""

    scheme: str
    host: str
    port: int
    path: Secret
    query: Secret | None
    key: Secret | None
    user: Secret | None


def _settings(environ: Mapping[str, str]) -> _Settings:
    texts = (environ.get(name, "").strip() for name in ("HELIUS_API_KEY", "HELIUS_ENDPOINT"))
    return _Settings(*(Secret(text) if text else None for text in texts))


def _cluster(name: str, key: Secret | None, settings: _Settings) -> Endpoint:
    if name not in CLUSTERS:
        raise EndpointError(f"cluster {_shown_name(name)} is unknown: choose one of {', '.join(CLUSTERS)}")
    name = "mainnet" if name == "mainnet-beta" else name
    if name == DEMO:
        return Endpoint(DEMO, DEMO, "http", DEMO, 80, Secret(f"http://{DEMO}/"))
    key = _usable(key or settings.key)
    if key is None:
        raise _key_missing(name)
    host = CLUSTER_HOSTS[name]
    url = Secret(f"https://{host}/?{_KEY_PARAMETER}={quote(key.reveal(), safe='')}")
    return Endpoint(name, name, "https", host, _PORTS["https"], url, key)


def _custom(sealed: Secret, api_key: Secret | None, settings: _Settings) -> Endpoint:
    url = _parsed(sealed)
    key = _usable(_choose_key(url, api_key, settings))
    label = _label(url.scheme, url.host, url.port)
    if url.scheme == "http" and (key or url.user or url.query) and not is_loopback(url.host):
        raise EndpointError(f"{label}: a key is never sent over plain http; use an https:// endpoint")
    if key is None and url.host in CLUSTER_HOSTS.values():
        raise _key_missing(url.host)
    return Endpoint(None, label, url.scheme, url.host, url.port, _asked(label, url, key), key, url.user)


def _choose_key(url: _Url, api_key: Secret | None, settings: _Settings) -> Secret | None:
    if url.key is not None and api_key is not None and url.key != api_key:
        raise EndpointError("api_key= and the endpoint's own api-key differ: give the key in one place")
    if url.key is not None or api_key is not None:
        return url.key or api_key
    return settings.key if _may_have_environment_key(url.host) else None


def _may_have_environment_key(host: str) -> bool:
    return is_loopback(host) or host.endswith(f".{HELIUS_DOMAIN}")


def _parsed(sealed: Secret) -> _Url:
    url = _try_parse(sealed)
    if isinstance(url, str):
        raise EndpointError(f"the endpoint {url}: give an http:// or https:// URL, or cluster= by name")
    return url


def _try_parse(sealed: Secret) -> _Url | str:
    """Parts of the URL, or what is wrong with it; it never raises, since it holds the text in a local."""
    text = sealed.reveal()
    if not isinstance(text, str):
        return "is not text"
    text = text.strip()
    if not _is_plain(text):
        return "holds white space or characters that a URL does not have"
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:  # its text quotes the URL
        return "is not a valid URL"
    if parts.scheme not in _PORTS or not parts.hostname:
        return "is no http or https URL with a host"
    return _taken_apart(parts, port or _PORTS[parts.scheme])


def _taken_apart(parts: SplitResult, port: int) -> _Url:
    host = (parts.hostname or "").rstrip(".")
    fields = [field for field in parts.query.split("&") if field.partition("=")[0] != _KEY_PARAMETER]
    keys = (value for name, value in parse_qsl(parts.query) if name == _KEY_PARAMETER)
    query, key, user = "&".join(fields), next(keys, ""), parts.netloc.rpartition("@")[0]
    sealed = (Secret(text) if text else None for text in (query, key, user))
    return _Url(parts.scheme, host, port, Secret(parts.path or "/"), *sealed)


def _asked(label: str, url: _Url, key: Secret | None) -> Secret:
    """URL as it is asked: the key stands in it once, whichever way it was given."""
    fields = [url.query.reveal()] if url.query else []
    fields += [f"{_KEY_PARAMETER}={quote(key.reveal(), safe='')}"] if key else []
    query = f"?{'&'.join(fields)}" if fields else ""
    return Secret(label + url.path.reveal() + query)


def _label(scheme: str, host: str, port: int) -> str:
    name = f"[{host}]" if ":" in host else host
    return f"{scheme}://{name}" if port == _PORTS[scheme] else f"{scheme}://{name}:{port}"


def _usable(key: Secret | None) -> Secret | None:
    """Refuse a key that no server can have given out; blank counts as none."""
    if key is None or not key.reveal():
        return None
    if not _looks_like_a_key(key):
        raise InputError(
            "the API key holds white space or other characters that a key does not have:"
            " check how it was copied (it is not shown here)"
        )
    return key


def _looks_like_a_key(key: Secret) -> bool:
    text = key.reveal()
    return isinstance(text, str) and _is_plain(text)


def _is_plain(text: str) -> bool:
    return text.isascii() and text.isprintable() and " " not in text


def _key_missing(where: str) -> KeyMissingError:
    return KeyMissingError(
        f"{where} needs a Helius API key and none is set: pass api_key=, or set the environment variable"
        " HELIUS_API_KEY, or try without a key on the embedded indexer with cluster='demo'"
    )


def _shown_name(name: object) -> str:
    """Show a cluster's name only where it can be nothing but a name: a key may have slipped in."""
    if isinstance(name, str) and len(name) <= _CLUSTER_NAME_MAX and name.replace("-", "").isalnum():
        return repr(name)
    return "(not shown)"
