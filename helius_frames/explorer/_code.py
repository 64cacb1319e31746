"""The line of Python that draws the chart that is shown."""

from __future__ import annotations

import inspect
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def python_line(chart: str, plot: Callable[..., Any], mint: str, options: Mapping[str, Any]) -> str:
    """Return ``df.helius.plot.…`` with the options that differ from its own defaults."""
    defaults = _defaults(plot)
    given = [f"{name}={value!r}" for name, value in options.items() if value != defaults[name]]
    return f"df.helius.plot.{chart}({', '.join([repr(mint), *given])})"


@cache
def _defaults(plot: Callable[..., Any]) -> dict[str, Any]:
    parameters = inspect.signature(plot).parameters
    return {name: parameter.default for name, parameter in parameters.items()}
