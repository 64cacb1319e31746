"""``df.helius`` and ``addresses.helius``: methods that call the functions of the package, nothing more.

It may import `reader`, `analysis` and `charts`, which loads plotly with the first figure; `explorer` is
imported inside the method that needs it. An accessor holds no state: pandas 3 makes it anew at each use.
"""

from __future__ import annotations

import inspect
import re
from typing import TYPE_CHECKING, Any, Final, Literal, NoReturn, TypeVar, Unpack

import pandas as pd

from helius_frames import analysis, charts
from helius_frames._card import card, described
from helius_frames._options import ConnectionOptions, ReadOptions, choice, like, seal, with_options
from helius_frames._transport.endpoint import Secret, as_secret
from helius_frames.errors import AttrsError, InputError
from helius_frames.reader import read_helius_balances, read_helius_holders
from helius_frames.tokens import TokenOptions, read_helius_tokens, with_tokens

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    import plotly.graph_objects as go

    from helius_frames.explorer import Explorer
    from helius_frames.reader import BalanceChunks

_Method = TypeVar("_Method", bound="Callable[..., object]")


class AddressesAccessor:
    """``.helius`` on a Series or Index of addresses: the reader as a method.

    Raises
    ------
    AttributeError
        The values are not text.
    """

    def __init__(self, addresses: pd.Series | pd.Index) -> None:
        if not _is_text(addresses):
            raise AttributeError(f".helius is for addresses as text, these are {addresses.dtype}")
        self._addresses = addresses

    @like(read_helius_balances)
    def read_balances(
        self, mint: object = None, *, chunksize: int | None = None, **options: Unpack[ReadOptions]
    ) -> pd.DataFrame | BalanceChunks:
        """Read the balances of these owners, as `read_helius_balances` does.

        >>> import pandas as pd
        >>> import helius_frames
        >>> wallets = pd.DataFrame({"address": helius_frames.demo.OWNERS[:20]})
        >>> df = wallets["address"].helius.read_balances(cluster="demo")
        >>> list(df.columns)
        ['owner', 'mint', 'balance', 'slot']
        """
        __tracebackhide__ = True
        seal(options)
        return read_helius_balances(self._addresses, mint, chunksize=chunksize, **options)

    @like(read_helius_holders)
    def read_holders(
        self,
        *,
        owners: object = None,
        top: int | None = None,
        min_balance: int | None = None,
        chunksize: int | None = None,
        **options: Unpack[ReadOptions],
    ) -> pd.DataFrame | BalanceChunks:
        """Read the holders of these mints, as `read_helius_holders` does.

        >>> import pandas as pd
        >>> import helius_frames
        >>> mints = pd.Index(helius_frames.demo.MINTS[:3])
        >>> df = mints.helius.read_holders(top=5, cluster="demo")
        >>> df["mint"].value_counts().tolist()
        [5, 5, 5]
        """
        __tracebackhide__ = True
        seal(options)
        return read_helius_holders(
            self._addresses, owners=owners, top=top, min_balance=min_balance, chunksize=chunksize, **options
        )

    @like(read_helius_tokens)
    def read_tokens(self, **options: Unpack[TokenOptions]) -> pd.DataFrame:
        """Read names, decimals and supply of these mints, as `read_helius_tokens` does.

        >>> import pandas as pd
        >>> import helius_frames
        >>> mints = pd.Index(helius_frames.demo.MINTS[:2])
        >>> mints.helius.read_tokens(cluster="demo")["name"].tolist()
        ['Fair Drop', 'Points']
        """
        __tracebackhide__ = True
        seal(options)
        return read_helius_tokens(self._addresses, **options)


def _documented_as(function: Callable[..., object]) -> Callable[[_Method], _Method]:
    """Give a method the docstring of the function that it calls: columns, units, errors, an example."""

    def decorate(method: _Method) -> _Method:
        rest = inspect.cleandoc(function.__doc__ or "").partition("\n\n")[2]
        method.__doc__ = f"{inspect.cleandoc(method.__doc__ or '')}\n\n{rest}"
        return method

    return decorate


