"""What the charts of one mint have in common: the mint, its holders, the marked owner, and their texts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np
import pandas as pd

from helius_frames.analysis import (
    Holders,
    MintIndex,
    Source,
    check_decimals,
    check_schema,
    pull_attrs,
)
from helius_frames.charts._style import add_message, mark_label, new_figure, palette, theme_of
from helius_frames.charts._text import (
    about_percent,
    amount_text,
    brief,
    capital,
    clean,
    count_text,
    count_words,
    html,
    percent_text,
    short,
    slots_text,
    symbol_text,
    unit_text,
)
from helius_frames.errors import InputError

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from helius_frames.charts._look import Look, Theme


Decimals: TypeAlias = int | Mapping[str, int] | None
"""Places of amounts: of the one mint drawn, or by mint; of a mint without, amounts are in base units."""

FEW = 10  # holders of whom a sentence speaks one by one


class Pull(NamedTuple):
    """Where the numbers come from: whose they are, when they were read, and whether they are made up."""

    whose: str = ""
    is_complete: bool = False
    read_at: str = ""
    is_made_up: bool = False


class ChartContext(NamedTuple):
    """What a chart is about: one mint and its holders, the owners with a balance above zero.

    ``decimals`` are the places of its amounts, ``None`` for base units; ``symbol`` is ``None`` where the
    frame has no such column.
    """

    mint: str
    holders: int
    zero_balances: int
    total: int
    gini: float
    slot_first: int | None
    slot_last: int | None
    decimals: int | None
    symbol: str | None = None
    pull: Pull = Pull()

    @property
    def name(self) -> str:
        """The token as a sentence names it."""
        return self.symbol or short(self.mint) or "any token"

    @property
    def unit(self) -> str:
        """Unit of the amounts."""
        return unit_text(self.decimals, self.symbol)

    @property
    def held(self) -> str:
        """What the holders share, after "of": all that is compressed of the token, or what these have."""
        if self.pull.is_complete:
            return f"the compressed {self.symbol}" if self.symbol else "it"
        return f"the {self.symbol} held here" if self.symbol else "what is held here"

    def amount(self, amount: int) -> str:
        """Write an amount with its unit, briefly."""
        number = brief(amount, self.decimals)
        return (
            f"{number} {self.unit.removesuffix('s')}"
            if number == "1" and not self.symbol
            else (f"{number} {self.unit}")
        )

    def crowd(self, *, named: bool = True) -> str:
        """Count the holders, and say of which token, unless the sentence names it otherwise."""
        of = "" if self.symbol and named else f" of {self.name}"
        return f"{holders_text(self.holders)}{of}"


class Mark(NamedTuple):
    """The marked owner. ``rank`` counts from the largest holder, and is ``None`` for one who is no holder.

    ``balance`` and ``slot`` are ``None`` where the owner has no row of the mint.
    """

    owner: str
    balance: int | None
    slot: int | None
    rank: int | None
    share: float


def look_up(source: Source, mint: str | None, decimals: Decimals) -> tuple[MintIndex, Holders, ChartContext]:
    """Find the holders of a mint, and what a chart of them is about: nothing else of a frame is read."""
    mint = the_mint(source, mint)
    index = MintIndex.for_mint(source, mint)
    holders = index.holders(mint)
    row = _row_of_mint(index, holders, mint)
    context = ChartContext(
        mint=mint,
        holders=holders.size,
        zero_balances=holders.zero_balances,
        total=holders.total,
        gini=holders.gini,
        slot_first=holders.slot_first,
        slot_last=holders.slot_last,
        decimals=_places(index.frame, row) if decimals is None else decimals_of(decimals, mint),
        symbol=_symbol(index.frame, row),
        pull=pull_of(index.frame, mint),
    )
    return index, holders, context


def the_mint(source: Source, mint: str | None) -> str:
    """Return the mint that is asked for, or the only one that there is."""
    if mint is not None:
        return mint
    if isinstance(source, MintIndex):
        mints = list(source.mints)
    else:
        check_schema(source)
        mints = source["mint"].dropna().unique().tolist()
    if len(mints) > 1:
        raise InputError(
            f"mint must be named, since there are {len(mints):,}, such as {mints[0]!r}: "
            "df.helius.by_mint() lists them"
        )
    return str(mints[0]) if mints else ""


def decimals_of(decimals: Decimals, mint: str) -> int | None:
    """Return the places of a mint's amounts; ``None`` where they are unknown, for base units."""
    places = decimals.get(mint) if isinstance(decimals, Mapping) else decimals
    if places is not None:
        check_decimals(places)
    return places


def token_of(index: MintIndex, mint: str) -> tuple[str | None, int | None]:
    """Return symbol and decimals of a mint as the columns of the frame have them."""
    row = _row_of_mint(index, index.holders(mint), mint)
    return _symbol(index.frame, row), _places(index.frame, row)


