"""What can go wrong, as one tree of exceptions with one base class.

Each class is named for the event, carries what is known of it as attributes, and says in its message
what happened and what to do. No message, attribute or cause ever holds a key or a URL's path and query.

::

    HeliusError
    ├── InputError (ValueError)        the call itself is wrong; nothing was sent
    │   ├── OwnerError                 an owner is blank, missing or not an address
    │   ├── MintError                  a mint is blank, missing or not an address
    │   ├── KeyMissingError            a Helius cluster was asked without a key
    │   └── EndpointError              the endpoint cannot be used, or not with a key
    ├── AuthenticationError            401 or 403: the key is wrong, or may not do this
    ├── RateLimitError                 429 to the end: too fast, or out of credits
    ├── RPCError                       the server answered with a JSON-RPC error
    ├── ProtocolError                  a reply that the protocol does not allow
    │   └── CursorError                a cursor or a mint came twice
    ├── TransportError                 no whole reply arrived
    │   ├── HostUnreachableError       no such host, nothing listens there, or its certificate is not trusted
    │   └── RequestTimeout             … within ``timeout`` seconds
    ├── AttrsError                     ``df.attrs["helius"]`` is needed and gone
    └── HeliusErrorGroup (ExceptionGroup)  several of them at once
        └── InputErrorGroup (InputError)   every bad item of the input
    PullInterrupted (KeyboardInterrupt)    Ctrl-C or a kernel interrupt ended a pull
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

__all__ = [
    "AttrsError",
    "AuthenticationError",
    "CursorError",
    "EndpointError",
    "HeliusError",
    "HeliusErrorGroup",
    "HostUnreachableError",
    "InputError",
    "InputErrorGroup",
    "KeyMissingError",
    "MintError",
    "OwnerError",
    "ProtocolError",
    "PullInterrupted",
    "RPCError",
    "RateLimitError",
    "RequestTimeout",
    "TransportError",
]


class HeliusError(Exception):
    """Base class of every fault of this package.

    Attributes
    ----------
    reason
        What happened, without the owner and page in front of it.
    owner, page
        Whose walk it happened in, and at which request of that walk (from 1); ``None`` where it
        concerns no single owner.
    status, code
        HTTP status and JSON-RPC error code, where there was one.
    retry_after_s
        Seconds the server asked to wait, where it did.
    partial
        Where the fault ended a pull: the rows of the owners that were finished, as a frame.
    open_owners
        Where the fault ended a pull: the owners that were not finished, in the order asked.
    """

    def __init__(
        self,
        reason: str,
        *,
        status: int | None = None,
        code: int | None = None,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.owner: str | None = None
        self.page: int | None = None
        self.status = status
        self.code = code
        self.retry_after_s = retry_after_s
        self.partial: pd.DataFrame | None = None
        self.open_owners: tuple[str, ...] = ()

    @property
    def kind(self) -> str:
        """Name of the event, as `failures` lists it."""
        return type(self).__name__

    def reworded(self, reason: str) -> Self:
        """Say what happened in other words."""
        self.reason = reason
        self.args = (reason,)
        return self

    def at(self, owner: str, page: int) -> Self:
        """Say in whose walk and at which page it happened."""
        self.owner, self.page = owner, page
        return self

    def __str__(self) -> str:
        if self.owner is None:
            return self.reason
        return f"owner {self.owner!r}, page {self.page}: {self.reason}"


class InputError(HeliusError, ValueError):
    """The call itself is wrong, before anything was sent."""


class OwnerError(InputError):
    """An owner is blank, missing or not a base58 address of 32 bytes."""


class MintError(InputError):
    """A mint is blank, missing or not a base58 address of 32 bytes."""


class KeyMissingError(InputError):
    """A Helius cluster was asked and no key is set."""


class EndpointError(InputError):
    """The endpoint is no http(s) URL, or a key would go over plain http to another machine."""


class AuthenticationError(HeliusError):
    """The server refuses the key (401), or the key may not do this (403)."""


class RateLimitError(HeliusError):
    """429 (or JSON-RPC -32005) to the last retry: the rate is exceeded, or the credits are used up."""


class RPCError(HeliusError):
    """The server answered with a JSON-RPC error, or with an HTTP status that stands for one."""


class ProtocolError(HeliusError):
    """A reply that the protocol does not allow; the message shows what came, shortened and cleaned."""


class CursorError(ProtocolError):
    """A cursor repeated or a mint came twice within one owner: the walk would loop or count twice."""


class TransportError(HeliusError):
    """The host was not reached, or the connection broke before the whole reply was there."""


class HostUnreachableError(TransportError):
    """No connection to the host at all: no such name, refused, or a certificate that is not trusted."""


class RequestTimeout(TransportError):
    """No whole reply within ``timeout`` seconds."""


class AttrsError(HeliusError):
    """``df.attrs["helius"]`` is needed for the answer and is not there (pandas drops attrs freely)."""


# A message that lists thousands of bad owners would hide its first line.
_LISTED = 20


class HeliusErrorGroup(HeliusError, ExceptionGroup[HeliusError]):
    """Several faults at once: every bad item of the input, or faults in flight together."""

    def __new__(cls, message: str, faults: Sequence[HeliusError]) -> Self:  # noqa: D102
        return ExceptionGroup.__new__(cls, message, list(faults))

    def __init__(self, message: str, faults: Sequence[HeliusError]) -> None:
        HeliusError.__init__(self, message)
        self.args = (message, list(faults))

    def derive(self, faults: Sequence[HeliusError]) -> HeliusErrorGroup:  # type: ignore[override]
        """Group of a part of the faults, as ``except*`` asks for it; what had arrived stays with it."""
        part = type(self)(self.reason, faults)
        part.partial, part.open_owners = self.partial, self.open_owners
        return part

    def __str__(self) -> str:
        lines = [f"  - {fault}" for fault in self.exceptions[:_LISTED]]
        if len(self.exceptions) > _LISTED:
            lines.append(f"  … and {len(self.exceptions) - _LISTED:,} more, in .exceptions")
        return f"{self.reason}:\n" + "\n".join(lines)


class InputErrorGroup(HeliusErrorGroup, InputError):
    """Every bad owner or mint of the input, each with its position and value; nothing was sent."""


class PullInterrupted(KeyboardInterrupt):
    """Ctrl-C or a kernel interrupt ended a pull; what had arrived is kept.

    Attributes
    ----------
    partial
        The rows of the owners that were finished, as a frame.
    open_owners
        The owners that were not finished, in the order asked.
    """

    def __init__(self, message: str = "the pull was interrupted") -> None:
        super().__init__(message)
        self.partial: pd.DataFrame | None = None
        self.open_owners: tuple[str, ...] = ()
