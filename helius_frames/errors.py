"""What can go wrong, as one tree of exceptions with one base class.

Each class is named for the event, carries what is known of it as attributes, and says in its message
what happened and what to do. No message, attribute or cause ever holds a key or a URL's path and query.

::

    HeliusError
    ├── InputError (ValueError)        the call itself is wrong; nothing was sent
    │   ├── OwnerError                 an owner is missing, blank or not an address
    │   ├── MintError                  a mint is missing, blank or not an address
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
    └── AttrsError                     ``df.attrs["helius"]`` is needed and gone
    PullInterrupted (KeyboardInterrupt)    Ctrl-C or a kernel interrupt ended a pull

A pull that ends raises one of them, that of the first owner in order; errors of other owners in flight at
that moment are in its ``others``. Bad items of the input are listed in ``InputError.problems``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, Self

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd

__all__ = [
    "AttrsError",
    "AuthenticationError",
    "CursorError",
    "EndpointError",
    "HeliusError",
    "HostUnreachableError",
    "InputError",
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


# A message that lists thousands of bad items would hide its first line.
_LISTED: Final = 8


class _EndOfPull(BaseException):
    """What an exception that ends a pull keeps of it."""

    partial: pd.DataFrame | None = None
    open_owners: tuple[str, ...] = ()
    open_mints: tuple[str, ...] = ()
    kept = ""

    def keep(
        self,
        partial: pd.DataFrame,
        left: tuple[str, ...],
        asked: int,
        subject: Literal["owner", "mint"] = "owner",
    ) -> None:
        """Attach the rows of the finished owners (or mints), and say where they are and how to continue."""
        self.partial = partial
        setattr(self, f"open_{subject}s", left)
        if len(left) == asked and not len(partial):
            self.kept = f"Nothing was kept: no {subject} had been read to the end"
            return
        self.kept = (
            f"Kept: {asked - len(left):,} of {asked:,} {subject}s read to the end, {len(partial):,} rows,"
            " in .partial of this exception (in a notebook: import sys; sys.last_value.partial)"
        )
        if left:
            self.kept += f"; to continue, read its .open_{subject}s, the other {len(left):,}"


class HeliusError(_EndOfPull, Exception):
    """Base class of every error of this package.

    Attributes
    ----------
    reason
        What happened, without the owner and page in front of it.
    owner, mint, page
        Whose read it happened in, an owner's or a mint's, and at which request of it (from 1); ``None`` where
        it concerns no single one.
    status, code
        HTTP status and JSON-RPC error code, where there was one.
    retry_after_s
        Seconds the server asked to wait, where it did.
    is_transient
        Whether the same request may succeed a moment later.
    others
        Errors of other owners that were in flight when this one ended the pull.
    partial
        Where the error ended a pull: the rows of the owners that were finished, as a frame.
    open_owners, open_mints
        Where the error ended a pull: the owners (or mints) that were not finished, in the order asked.
    kept
        A sentence that says what is in ``partial`` and how to continue; the message ends with it.
    """

    is_transient = False

    def __init__(
        self,
        reason: str,
        *,
        status: int | None = None,
        code: int | None = None,
        is_transient: bool | None = None,
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.owner: str | None = None
        self.mint: str | None = None
        self.page: int | None = None
        self.status = status
        self.code = code
        self.retry_after_s: float | None = None
        self.others: tuple[HeliusError, ...] = ()
        if is_transient is not None:
            self.is_transient = is_transient

    @property
    def kind(self) -> str:
        """Name of the event, as `failures` lists it."""
        return type(self).__name__

    def with_reason(self, reason: str) -> Self:
        """Replace the text of what happened."""
        self.reason = reason
        self.args = (reason,)
        return self

    def at(self, page: int, *, owner: str | None = None, mint: str | None = None) -> Self:
        """Set whose read it happened in, and at which page."""
        self.page, self.owner, self.mint = page, owner, mint
        return self

    def __str__(self) -> str:
        where = ""
        if self.owner or self.mint:
            where = f"{'owner' if self.owner else 'mint'} {(self.owner or self.mint)!r}, page {self.page}: "
        others = f" ({len(self.others):,} more failed at the same moment, see .others)" if self.others else ""
        kept = f". {self.kept}" if self.kept else ""
        return f"{where}{self.reason}{others}{kept}"


class InputError(HeliusError, ValueError):
    """The call itself is wrong, before anything was sent.

    Attributes
    ----------
    problems
        Where a list was given: one text for each bad item, with its position.
    """

    def __init__(self, reason: str, problems: Iterable[str] = ()) -> None:
        super().__init__(reason)
        self.problems = tuple(problems)

    def __str__(self) -> str:
        lines = [f"\n  - {problem}" for problem in self.problems[:_LISTED]]
        if len(self.problems) > _LISTED:
            lines.append(f"\n  … and {len(self.problems) - _LISTED:,} more, in .problems")
        return f"{super().__str__()}{':' if lines else ''}{''.join(lines)}"


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

    is_transient = True


class RPCError(HeliusError):
    """The server answered with a JSON-RPC error, or with an HTTP status that stands for one."""


class ProtocolError(HeliusError):
    """A reply that the protocol does not allow; the message shows its beginning, without secrets."""


class CursorError(ProtocolError):
    """A cursor repeated or a mint came twice within one owner: the walk would loop or count twice."""


class TransportError(HeliusError):
    """The host was not reached, or the connection broke before the whole reply was there."""

    is_transient = True


class HostUnreachableError(TransportError):
    """No connection to the host at all: no such name, refused, or a certificate that is not trusted."""


class RequestTimeout(TransportError):
    """No whole reply within ``timeout`` seconds."""


class AttrsError(HeliusError):
    """``df.attrs["helius"]`` is needed for the answer and is not there (pandas drops attrs freely)."""


class PullInterrupted(_EndOfPull, KeyboardInterrupt):
    """Ctrl-C or a kernel interrupt ended a pull; the owners that were finished are kept.

    Attributes
    ----------
    partial
        The rows of the owners that were finished, as a frame.
    open_owners, open_mints
        The owners (or mints) that were not finished, in the order asked.
    kept
        A sentence that says what is in ``partial`` and how to continue; the message ends with it.
    """

    def __init__(self, message: str = "the pull was interrupted") -> None:
        super().__init__(message)

    def __str__(self) -> str:
        return f"{self.args[0]}. {self.kept}" if self.kept else str(self.args[0])