class BalancesAccessor:
    """``df.helius`` on a frame of balances: summaries, comparison and charts.

    It works on any frame with the columns ``owner``, ``mint``, ``balance`` and ``slot``.

    Raises
    ------
    AttributeError
        One of these columns is missing.
    """

    def __init__(self, frame: pd.DataFrame) -> None:
        analysis.check_schema(frame)
        self._frame = frame

    def __repr__(self) -> str:
        return described(self._frame)

    def _repr_html_(self) -> str:
        return card(self._frame)

    @with_options(ReadOptions, drop_zero=None)
    def refresh(
        self,
        owners: Literal["all", "rows"] = "all",
        mint: object = None,
        **options: Unpack[ReadOptions],
    ) -> pd.DataFrame:
        """Fetch the frame's owners, or its mints' holders, again and return a new frame.

        The server, the mint filter and ``drop_zero`` are those of the first pull unless you pass others; of
        holders the mints, ``owners``, ``top`` and ``min_balance``. An endpoint's URL is not kept, so it must
        be passed again. The other options are those of `read_helius_balances`.

        Parameters
        ----------
        owners
            ``"all"``: all owners that were read, which are the categories of the ``owner`` column, or the
            entries of its Arrow dictionary; a column of plain text, as after a CSV or a ``concat``, knows
            only those that have rows. ``"rows"``: those that have rows in this frame. Of a frame of holders
            ``"all"`` are all holders, or the owners that were asked for.

        Raises
        ------
        AttrsError
            ``df.attrs["helius"]`` is gone, so it is not known where the frame came from.
        InputError
            The frame came from an endpoint and the call names none.

        Examples
        --------
        >>> import helius_frames
        >>> df = helius_frames.read_helius_balances(helius_frames.demo.OWNERS[:20], cluster="demo")
        >>> with helius_frames.demo.at("later"):
        ...     later = df.helius.refresh()
        >>> bool((later["slot"].min() > df["slot"].max()))
        True
        """
        __tracebackhide__ = True
        seal(options)
        asked = _asked(self._frame)
        if options.get("endpoint") is None and options.get("cluster") is None:
            options["cluster"] = _cluster_of(asked)
        if options.get("drop_zero") is None:
            options["drop_zero"] = asked.get("drop_zero", False)
        if "complete" in asked:  # a frame of holders
            is_filtered = "owners" in asked or owners != "all"
            return read_helius_holders(
                asked.get("mints", []) if mint is None else mint,
                owners=_owners_of(self._frame, owners) if is_filtered else None,
                top=asked.get("top"),
                min_balance=asked.get("min_balance"),
                **options,
            )
        return read_helius_balances(
            _owners_of(self._frame, owners), asked.get("mints") if mint is None else mint, **options
        )

    @like(with_tokens)
    def with_tokens(
        self,
        tokens: pd.DataFrame | Mapping[str, Any] | None = None,
        *,
        rpc_endpoint: str | Secret | None = None,
        **options: Unpack[ConnectionOptions],
    ) -> pd.DataFrame:
        """Add symbol, decimals and supply of the mints, from a table or read now."""
        __tracebackhide__ = True
        rpc_endpoint = as_secret(rpc_endpoint)
        seal(options)
        return with_tokens(self._frame, tokens, rpc_endpoint=rpc_endpoint, **options)

    @_documented_as(analysis.failures)
    def failures(self) -> pd.DataFrame:
        """List the owners that could not be read, and why."""
        return analysis.failures(self._frame)

    @_documented_as(analysis.by_mint)
    def by_mint(
        self,
        *,
        short: bool = False,
        dtype_backend: Literal["pyarrow"] | None = None,
        exclude: analysis.Exclude = None,
    ) -> pd.DataFrame:
        """Return a summary of each mint: holders, exact total, concentration."""
        return analysis.by_mint(self._frame, short=short, dtype_backend=dtype_backend, exclude=exclude)

    @_documented_as(analysis.by_owner)
    def by_owner(self, *, dtype_backend: Literal["pyarrow"] | None = None) -> pd.DataFrame:
        """Return a summary of each owner: mints held, exact total, zero balances, slots."""
        return analysis.by_owner(self._frame, dtype_backend=dtype_backend)

    @_documented_as(analysis.holdings)
    def holdings(self, owner: str) -> pd.DataFrame:
        """List what one owner holds, mint by mint."""
        return analysis.holdings(self._frame, owner)

    @_documented_as(analysis.top_holders)
    def top_holders(self, mint: str, n: int = 20, *, exclude: analysis.Exclude = None) -> pd.DataFrame:
        """List the largest holders of a mint with their shares."""
        return analysis.top_holders(self._frame, mint, n, exclude=exclude)

    @_documented_as(analysis.distribution)
    def distribution(
        self,
        mint: str,
        bins: int = 60,
        scale: analysis.Scale = "log",
        *,
        exclude: analysis.Exclude = None,
    ) -> pd.DataFrame:
        """Count a mint's holders by size of balance."""
        return analysis.distribution(self._frame, mint, bins, scale, exclude=exclude)

    @_documented_as(analysis.lorenz)
    def lorenz(self, mint: str, *, exclude: analysis.Exclude = None) -> pd.DataFrame:
        """Return a mint's Lorenz curve."""
        return analysis.lorenz(self._frame, mint, exclude=exclude)

    @_documented_as(analysis.ecdf)
    def ecdf(self, mint: str, *, exclude: analysis.Exclude = None) -> pd.DataFrame:
        """Return the share of a mint's holders at or below each balance."""
        return analysis.ecdf(self._frame, mint, exclude=exclude)

    @_documented_as(analysis.slots)
    def slots(self) -> pd.DataFrame:
        """Return each owner's first and last slot and their number."""
        return analysis.slots(self._frame)

    @property
    def drift(self) -> int:
        """Widest gap between two slots of the frame; see `analysis.drift`."""
        return analysis.drift(self._frame)

    @_documented_as(analysis.diff)
    def diff(
        self,
        other: pd.DataFrame,
        *,
        mints: str | Iterable[str] | None = None,
        complete: str | Iterable[str] | None = None,
    ) -> pd.DataFrame:
        """Compare with a later pull: before, after, exact change and status."""
        return analysis.diff(self._frame, other, mints=mints, complete=complete)

    @_documented_as(analysis.with_decimals)
    def with_decimals(self, decimals: int | Mapping[str, int], *, exact: bool = False) -> pd.DataFrame:
        """Add ``ui_balance``, the balance in whole tokens."""
        return analysis.with_decimals(self._frame, decimals, exact=exact)

    @_documented_as(analysis.pivot)
    def pivot(self, *, sparse: bool | None = None) -> pd.DataFrame:
        """Spread the balances out, owners by mints."""
        return analysis.pivot(self._frame, sparse=sparse)

    @property
    def plot(self) -> PlotAccessor:
        """Charts, as plotly figures; its ``repr`` lists them."""
        return PlotAccessor(self._frame)

    def explore(self, **initial: Any) -> Explorer:
        """Open charts of the balances by mint, with controls; see `explorer.Explorer`.

        Parameters
        ----------
        **initial
            First values of the explorer's attributes: ``mint``, ``chart`` (``"histogram"``, ``"ecdf"``,
            ``"lorenz"``, ``"top_holders"``, ``"treemap"``, ``"heatmap"``), ``scale``, ``bins``, ``top``,
            ``units`` (``"base"``, ``"decimals"``), ``decimals`` (a mapping from mint to places),
            ``hide_zeros``, ``owner``, ``theme``.

        Returns
        -------
        A widget. Show it as the last line of a cell; its attributes can be set from code.
        """
        from helius_frames.explorer import explore  # noqa: PLC0415 - loads ipywidgets and plotly

        return explore(self._frame, **initial)

    @_documented_as(analysis.airdrop)
    def airdrop(
        self,
        expected: analysis.Expected,
        mint: str | None = None,
        *,
        units: analysis.Units = "base",
        decimals: int | Mapping[str, int] | None = None,
        mints: analysis.Mints = None,
        complete: analysis.Mints = None,
    ) -> pd.DataFrame:
        """Return what has become of an airdrop: for each owner expected, held and a status."""
        return analysis.airdrop(
            self._frame,
            expected,
            mint,
            units=units,
            decimals=decimals,
            mints=mints,
            complete=complete,
        )

    @_documented_as(analysis.airdrop_summary)
    def airdrop_summary(
        self,
        expected: analysis.Expected,
        mint: str | None = None,
        *,
        units: analysis.Units = "base",
        decimals: int | Mapping[str, int] | None = None,
        mints: analysis.Mints = None,
        complete: analysis.Mints = None,
    ) -> pd.DataFrame:
        """Return what has become of an airdrop of one mint by status, in owners and in tokens."""
        return analysis.airdrop_summary(
            self._frame,
            expected,
            mint,
            units=units,
            decimals=decimals,
            mints=mints,
            complete=complete,
        )

    @_documented_as(analysis.airdrop_report)
    def airdrop_report(
        self,
        expected: analysis.Expected,
        mint: str | None = None,
        *,
        units: analysis.Units = "base",
        decimals: int | Mapping[str, int] | None = None,
        mints: analysis.Mints = None,
        complete: analysis.Mints = None,
    ) -> str:
        """Return what has become of an airdrop of one mint as a paragraph."""
        return analysis.airdrop_report(
            self._frame,
            expected,
            mint,
            units=units,
            decimals=decimals,
            mints=mints,
            complete=complete,
        )

    @_documented_as(analysis.thresholds)
    def thresholds(
        self, mint: str, percentiles: Sequence[float] = (50, 90, 99), *, exclude: analysis.Exclude = None
    ) -> pd.DataFrame:
        """Return the balance that it takes to be among the top of a mint's holders."""
        return analysis.thresholds(self._frame, mint, percentiles, exclude=exclude)

    @_documented_as(analysis.classes)
    def classes(
        self, mint: str, edges: analysis.Edges | None = None, *, exclude: analysis.Exclude = None
    ) -> pd.DataFrame:
        """Return a mint's holders by size class, and what each class has."""
        return analysis.classes(self._frame, mint, edges, exclude=exclude)

    @_documented_as(analysis.equal_balances)
    def equal_balances(
        self, mint: str, *, at_least: int = 2, exclude: analysis.Exclude = None
    ) -> pd.DataFrame:
        """Return the amounts that several holders of a mint hold exactly."""
        return analysis.equal_balances(self._frame, mint, at_least=at_least, exclude=exclude)

    @_documented_as(analysis.overlap)
    def overlap(
        self,
        mints: Iterable[str] | None = None,
        *,
        measure: analysis.Overlap = "common",
        n: int = 500,
        exclude: analysis.Exclude = None,
    ) -> pd.DataFrame:
        """Return, for each two mints, how many owners hold both."""
        return analysis.overlap(self._frame, mints, measure=measure, n=n, exclude=exclude)

    @_documented_as(analysis.with_owners)
    def with_owners(self, labels: analysis.Labels | None = None) -> pd.DataFrame:
        """Add what is known of the owners: wallet or program, and names of the caller's."""
        return analysis.with_owners(self._frame, labels)

    @_documented_as(analysis.without_owners)
    def without_owners(self, exclude: analysis.Exclude) -> pd.DataFrame:
        """Leave some of the owners out, as if they had not been asked."""
        return analysis.without_owners(self._frame, exclude)

    @_documented_as(analysis.fingerprint)
    def fingerprint(self) -> str:
        """Return the SHA-256 of the balances, the same on every machine."""
        return analysis.fingerprint(self._frame)


