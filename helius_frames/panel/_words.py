"""The package's errors in the words of the form, for people who write no code."""

from __future__ import annotations

from helius_frames.errors import (
    AuthenticationError,
    EndpointError,
    HeliusError,
    HostUnreachableError,
    InputError,
    KeyMissingError,
    ProtocolError,
    RateLimitError,
    RequestTimeout,
    RPCError,
    TransportError,
)

# The first that fits counts, so a class stands before its base.
_SENTENCES: dict[type[HeliusError], str] = {
    KeyMissingError: "A key is needed here: type it into the field 'key'.",
    EndpointError: "This address cannot be used as an endpoint. It begins with https:// and names a server.",
    AuthenticationError: "The server does not accept the key. Type it again into the field 'key'.",
    RateLimitError: "The server refuses so many requests. Choose a smaller plan, or wait and pull again.",
    HostUnreachableError: "The server cannot be reached. Check the endpoint and the network.",
    RequestTimeout: "The server did not answer in time. Pull again, later if need be.",
    TransportError: "The connection broke. Pull again.",
    ProtocolError: "The server's answer cannot be used. If it happens again, tell who runs the server.",
    RPCError: "The server reported an error of its own. Pull again, later if need be.",
}


def in_form_words(error: HeliusError) -> str:
    """Return one sentence that says what to do in the form; the server's status follows it."""
    for kind, sentence in _SENTENCES.items():
        if isinstance(error, kind):
            return f"{sentence} (HTTP {error.status})" if error.status else sentence
    return error.reason if isinstance(error, InputError) else f"The pull failed: {error.kind}."
