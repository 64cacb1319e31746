"""Where a request goes and which key goes with it, decided before anything is sent.

Pure argument work, it opens no connection. Whatever may be a secret (key, path, query and user part of a URL)
is sealed from the first line on, so that no representation, pickle or traceback with locals can show it. One
parser decides where the key goes and where the request goes: a second one that reads a URL in another way
would send the key elsewhere.
"""

from __future__ import annotations

import hashlib
import ipaddress
import os
import re
import secrets
from base64 import b64encode
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, NoReturn, TypeAlias
from urllib.parse import parse_qsl, quote, unquote, urlsplit

import idna

from helius_frames._transport.redact import clean
from helius_frames.errors import EndpointError, InputError, KeyMissingError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

HELIUS_DOMAIN: Final = "helius-rpc.com"
CLUSTER_HOSTS: Final = {"mainnet": f"mainnet.{HELIUS_DOMAIN}", "devnet": f"devnet.{HELIUS_DOMAIN}"}
DEMO: Final = "demo"
CLUSTERS: Final = ("mainnet", "mainnet-beta", "devnet", DEMO)
Cluster: TypeAlias = Literal["mainnet", "mainnet-beta", "devnet", "demo"]

_PORTS: Final = {"http": 80, "https": 443}
_KEY_PARAMETER: Final = "api-key"
# A host name of letters, digits, hyphens and dots; everything else is refused before anything is sent.
_LABEL: Final = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_HOST_MAX: Final = 253
_HOST: Final = re.compile(rf"{_LABEL}(?:\.{_LABEL})*\.?")
# Path segments shorter than this ("rpc", "v1", "solana") are names, and would garble every message.
_SEGMENT_MIN: Final = 8
# Accounts are distinguished by a hash that no other process can compute, so it gives nothing away.
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


def as_secret(value: str | Secret | None) -> Secret | None:
    """Seal a key or URL, in the first line of a public function; it never raises, so it shows nothing."""
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
    def is_helius(self) -> bool:
        """Whether Helius itself is asked, whose plans and credits are known."""
        return self.host.endswith(f".{HELIUS_DOMAIN}")

    def account(self, family: str) -> tuple[str, str, str]:
        """Whose rate limit a request counts against: the host, a hash of the key or URL, and the methods.

        Helius limits each family of methods for itself; of other hosts nothing is known, so all count as one.
        """
        whose = self.key or self.url
        digest = hashlib.blake2b(whose.reveal().encode(), key=_SALT, digest_size=16)
        return f"{self.host}:{self.port}", digest.hexdigest(), family if self.is_helius else ""

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
        texts = [
            secret.reveal() for secret in (self.key, self.user, self.authorization) if secret is not None
        ]
        if self.user is not None:
            name, _, password = self.user.reveal().partition(":")
            texts += [password, *([name] if len(name) >= _SEGMENT_MIN else [])]
        if self.authorization is not None:
            texts.append(self.authorization.reveal().partition(" ")[2])
        texts += [value for _, value in parse_qsl(parts.query)] + [parts.query]
        for segment in parts.path.split(
            "/"
        ):  # of a matrix parameter, ``;token=…``, the value is a secret too
            texts += [text for text in (segment, *re.split("[;=,]", segment)) if len(text) >= _SEGMENT_MIN]
        return tuple(text for text in texts if text)