class PlotAccessor:
    """``df.helius.plot``: the charts of a frame as plotly figures; each is a function of `charts`."""

    def __init__(self, frame: pd.DataFrame) -> None:
        self._frame = frame

    def __repr__(self) -> str:
        lines = [f"  .{name}()  {chart.question}" for name, chart in _CHARTS_OF_FRAMES.items()]
        return "\n".join(["df.helius.plot, plotly figures of a frame:", *lines])

    def __getattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"there is no chart {name!r}; there are {', '.join(_CHARTS_OF_FRAMES)}")


def _chart_method(chart: charts.Chart) -> Callable[..., go.Figure]:
    """Make a method of a chart, with its signature and docstring; plotly is loaded when it draws."""

    def method(self: PlotAccessor, *args: Any, **options: Any) -> go.Figure:
        return chart.plot(self._frame, *args, **options)

    own, *rest = inspect.signature(chart.plot).parameters.values()
    signature = inspect.signature(chart.plot)
    first = inspect.Parameter("self", inspect.Parameter.POSITIONAL_OR_KEYWORD)
    method.__signature__ = signature.replace(parameters=[first, *rest])  # type: ignore[attr-defined]
    method.__name__, method.__qualname__ = chart.name, f"PlotAccessor.{chart.name}"
    # Without the parameter that is the frame itself, and with an example that calls the method.
    text = inspect.getdoc(chart.plot) or ""
    text = re.sub(rf"^{own.name}\n(?:    .*\n)+", "", text, flags=re.MULTILINE)
    text = re.sub(rf"^>>> from .* import plot_{chart.name}\n", "", text, flags=re.MULTILINE)
    method.__doc__ = re.sub(rf"plot_{chart.name}\(df(?:, )?", f"df.helius.plot.{chart.name}(", text)
    return method


