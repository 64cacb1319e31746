"""The readers' options, written once: their types, defaults and checks, and the config that a pull goes by.

An option is one line in a `TypedDict`, one in `OPTIONS` and one in `PullConfig`.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from numbers import Real
from operator import index as as_index
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, TypedDict, TypeVar, get_args

import pandas as pd

from helius_frames import _nested
from helius_frames._frame import DtypeBackend
from helius_frames._progress import ProgressOption  # noqa: TC001 - type checkers read it in a TypedDict
from helius_frames._protocol import holders, pubkey
from helius_frames._protocol.balances import PAGE_MAX
from helius_frames._sync import EventLoop
from helius_frames._transport.client import Environment
from helius_frames._transport.endpoint import CLUSTERS, Cluster, Endpoint, Secret, as_secret, resolve_endpoint
from helius_frames._transport.rate_limit import PLANS, Plan
from helius_frames.errors import EndpointError, InputError, MintError, OwnerError

if TYPE_CHECKING:
    from collections.abc import Sequence

Function = TypeVar("Function", bound=Callable[..., object])

_BOOLS: Final = (True, False)
# A year; more overflows the clocks of the system.
_SECONDS_MAX: Final = 365 * 86_400.0
# Text of more characters than this may be a key, so it is not shown whole.
_SHOWN: Final = 20
_U64_MAX: Final = (1 << 64) - 1


class ConnectionOptions(TypedDict, total=False):
    """What every reader takes: where to ask, how fast, and what to do about errors."""

    api_key: str | Secret | None
    cluster: Cluster | None
    endpoint: str | Secret | None
    plan: Plan | None
    requests_per_second: float | None
    max_concurrency: int
    timeout: float
    retries: int
    errors: Literal["raise", "collect"]
    dtype_backend: DtypeBackend | None
    progress: ProgressOption
    event_loop: EventLoop


class ReadOptions(ConnectionOptions, total=False):
    """What only walks have, beside `ConnectionOptions`."""

    page_size: int
    drop_zero: bool
    consistency: Literal["stable"] | None


class _Option(NamedTuple):
    default: Any
    check: Callable[[str, Any], Any] = lambda _name, value: value


def choice(*choices: object) -> Callable[[str, Any], Any]:
    """Return a check that a value is one of the choices."""
    texts = [repr(each) for each in choices]

    def check(name: str, value: Any) -> Any:  # noqa: ANN401
        # By type first: 1 is not True, and an array has no one truth value.
        same = (
            each
            for each in choices
            if isinstance(value, type(each)) and isinstance(value, bool) == isinstance(each, bool)
        )
        if not any(value == each for each in same):
            raise must_be(name, f"{', '.join(texts[:-1])} or {texts[-1]}", value)
        return value

    return check


def integer(low: int, high: int | None = None) -> Callable[[str, Any], int]:
    """Return a check that a value is an integer in a range."""

    def check(name: str, value: Any) -> int:  # noqa: ANN401
        try:
            number = as_index(value)
        except TypeError:
            number = low - 1
        if isinstance(value, bool) or number < low or (high is not None and number > high):
            raise must_be(
                name, f"an integer {f'≥ {low}' if high is None else f'from {low} to {high}'}", value
            )
        return number

    return check


def number(name: str, value: Any) -> float:  # noqa: ANN401
    """Check that a value is a positive, finite number."""
    if not isinstance(value, Real) or isinstance(value, bool) or not math.isfinite(value) or value <= 0:
        raise must_be(name, "a positive, finite number", value)
    return float(value)


def _progress(name: str, value: Any) -> Any:  # noqa: ANN401
    if not (value is None or isinstance(value, bool) or callable(value)):
        raise must_be(name, "None, True, False or a callable", value)
    return value


def _cluster(name: str, value: Any) -> Any:  # noqa: ANN401
    try:
        return choice(None, *CLUSTERS)(name, value)
    except InputError as error:
        hint = ": what was passed looks like a URL, use endpoint=" if "://" in str(value) else ""
        raise EndpointError(f"{error}{hint}") from None


def optional(check: Callable[[str, Any], Any]) -> Callable[[str, Any], Any]:
    """Return a check that lets ``None`` pass."""
    return lambda name, value: None if value is None else check(name, value)


OPTIONS: Final[dict[str, _Option]] = {
    "api_key": _Option(None),  # this and `endpoint` are checked by `resolve_endpoint`
    "cluster": _Option(None, _cluster),
    "endpoint": _Option(None),
    "plan": _Option(None, choice(None, *PLANS)),
    "requests_per_second": _Option(None, optional(number)),
    "max_concurrency": _Option(16, integer(1, 1000)),
    "page_size": _Option(1000, integer(1, PAGE_MAX)),
    "timeout": _Option(30.0, lambda name, value: min(number(name, value), _SECONDS_MAX)),
    "retries": _Option(6, integer(0)),
    "drop_zero": _Option(default=False, check=choice(*_BOOLS)),
    "errors": _Option("raise", choice("raise", "collect")),
    "consistency": _Option(None, choice(None, "stable")),
    "chunksize": _Option(None, optional(integer(1))),
    "dtype_backend": _Option(None, choice(None, *get_args(DtypeBackend))),
    "progress": _Option(None, _progress),
    "event_loop": _Option("thread", choice(*get_args(EventLoop))),
}


ENVIRONMENT: Final = Environment()
"""What a pull takes from outside unless `resolve` is passed another one: the network and the real clock."""


@dataclass(frozen=True, slots=True)
class PullConfig:
    """One pull, every argument checked."""

    kind: Literal["balances", "holders"]
    owners: tuple[str, ...] | None
    """Owners whose balances are read; of holders those that are wanted, ``None`` for all of them."""
    mints: tuple[str, ...]
    """Mints whose holders are read; of balances those that are wanted, none for all of them."""
    top: int | None
    min_balance: int
    endpoint: Endpoint
    rate: float | None
    max_concurrency: int
    page_size: int
    timeout: float
    retries: int
    drop_zero: bool
    errors: Literal["raise", "collect"]
    consistency: Literal["stable"] | None
    chunksize: int | None
    dtype_backend: DtypeBackend | None
    progress: ProgressOption
    event_loop: EventLoop
    environment: Environment

    @property
    def subject(self) -> Literal["owner", "mint"]:
        """What is walked."""
        return "owner" if self.kind == "balances" else "mint"

    @property
    def subjects(self) -> tuple[str, ...]:
        """The owners or mints that are walked."""
        return self.mints if self.kind == "holders" else self.owners or ()

    @property
    def is_streaming(self) -> bool:
        """Whether rows go out before their owner is whole: not those that may fail or be read again."""
        is_filtered = self.kind == "balances" and bool(self.mints)
        is_held = self.errors == "collect" or self.consistency is not None or is_filtered
        return self.chunksize is not None and not is_held


def seal(options: Any) -> None:  # noqa: ANN401 - a TypedDict is no dict to mypy
    """Seal the secrets of a call, in place and first of all: a traceback with locals shows neither."""
    for name in ("api_key", "endpoint", "rpc_endpoint"):
        if name in options:
            options[name] = as_secret(options[name])


def resolve(
    owners: object,
    mint: object,
    options: Mapping[str, Any],
    environment: Environment | None = None,
    *,
    kind: Literal["balances", "holders"] = "balances",
    top: object = None,
    min_balance: object = None,
) -> PullConfig:
    """Check every argument of a call; nothing is sent, and no event loop is touched, before all are good."""
    unknown = next((name for name in options if name not in OPTIONS), None)
    if unknown is not None:
        raise TypeError(f"there is no option {unknown!r}; the options are {', '.join(OPTIONS)}")
    checked = {name: option.default for name, option in OPTIONS.items()}
    for name, value in options.items():
        checked[name] = OPTIONS[name].check(name, value)
    floor = optional(integer(0, _U64_MAX))("min_balance", min_balance) or 0
    if kind == "holders":
        integer(holders.PAGE_MIN, PAGE_MAX)("page_size", checked["page_size"])
        floor = max(floor, int(checked["drop_zero"]))
    if checked["event_loop"] == "nested":
        _nested.check()
    plan, rate = checked.pop("plan"), checked.pop("requests_per_second")
    endpoint = resolve_endpoint(checked.pop("api_key"), checked.pop("cluster"), checked.pop("endpoint"))
    mints = () if mint is None and kind == "balances" else parse_addresses(mint, "mint")
    wanted = None if owners is None and kind == "holders" else parse_addresses(owners, "owner")
    if kind == "balances" and mint is not None and not mints:
        raise MintError("mint must name at least one mint; leave it out to read every mint")
    if kind == "holders" and wanted is not None and not wanted:
        raise OwnerError("owners must name at least one owner; leave it out to read every holder")
    return PullConfig(
        kind=kind,
        owners=wanted,
        mints=mints,
        top=optional(integer(1))("top", top),
        min_balance=floor,
        endpoint=endpoint,
        rate=rate if rate is not None else PLANS.get(plan),
        environment=environment or ENVIRONMENT,
        **checked,
    )


def with_options(
    options: type[Any], *, without: Sequence[str] = (), **defaults: object
) -> Callable[[Function], Function]:
    """Give a function that takes ``**options`` the signature that names each option with its default.

    ``defaults`` are those that differ from `OPTIONS`.
    """

    def decorate(function: Function) -> Function:
        signature = inspect.signature(function)
        own = {name: each for name, each in signature.parameters.items() if each.kind is not each.VAR_KEYWORD}
        types = options.__annotations__
        added = [
            own.pop(name)
            if name in own
            else inspect.Parameter(
                name,
                inspect.Parameter.KEYWORD_ONLY,
                default=defaults.get(name, option.default),
                annotation=getattr(types[name], "__forward_arg__", types.get(name)),
            )
            for name, option in OPTIONS.items()
            if (name in types or name in own) and name not in without
        ]
        parameters = [*own.values(), *added]
        function.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
        return function

    return decorate


def like(function: Callable[..., object]) -> Callable[[Function], Function]:
    """Give a twin or a method the signature and docstring of the function that it calls.

    Of a method the function's first parameter is the object itself. The method's own docstring, where it has
    one, is the first line of what is shown.
    """

    def decorate(method: Function) -> Function:
        rest = list(inspect.signature(function).parameters.values())
        first = next(iter(inspect.signature(method).parameters.values()))
        if first.name == "self":
            rest = [first, *rest[1:]]
        method.__signature__ = inspect.signature(function).replace(parameters=rest)  # type: ignore[attr-defined]
        own, theirs = inspect.cleandoc(method.__doc__ or ""), inspect.cleandoc(function.__doc__ or "")
        method.__doc__ = f"{own}\n\n{theirs.partition(chr(10) * 2)[2]}" if own else theirs
        return method

    return decorate


def parse_addresses(items: Any, kind: Literal["owner", "mint"]) -> tuple[str, ...]:  # noqa: ANN401
    """Return distinct addresses in the order given; all bad ones are refused together.

    ``items`` is one address, or any iterable of text or of objects whose ``str()`` is the address.
    """
    if isinstance(items, pd.DataFrame):
        raise InputError(
            f"{kind}s must not be a DataFrame: pass its column of addresses, such as df['address']"
        )
    if isinstance(items, PurePath):
        raise InputError(
            f"{kind}s must be addresses, not a path: read the file first, for example with pd.read_csv"
        )
    is_one = isinstance(items, str | bytes) or not isinstance(items, Iterable)
    texts = [None if _is_missing(item) else str(item).strip() for item in ([items] if is_one else items)]
    present = [text for text in texts if text is not None]
    if len(present) == len(texts) and pubkey.align_texts(present) is not None:
        return tuple(dict.fromkeys(present))
    error = OwnerError if kind == "owner" else MintError
    problems = [(n, why) for n, text in enumerate(texts) if (why := _problem(text))]
    listed = [f"{kind} at position {n}: {why}" for n, why in problems]
    raise error(f"{len(listed):,} of {len(texts):,} {kind}s cannot be used, nothing was sent", listed)


def must_be(name: str, what: str, value: object) -> InputError:
    """Return the error of an argument that has the wrong value."""
    return InputError(f"{name} must be {what}, got {shown(value)}")


def shown(value: object) -> str:
    """Return a value as a message may show it: what may be a key is not shown whole."""
    if isinstance(value, Secret):
        return "a secret"
    if isinstance(value, str | bytes):
        text = str(value)
        return repr(value) if len(text) <= _SHOWN else f"text of {len(text):,} characters"
    if value is None or isinstance(value, bool | int | float):
        text = repr(value)
        return text if len(text) <= 2 * _SHOWN else f"{text[:_SHOWN]}…"
    return f"a {type(value).__name__}"


def _is_missing(item: Any) -> bool:  # noqa: ANN401
    return item is None or item is pd.NA or item is pd.NaT or (isinstance(item, float) and math.isnan(item))


def _problem(text: str | None) -> str | None:
    """Return what is wrong with an address, or ``None``; its middle is not shown, since it may be a key."""
    if text is None:
        return "missing"
    if not text:
        return "blank"
    try:
        pubkey.parse(text)
    except ValueError as error:
        short = repr(text) if len(text) <= _SHOWN else f"{text[:4]!r}…{text[-2:]!r} ({len(text)} characters)"
        if "://" in text:
            return "this looks like a URL; the server is chosen with endpoint="
        if text.lower().endswith((".csv", ".txt", ".parquet", ".json", ".xlsx")):
            return f"{short} looks like a path: read the file first, for example with pd.read_csv"
        return f"{short} is not a valid Solana address ({error})"
    return None
