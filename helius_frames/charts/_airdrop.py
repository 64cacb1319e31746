"""An airdrop in one picture: what was kept, in owners and in tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Unpack

import pandas as pd

from helius_frames.analysis import about_list, airdrop, summarise
from helius_frames.charts._context import pull_of, source_parts, symbols_in
from helius_frames.charts._look import Look, Theme, chart
from helius_frames.charts._sentences import amount_text, count_text, nothing, share_text
from helius_frames.charts._style import add_legend, new_figure, palette, theme_of
from helius_frames.charts._text import html, short, slots_text, unit_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    import plotly.graph_objects as go

    from helius_frames.analysis import Expected, Mints, Units

_HEIGHT = 170
_UNLABELLED = ("gone or never arrived", "not read")  # hatched, so that a text would be hard to read


class AirdropNumbers(NamedTuple):
    """Parts of the two bars: ``owners[i]`` and ``amounts[i]`` (base units) belong to ``parts[i]``.

    Both add up to the whole list. An owner that kept a part counts as ``kept a part``; of its tokens, what is
    still there counts there, too, and the rest as ``gone``. ``beside`` are the owners not on the list, and
    what they hold.
    """

    mint: str
    decimals: int | None
    parts: list[str]
    owners: list[int]
    amounts: list[int]
    beside: tuple[int, int]
    symbol: str | None
    slots: tuple[int, int] | None

    def to_frame(self) -> pd.DataFrame:
        """Return the parts as a table, amounts in base units."""
        return pd.DataFrame({"owners": self.owners, "amount": self.amounts}, index=self.parts)


def airdrop_numbers(
    frame: pd.DataFrame,
    expected: Expected,
    mint: str | None = None,
    *,
    units: Units = "base",
    decimals: int | Mapping[str, int] | None = None,
    mints: Mints = None,
    complete: Mints = None,
) -> AirdropNumbers:
    """Compute what `plot_airdrop` draws."""
    table = airdrop(frame, expected, mint, units=units, decimals=decimals, mints=mints, complete=complete)
    summary = summarise(table)
    owners = {str(status): int(count) for status, count in summary["owners"].items()}
    given, kept, held = (summary[name].to_dict() for name in ("expected", "kept", "held"))
    gone = given["part"] - kept["part"] + given["none left"]
    parts = {
        "kept all or more": (owners["kept all"] + owners["more"], given["kept all"] + given["more"]),
        "kept a part": (owners["part"], kept["part"]),
        "gone": (owners["none left"], gone),
        "gone or never arrived": _of(owners, given, "none left or never arrived"),
        "never arrived": _of(owners, given, "never arrived"),
        "not read": _of(owners, given, "not read"),
    }
    about = about_list(frame, table, decimals)
    return AirdropNumbers(
        mint=about.mint,
        decimals=about.decimals,
        parts=list(parts),
        owners=[count for count, _ in parts.values()],
        amounts=[amount for _, amount in parts.values()],
        beside=(owners["not expected"], held["not expected"]),
        symbol=symbols_in(frame, [about.mint])[0],
        slots=about.slots,
    )


@chart
def plot_airdrop(
    frame: pd.DataFrame,
    expected: Expected,
    mint: str | None = None,
    *,
    units: Units = "base",
    decimals: int | Mapping[str, int] | None = None,
    mints: Mints = None,
    complete: Mints = None,
    **look: Unpack[Look],
) -> go.Figure:
    """Draw what has become of an airdrop: kept, gone, never arrived, once in owners and once in tokens.

    Both bars are the whole list. Of an owner that kept a part, the tokens that are still there are in
    "kept a part" and the others in "gone".

    Parameters
    ----------
    expected, mint, units, decimals, mints, complete
        As of `airdrop`. With ``decimals`` amounts are in tokens, else in base units.
    <look>

    Returns
    -------
    A figure of two bars; a trace for each part, with every digit in hover.

    Raises
    ------
    AttributeError, InputError
        As of `airdrop_summary`, or the theme is neither of the two.

    Examples
    --------
    >>> import helius_frames
    >>> import pandas as pd
    >>> from helius_frames import demo
    >>> from helius_frames.charts import plot_airdrop
    >>> df = helius_frames.read_helius_balances(demo.OWNERS, cluster="demo")
    >>> expected = pd.Series(1_000 * 10**6, index=demo.OWNERS)
    >>> figure = plot_airdrop(df, expected, demo.TOKENS[0].mint, decimals=6)
    >>> figure.layout.title.text.replace("<br>", " ")
    '80% of the airdrop of 5VnY…eVQF is still with those it was meant for'
    """
    numbers = airdrop_numbers(
        frame, expected, mint, units=units, decimals=decimals, mints=mints, complete=complete
    )
    (count, amount), theme = numbers.beside, theme_of(look)
    pull, unit = pull_of(frame, numbers.mint), unit_text(numbers.decimals, numbers.symbol)
    slots = slots_text(*(numbers.slots or (None, None)))
    beside = f"{count_text(count, 'other owner')} hold{'s' if count == 1 else ''}"
    parts = [
        f"{count_text(sum(numbers.owners), 'owner')} on the list",
        short(numbers.mint),
        slots,
        pull.whose,
        f"{beside} {amount_text(amount, numbers.decimals)} {unit}" if count else "",
    ]
    figure = new_figure(
        look,
        _sentence(numbers),
        parts,
        kind="Two bars, of owners and of tokens",
        source=source_parts(pull, numbers.mint, numbers.symbol),
        height=_HEIGHT,
        bottom=104,
    )
    if not sum(numbers.owners):
        return nothing(figure, theme, "Nobody is on the list")
    _draw(figure, numbers, theme)
    return figure


def _of(owners: dict[str, int], given: Mapping[object, int], status: str) -> tuple[int, int]:
    return owners[status], given[status]


def _sentence(numbers: AirdropNumbers) -> str:
    amounts = dict(zip(numbers.parts, numbers.amounts, strict=True))
    known = sum(numbers.amounts) - amounts["not read"]
    kept = amounts["kept all or more"] + amounts["kept a part"]
    if not known:
        return "Nobody on the list was read" if sum(numbers.owners) else "Nothing to draw"
    token = numbers.symbol or short(numbers.mint)
    share = {0: "None", known: "All"}.get(kept, share_text(kept, known))
    airdrop = f"the airdrop of {token}"
    of = airdrop if known == sum(numbers.amounts) else f"what could be read of {airdrop}"
    return f"{share} of {of} is still with those it was meant for"


def _draw(figure: go.Figure, numbers: AirdropNumbers, theme: Theme) -> None:
    colours = palette(theme)
    looks: dict[str, dict[str, object]] = {
        "kept all or more": {"color": colours.data},
        "kept a part": {"color": colours.ramp[1] if theme == "dark" else colours.ramp[0]},
        "gone": {"color": colours.other},
        "gone or never arrived": {
            "color": colours.other,
            "pattern": {"shape": "/", "fgcolor": colours.surface},
        },
        "never arrived": {"color": colours.surface},
        "not read": {"color": colours.surface, "pattern": {"shape": "/", "fgcolor": colours.other}},
    }
    unit = html(unit_text(numbers.decimals, numbers.symbol))
    # Two bars of one name would be one.
    unit = f"{unit} (token)" if unit == "owners" else unit
    wholes = sum(numbers.owners), sum(numbers.amounts)
    for part, owners, amount in zip(numbers.parts, numbers.owners, numbers.amounts, strict=True):
        if not owners and not amount:
            continue
        shares = [owners / wholes[0], amount / wholes[1]]
        labels = [share_text(owners, wholes[0]), share_text(amount, wholes[1])]
        of_owners = f"{labels[0]} of those on the list"
        of_amounts = f"{labels[1]} of what was expected"
        amounts = f"{amount_text(amount, numbers.decimals)} {unit}"
        texts = [
            f"{part}<br>{count_text(owners, 'owner')} · {of_owners}",
            f"{part}<br>{amounts} · {of_amounts}",
        ]
        figure.add_bar(
            name=part,
            orientation="h",
            y=["owners", unit],
            x=shares,
            marker={**looks[part], "line": {"color": colours.other, "width": 1}},
            text=None if part in _UNLABELLED else labels,
            textposition="inside",
            insidetextanchor="middle",
            textangle=0,
            insidetextfont={"color": _ink(part, theme), "size": 14},
            hovertext=texts,
            hovertemplate="%{hovertext}<extra></extra>",
        )
    figure.update_layout(barmode="stack", bargap=0.35, margin={"l": 40})
    add_legend(figure, theme)
    figure.update_layout(uniformtext={"mode": "hide", "minsize": 12})  # where there is no room
    figure.update_xaxes(tickformat=".0%", range=[0, 1.001], showgrid=False, nticks=6)
    figure.update_yaxes(autorange="reversed", showgrid=False, tickfont={"size": 14, "color": colours.ink})


def _ink(part: str, theme: Theme) -> str:
    colours = palette(theme)
    if part == "kept all or more":
        return colours.on_data
    if part == "kept a part":
        return colours.on_data if theme == "dark" else colours.on_other
    return colours.on_other if part.startswith("gone") else colours.ink