_CHARTS_OF_FRAMES: Final = {name: each for name, each in charts.CHARTS.items() if each.subject != "pulls"}
for _name, _chart in _CHARTS_OF_FRAMES.items():
    setattr(PlotAccessor, _name, _chart_method(_chart))


def _is_text(values: pd.Series | pd.Index) -> bool:
    dtype = values.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        return _is_text(dtype.categories)
    if isinstance(dtype, pd.ArrowDtype) and hasattr(dtype.pyarrow_dtype, "index_type"):  # a dictionary
        return pd.ArrowDtype(dtype.pyarrow_dtype.value_type).type is str
    return not len(values) or pd.api.types.infer_dtype(values, skipna=True) in ("string", "empty")


def _asked(frame: pd.DataFrame) -> dict[str, Any]:
    """Return what is known of the frame's pull, as far as it is valid."""
    asked = analysis.pull_attrs(frame)
    if not asked:
        raise AttrsError(
            'df.attrs["helius"] is gone (pandas drops it, as in a concat) or not ours: it is not known'
            ' where these owners were read: call pd.read_helius_balances(df["owner"], cluster=…)'
        )
    return asked


def _cluster_of(asked: dict[str, Any]) -> Any:  # noqa: ANN401 - what was stored; the reader checks it
    if "cluster" not in asked:
        raise InputError(
            f"{asked.get('endpoint', 'the endpoint')} is not kept with its path and key: pass endpoint= again"
        )
    return asked["cluster"]


def _owners_of(frame: pd.DataFrame, owners: str) -> pd.Index | pd.Series:
    choice("all", "rows")("owners", owners)
    return analysis.owners_of(frame) if owners == "all" else frame["owner"].drop_duplicates()