def symbols_in(frame: pd.DataFrame, mints: Sequence[str]) -> list[str | None]:
    """Return the symbols of several mints as the column of the frame has them."""
    if list(frame.columns).count("symbol") != 1:
        return [None] * len(mints)
    rows = frame.loc[frame["mint"].isin(list(mints)), ["mint", "symbol"]].dropna().drop_duplicates("mint")
    known = dict(zip(rows["mint"].astype("object"), rows["symbol"].astype("object"), strict=True))
    return [symbol_text(known[mint]) if isinstance(known.get(mint), str) else None for mint in mints]


def decimals_in(frame: pd.DataFrame, mint: str) -> int | None:
    """Return the decimals of a mint as the column of the frame has them."""
    rows = np.flatnonzero((frame["mint"] == mint).to_numpy(dtype=bool, na_value=False))
    return _places(frame, int(rows[0])) if len(rows) else None


def pull_of(frame: pd.DataFrame, mint: str | None = None) -> Pull:
    """Return where a frame comes from, as far as its attrs say so."""
    attrs = pull_attrs(frame)
    complete = attrs.get("complete", False)
    is_complete = mint in complete if isinstance(complete, list | tuple) else complete
    whose = ""
    if is_complete:
        whose = "every holder of compressed tokens"
    elif attrs.get("owners"):
        asked = attrs["owners"]
        whose = "of the one owner asked" if asked == 1 else f"of {count_text(asked)} owners asked"
    return Pull(whose, is_complete, _moment(attrs), attrs.get("cluster") == "demo")


def source_parts(pull: Pull, mint: str = "", symbol: str | None = None) -> list[str]:
    """Return the line below a chart: what it shows and whence, in full; the slots are in the subtitle."""
    name = f"{symbol}: {clean(mint)}" if symbol else clean(mint)
    made_up = "made-up data of the demo cluster" if pull.is_made_up else ""
    return [name, pull.read_at and f"read {pull.read_at}", made_up]


def find_mark(index: MintIndex, holders: Holders, owner: str | None) -> Mark | None:
    """Find the marked owner among the holders."""
    if owner is None:
        return None
    row = index.row_of(owner, holders.mint)
    if row is None:
        return Mark(owner, None, None, None, 0.0)
    balance, slot = int(index.columns.balances[row]), int(index.columns.slots[row])
    if not balance:
        return Mark(owner, 0, slot, None, 0.0)
    return Mark(owner, balance, slot, _rank(holders, balance, row), balance / holders.total)


def with_marked(
    index: MintIndex, holders: Holders, n: int, mark: Mark | None, *, most: int | None = None
) -> pd.DataFrame:
    """List the n largest holders, and of the marked one after them."""
    if mark is None or mark.rank is None or mark.rank <= n:
        return index.holder_table(holders, holders.size - n, holders.size)
    n = min(n, most - 1) if most else n
    top = index.holder_table(holders, holders.size - n, holders.size)
    place = holders.size - mark.rank
    return pd.concat([top, index.holder_table(holders, place, place + 1)])


def in_unit(balances: np.ndarray, decimals: int | None) -> np.ndarray:
    """Convert base units to the unit of the axis."""
    return balances.astype(np.float64) / 10.0 ** (decimals or 0)


