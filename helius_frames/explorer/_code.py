"""The line of Python that draws the chart that is shown."""

from __future__ import annotations

import inspect
from functools import cache
from typing import TYPE_CHECKING, Any

from helius_frames.accessor import PlotAccessor

if TYPE_CHECKING:
    from collections.abc import Mapping


def python_line(chart: str, mint: str, options: Mapping[str, Any]) -> str:
    """Return ``df.helius.plot.…`` with the options that differ from its own defaults."""
    defaults = _defaults(chart)
    given = [f"{name}={value!r}" for name, value in options.items() if value != defaults[name]]
    return f"df.helius.plot.{chart}({', '.join([repr(mint), *given])})"


@cache
def _defaults(chart: str) -> dict[str, Any]:
    parameters = inspect.signature(getattr(PlotAccessor, chart)).parameters
    return {name: parameter.default for name, parameter in parameters.items()}
