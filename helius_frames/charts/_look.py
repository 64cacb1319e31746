"""What every chart takes: the options of its look, written once, and the documentation of what they share."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from typing import Final, Literal, TypeAlias, TypedDict, TypeVar

from helius_frames.errors import InputError

Theme: TypeAlias = Literal["light", "dark"]

_Plot = TypeVar("_Plot", bound=Callable[..., object])
_NARROWEST: Final = 200
PHONE: Final = 390  # pixels, which every head fits that is not made for a width


class Look(TypedDict, total=False):
    """The options that all charts have."""

    theme: Theme
    title: str | None
    transparent: bool
    width: int | None


_DEFAULTS: Final[Look] = {"theme": "light", "title": None, "transparent": False, "width": None}

_ANNOTATIONS: Final = {
    name: getattr(each, "__forward_arg__", each) for name, each in Look.__annotations__.items()
}

_TEXTS: Final = {
    "source": """\
source
    A balance frame, or its `MintIndex`, which draws any mint in milliseconds.""",
    "mint": """\
mint
    The mint to draw; where the frame has only one, it need not be named. A frame without any row gives a
    figure that says so.""",
    "decimals": """\
decimals
    Show amounts divided by ``10**decimals``: the places of this mint, or a mapping from mint to places; a
    mint that the mapping does not name is in base units, so ``{}`` means base units. By default as the
    frame's column ``decimals`` says, see `with_tokens`, else in base units.""",
    "mark": """\
mark
    An owner to point out; where it is no holder of the mint, the subtitle says so.""",
    "exclude": """\
exclude
    Owners to leave out: ``"programs"``, labels, addresses; the subtitle counts them.""",
    "look": """\
theme
    ``"light"`` or ``"dark"``.
title
    Instead of the sentence that the chart writes itself.
transparent
    Leave the paper clear, for a page of the theme's own colour; by default it is opaque.
width
    For how many pixels the lines of title and subtitle are broken; by default they fit a phone. The chart
    itself is as wide as its place.""",
    "errors": """\
AttributeError
    A column of the balance schema is missing.
InputError
    An option is out of its range, the mint is not in the frame, or its balances are not exact or are
    there twice.""",
}
_PLACE = re.compile(r"^( *)<(\w+)>$", flags=re.MULTILINE)


def chart(plot: _Plot) -> _Plot:
    """Give a chart its full signature, and for each ``<name>`` in its text what all charts say there."""
    signature = inspect.signature(plot)
    own = [each for each in signature.parameters.values() if each.kind is not each.VAR_KEYWORD]
    added = [
        inspect.Parameter(
            name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=_ANNOTATIONS[name]
        )
        for name, default in _DEFAULTS.items()
    ]
    plot.__signature__ = signature.replace(parameters=[*own, *added])  # type: ignore[attr-defined]
    if plot.__doc__:
        plot.__doc__ = _PLACE.sub(
            lambda found: "\n".join(found[1] + line for line in _TEXTS[found[2]].splitlines()),
            plot.__doc__,
        )
    return plot


def check_look(look: Look) -> Look:
    """Return a look with its defaults; options that are unknown or out of range are refused."""
    unknown = look.keys() - _DEFAULTS.keys()
    if unknown:
        raise TypeError(f"charts have no option {min(unknown)!r}; they have {', '.join(_DEFAULTS)}")
    width = look.get("width")
    is_whole = isinstance(width, int) and not isinstance(width, bool)
    if width is not None and not (is_whole and width >= _NARROWEST):
        raise InputError(f"width must be a number of pixels from {_NARROWEST} on, got {width!r}")
    return _DEFAULTS | look