def quantile(holders: Holders, part: int, of: int) -> int:
    """Find the smallest balance that a given part of the holders do not exceed; 0 without holders."""
    place = -(-holders.size * part // of) - 1
    return int(holders.balances[place]) if holders.size else 0


def start_figure(  # noqa: PLR0917
    look: Look,
    context: ChartContext,
    mark: Mark | None,
    kind: str,
    sentence: str,
    counts: Sequence[str] = (),
    **layout: Any,
) -> go.Figure:
    """Start the figure of one mint; where nobody holds it, the figure says so and is complete.

    ``counts`` is added to the subtitle.
    """
    slots = slots_text(context.slot_first, context.slot_last)
    zeros = f"{count_text(context.zero_balances)} more at zero" if context.zero_balances else ""
    parts = [short(context.mint), slots, context.pull.whose, zeros, *counts]
    if mark is not None:
        parts.append(f"\n{_mark_text(mark, context)}")
    source = source_parts(context.pull, context.mint, context.symbol)
    if not context.holders:
        layout = {name: value for name, value in layout.items() if name not in ("height", "more")}
    figure = new_figure(
        look, sentence if context.holders else "Nothing to draw", parts, kind=kind, source=source, **layout
    )
    if not context.holders:
        whom = f"No holder of {context.name}" if context.mint else "No owner here"
        add_message(figure, theme_of(look), f"{whom} has a balance above zero")
    return figure


def few_sentence(context: ChartContext, largest: int, second: int, smallest: int) -> str | None:
    """Return the finding on one holder, on equal ones, and on two; ``None`` for others."""
    if context.holders == 1:
        return f"One holder has all of {context.held}: {context.amount(largest)}"
    if largest == smallest:
        whom = "Both" if context.holders == 2 else f"Each of the {count_text(context.holders)}"  # noqa: PLR2004
        holders = f"holders{'' if context.symbol else f' of {context.name}'}"
        have = "have" if whom == "Both" else "has"
        return f"{whom} {holders} {have} exactly {context.amount(largest)}"
    if context.holders == 2:  # noqa: PLR2004
        of = "" if context.symbol else f" of {context.name}"
        return f"One of two holders{of} has {context.amount(largest)}, the other {context.amount(second)}"
    return None


def half_sentence(context: ChartContext, median: int) -> str:
    """Return what the poorer half of the holders does not exceed; of few holders, how many they are."""
    if context.holders < FEW:
        half = count_words(-(-context.holders // 2))
        return f"{capital(half)} of {context.crowd()} have {context.amount(median)} or less"
    return f"Half of the {context.crowd()} have {context.amount(median)} or less"


def largest_sentence(context: ChartContext, share: float) -> str:
    """Return what the largest holder owns."""
    if context.holders == 1:
        return f"One holder{'' if context.symbol else f' of {context.name}'} owns all of {context.held}"
    return f"The largest of {context.crowd()} owns {about_percent(share)} of {context.held}"


def equal_sentence(context: ChartContext) -> str:
    """Return that all holders own the same."""
    if context.holders == 2:  # noqa: PLR2004
        of = "" if context.symbol else f" of {context.name}"
        return f"Two holders{of} own the same: half of {context.held} each"
    return f"All {context.crowd()} own the same: {about_percent(1 / context.holders)} of {context.held}"


def holders_text(count: int) -> str:
    """Count holders in words."""
    return "1 holder" if count == 1 else f"{count_text(count)} holders"


def holder_hover(owner: str, balance: int, share: float, slot: int, context: ChartContext) -> str:
    """Return all of one holder: whole address, exact balance, share, slot."""
    return (
        f"{html(owner)}<br>{amount_text(balance, context.decimals)} {html(context.unit)}"
        f"<br>{percent_text(share)} of {html(context.held)} · slot {count_text(slot)}"
    )


def mark_hover(mark: Mark, context: ChartContext) -> str:
    """Return all of the marked owner."""
    return holder_hover(mark.owner, mark.balance or 0, mark.share, mark.slot or 0, context)


def point_out(  # noqa: PLR0917
    figure: go.Figure,
    mark: Mark,
    place: tuple[float, float],
    context: ChartContext,
    theme: Theme,
    textposition: str,
) -> None:
    """Draw the marked owner as a point on a curve."""
    figure.add_scatter(
        name="marked",
        x=[place[0]],
        y=[place[1]],
        mode="markers+text",
        marker={"color": palette(theme).mark, "size": 11},
        text=[mark_label(mark.owner)],
        textposition=textposition,
        textfont={"color": palette(theme).mark_text},
        cliponaxis=False,
        hovertext=[mark_hover(mark, context)],
        hovertemplate="%{hovertext}<extra></extra>",
    )


def _mark_text(mark: Mark, context: ChartContext) -> str:
    name = short(mark.owner)
    if mark.balance is None:
        return f"{name} has no row of this mint"
    if mark.rank is None:
        return f"{name} has a balance of zero"
    share = about_percent(mark.share, is_all=context.holders == 1)
    whom = "the largest holder" if mark.rank == 1 else f"holder {count_text(mark.rank)} by size"
    return f"{name} is {whom}, with {share} of {context.held}"


def _rank(holders: Holders, balance: int, row: int) -> int:
    """Place from the top; equal balances rank in the order of the frame, as in `top_holders`."""
    first = int(np.searchsorted(holders.balances, np.uint64(balance), side="left"))
    end = int(np.searchsorted(holders.balances, np.uint64(balance), side="right"))
    place = first + int(np.flatnonzero(holders.rows[first:end] == row)[0])
    return holders.size - place


def _row_of_mint(index: MintIndex, holders: Holders, mint: str) -> int | None:
    """Return a row of the frame that is of this mint."""
    if holders.size:
        return int(holders.rows[-1])
    codes, names = index.columns.mints.codes, index.columns.mints.names
    rows = np.flatnonzero(codes == names.get_loc(mint)) if holders.zero_balances else codes[:0]
    return int(rows[0]) if len(rows) else None


def _cell(frame: pd.DataFrame, name: str, row: int | None) -> Any:  # noqa: ANN401 - whatever is there
    if row is None or list(frame.columns).count(name) != 1:
        return None
    value = frame[name].iloc[row]
    return None if pd.api.types.is_scalar(value) and pd.isna(value) else value


def _symbol(frame: pd.DataFrame, row: int | None) -> str | None:
    value = _cell(frame, "symbol", row)
    return symbol_text(value) if isinstance(value, str) else None


def _places(frame: pd.DataFrame, row: int | None) -> int | None:
    """Return the places that the frame's own column says; a column of another kind is somebody's own."""
    value = _cell(frame, "decimals", row)
    is_whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
    return int(value) if is_whole and 0 <= value <= 255 else None  # noqa: PLR2004


def _moment(attrs: Mapping[str, Any]) -> str:
    try:
        moment = pd.Timestamp(attrs["fetched_at"])
    except (KeyError, ValueError, TypeError):
        return ""
    if pd.isna(moment):
        return ""
    return f"{moment:%Y-%m-%d %H:%M}{' UTC' if moment.tzinfo else ''}"