def resolve_endpoint(
    api_key: str | Secret | None = None,
    cluster: str | None = None,
    endpoint: str | Secret | None = None,
    environ: Mapping[str, str] | None = None,
) -> Endpoint:
    """Return where to and with which key: ``endpoint``, ``cluster``, ``HELIUS_ENDPOINT``, mainnet.

    The key is ``api_key`` or the endpoint URL's own, else ``HELIUS_API_KEY``; the environment's key
    goes to Helius's own hosts and to loopback only.

    Raises
    ------
    EndpointError
        Both ``cluster`` and ``endpoint`` are given, the URL cannot be used, or a secret would go over plain
        http to another machine.
    KeyMissingError
        Helius's mainnet or devnet is asked and there is no key.
    InputError
        The key holds white space or other characters that no key has.
    """
    api_key, endpoint = as_secret(api_key), as_secret(endpoint)
    environ = os.environ if environ is None else environ
    texts = (environ.get(name, "").strip() for name in ("HELIUS_API_KEY", "HELIUS_ENDPOINT"))
    environment_key, environment_url = (Secret(text) if text else None for text in texts)
    del environ, texts  # a traceback with locals would show all of it
    if cluster is not None and endpoint is not None:
        raise EndpointError("cluster= and endpoint= exclude each other: pass one of them")
    if cluster == DEMO:
        return Endpoint(DEMO, DEMO, "http", DEMO, 80, Secret(f"http://{DEMO}/"))
    url = endpoint or environment_url
    if cluster is not None or url is None:
        name = "mainnet" if cluster in (None, "mainnet-beta") else str(cluster)
        key = _checked_key(api_key or environment_key)
        if key is None:
            raise _key_missing(name)
        host = CLUSTER_HOSTS[name]
        signed = Secret(f"https://{host}/?{_KEY_PARAMETER}={quote(key.reveal(), safe='')}")
        return Endpoint(name, name, "https", host, _PORTS["https"], signed, key)

    parsed = _parse_url(url)
    if isinstance(parsed, str):
        raise EndpointError(f"the endpoint {parsed}: pass an http:// or https:// URL, or cluster= by name")
    if parsed.key is not None and api_key is not None and parsed.key != api_key:
        raise EndpointError("api_key= and the endpoint's own api-key differ: pass the key in one place")
    is_ours = is_loopback(parsed.host) or parsed.host.endswith(f".{HELIUS_DOMAIN}")
    key = _checked_key(parsed.key or api_key or (environment_key if is_ours else None))
    name = f"[{parsed.host}]" if ":" in parsed.host else parsed.host
    label = f"{parsed.scheme}://{name}" + ("" if parsed.port == _PORTS[parsed.scheme] else f":{parsed.port}")
    if parsed.scheme == "http" and (key or parsed.user or parsed.query) and not is_loopback(parsed.host):
        raise EndpointError(f"{label}: a key is never sent over plain http; use an https:// endpoint")
    if key is None and parsed.host in CLUSTER_HOSTS.values():
        raise _key_missing(parsed.host)
    # The key is in the URL once, whichever way it was given.
    fields = [parsed.query.reveal()] if parsed.query else []
    fields += [f"{_KEY_PARAMETER}={quote(key.reveal(), safe='')}"] if key else []
    signed = Secret(label + parsed.path.reveal() + (f"?{'&'.join(fields)}" if fields else ""))
    return Endpoint(None, label, parsed.scheme, parsed.host, parsed.port, signed, key, parsed.user)


def is_loopback(host: str) -> bool:
    """Return whether a host is this machine, by its name or number alone."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class _Url(NamedTuple):
    """The parts of a usable endpoint URL, with everything sealed that may be a secret."""

    scheme: str
    host: str
    port: int
    path: Secret
    query: Secret | None
    key: Secret | None
    user: Secret | None


def _parse_url(sealed: Secret) -> _Url | str:
    """Return the parts of the URL, or what is wrong with it; it never raises: a local holds the text."""
    text = sealed.reveal()
    if not isinstance(text, str):
        return "must be text"
    text = text.strip()
    if not text.isprintable() or " " in text or "\\" in text:  # browsers read a backslash as a slash
        return "must not hold white space, backslashes or control characters"
    try:
        parts = urlsplit(text)
        host, port = _ascii_host(parts.hostname or ""), parts.port
    except ValueError:  # its text quotes the URL
        return "is not a valid URL"
    if parts.scheme not in _PORTS or not parts.hostname:
        return "must be an http or https URL with a host"
    if host is None:
        return "must name a host of letters, digits, hyphens and dots, or an IP address"
    if not (parts.path + parts.query + parts.netloc.rpartition("@")[0]).isascii():
        return "must be percent-encoded where it is not ASCII"
    fields = [field for field in parts.query.split("&") if field.partition("=")[0] != _KEY_PARAMETER]
    keys = (value for name, value in parse_qsl(parts.query) if name == _KEY_PARAMETER)
    texts = ("&".join(fields), next(keys, ""), parts.netloc.rpartition("@")[0])
    query, key, user = (Secret(text) if text else None for text in texts)
    path = Secret(parts.path or "/")
    return _Url(parts.scheme, host, port or _PORTS[parts.scheme], path, query, key, user)


def _ascii_host(host: str) -> str | None:
    """Return a host as it is sent; ``None`` where it is not one."""
    if ":" in host:  # `urlsplit` takes the brackets of an IPv6 address away
        ipaddress.IPv6Address(host.partition("%")[0])
        return host if "%" not in host else None
    if not host.isascii():
        try:
            host = idna.encode(host, uts46=True).decode("ascii")
        except idna.IDNAError:
            return None
    return host.rstrip(".") if _HOST.fullmatch(host) and len(host) <= _HOST_MAX else None


def _checked_key(key: Secret | None) -> Secret | None:
    """Refuse a key that no server can have given out; blank counts as none."""
    text = "" if key is None else key.reveal()
    if not text:
        return None
    is_plain = isinstance(text, str) and text.isascii() and text.isprintable() and " " not in text
    del text
    if not is_plain:
        raise InputError(
            "api_key must not hold white space or other characters that a key does not have:"
            " check how it was copied (it is not shown here)"
        )
    return key


def _key_missing(where: str) -> KeyMissingError:
    return KeyMissingError(
        f"{where} needs a Helius API key and none is set: pass api_key=, or set the environment variable"
        " HELIUS_API_KEY, or try without a key on the embedded indexer with cluster='demo'"
    )
