import inspect
import json
import re

import pandas as pd
import pyarrow as pa
import pytest

import helius_frames
from helius_frames import AttrsError, InputError, demo, read_helius_balances
from helius_frames.accessor import AddressesAccessor, BalancesAccessor, PlotAccessor
from helius_frames.demo import Indexer, serve
from tests.support.frames import rows_of

OWNERS = demo.OWNERS[:30]


@pytest.fixture(scope="module")
def df():
    return read_helius_balances(OWNERS, cluster="demo")


@pytest.mark.parametrize("form", [pd.Series, pd.Index, lambda owners: pd.Series(owners).astype("category")])
def test_addresses_read_their_balances_where_they_are(form, df):
    got = form(list(OWNERS)).helius.read_balances(cluster="demo")
    pd.testing.assert_frame_equal(got, df)


@pytest.mark.parametrize("values", [[1, 2], [1.5], [True], [b"bytes"], [pd.Timestamp(0)]])
def test_what_is_not_text_has_no_helius(values):
    with pytest.raises(AttributeError, match="addresses as text"):
        _ = pd.Series(values).helius


def test_missing_addresses_are_refused_with_their_position():
    with pytest.raises(ValueError, match="cannot be used") as caught:
        pd.Series([OWNERS[0], None]).helius.read_balances(cluster="demo")
    assert "position 1: missing" in str(caught.value)


def test_a_frame_without_a_column_says_which(df):
    with pytest.raises(AttributeError, match="slot"):
        _ = df.drop(columns="slot").helius


def test_extra_columns_ride_along(df):
    assert df.assign(label="x").helius.by_mint().equals(df.helius.by_mint())


def test_its_repr_says_owners_slots_and_zeros_in_three_lines(df):
    lines = repr(df.helius).splitlines()
    assert len(lines) == 3
    assert lines[0].startswith(f"{len(OWNERS)} owners asked, {df['owner'].nunique()} with rows, ")
    assert f"{len(df):,} rows" in lines[0]
    assert "drift" in lines[1]
    assert f"{(df['balance'] == 0).sum():,} zero balances" in lines[2]
    assert repr(df.iloc[:0].helius).splitlines()[1] == "slots none"


def test_refresh_asks_the_same_question_again(df):
    again = df.helius.refresh()
    pd.testing.assert_frame_equal(again, df)
    with demo.at("later"):
        later = df.helius.refresh()
    assert later["owner"].cat.categories.tolist() == list(OWNERS)
    assert rows_of(later) != rows_of(df)


def test_refresh_of_an_arrow_frame_asks_owners_without_rows_too(df):
    arrow = read_helius_balances(OWNERS, cluster="demo", dtype_backend="pyarrow")
    with demo.at("later"):
        assert rows_of(arrow.head(10).helius.refresh()) == rows_of(df.helius.refresh())


def test_addresses_in_an_arrow_dictionary_are_text(df):
    arrow = read_helius_balances(OWNERS, cluster="demo", dtype_backend="pyarrow")
    assert rows_of(arrow["owner"].helius.read_balances(cluster="demo")) == rows_of(df)
    numbers = pd.Series([1, 2], dtype=pd.ArrowDtype(pa.dictionary(pa.int8(), pa.int64())))
    with pytest.raises(AttributeError, match="addresses as text"):
        numbers.helius  # noqa: B018


def first_line(frame):
    return repr(frame.helius).splitlines()[0]


def test_its_repr_counts_who_failed_and_claims_no_more_than_is_known(df):
    record = {"owner": "another", "page": 1, "kind": "RPCError", "message": "no"}
    attrs, size = df.attrs["helius"], f"{df['mint'].nunique():,} mints, {len(df):,} rows"
    failed, bare, text = df.copy(), df.copy(), df.astype({"owner": "str"})
    failed.attrs["helius"] = attrs | {"owners": 31, "failed": 1, "failures": json.dumps([record])}
    assert first_line(failed) == f"31 owners asked, 28 with rows, {size}; 1 owner failed"
    for other in ("text", None, {}, {"failed": None}):
        bare.attrs["helius"] = other
        assert first_line(bare) == f"30 owners read, 28 with rows, {size}"
    text.attrs.clear()
    assert first_line(text) == f"28 owners, {size}"
    partial = df.assign(owner=df["owner"].cat.remove_unused_categories())
    assert first_line(partial) == first_line(text)


def test_its_repr_counts_one_of_a_kind_in_the_singular(df):
    one = read_helius_balances(OWNERS[0], cluster="demo").head(1)
    assert first_line(one) == "1 owner asked, 1 with rows, 1 mint, 1 row"


def test_its_repr_of_a_frame_that_cannot_be_used_says_why(df):
    assert repr(df.assign(slot=1.5).helius).startswith(f"{len(df):,} rows that cannot be used: column 'slot'")


@pytest.mark.parametrize("name", ["owner", "mint", "balance", "slot"])
def test_a_column_that_is_there_twice_is_named(df, name):
    with pytest.raises(AttributeError, match=f"more than one column '{name}' among 'owner', 'mint'"):
        _ = pd.concat([df, df[[name]]], axis="columns").helius
    with pytest.raises(AttributeError, match="'owner', 'mint', 'balance', 'slot' is missing"):
        _ = pd.concat({name: df}, axis="columns").helius


def test_methods_tell_columns_and_an_example_where_they_are_looked_up():
    charts = [PlotAccessor.histogram, PlotAccessor.heatmap, PlotAccessor.treemap]
    for method in (BalancesAccessor.by_mint, BalancesAccessor.diff, BalancesAccessor.failures, *charts):
        told = method.__doc__
        assert "Returns\n-------" in told
        assert "Examples\n--------" in told
        assert inspect.cleandoc(told) == told


def test_refresh_keeps_mint_filter_and_drop_zero():
    mints = list(demo.MINTS[:3])
    filtered = read_helius_balances(OWNERS, mints, cluster="demo", drop_zero=True)
    pd.testing.assert_frame_equal(filtered.helius.refresh(), filtered)
    assert filtered.helius.refresh().attrs["helius"]["mints"] == mints
    assert len(filtered.helius.refresh(drop_zero=False)) > len(filtered)


def test_refresh_of_rows_asks_only_owners_that_have_some(df):
    few = df.head(10)
    assert few.helius.refresh("rows").attrs["helius"]["owners"] == few["owner"].nunique()
    assert few.helius.refresh("all").attrs["helius"]["owners"] == len(OWNERS)


def test_refresh_from_an_endpoint_needs_it_again():
    with serve(Indexer(demo.app().holdings)) as url:
        df = read_helius_balances(OWNERS, endpoint=url)
        with pytest.raises(InputError, match="pass endpoint= again"):
            df.helius.refresh()
        assert rows_of(df.helius.refresh(endpoint=url)) == rows_of(df)


def test_refresh_and_failures_never_guess_where_attrs_are_gone(df):
    bare = df.copy()
    bare.attrs.clear()
    with pytest.raises(AttrsError, match="gone"):
        bare.helius.refresh()
    with pytest.raises(AttrsError):
        bare.helius.failures()


@pytest.mark.parametrize(
    ("method", "left_out"),
    [(AddressesAccessor.read_balances, set()), (BalancesAccessor.refresh, {"chunksize"})],
)
def test_the_accessors_repeat_the_readers_keywords(method, left_out):
    reader = inspect.signature(helius_frames.read_helius_balances).parameters
    keywords = {name for name, parameter in reader.items() if parameter.kind is parameter.KEYWORD_ONLY}
    mine = inspect.signature(method).parameters
    assert {name for name, p in mine.items() if p.kind is p.KEYWORD_ONLY} == keywords - left_out


def test_every_measure_hands_over_to_analysis(df):
    from helius_frames import analysis

    df = df[df["mint"].isin(demo.MINTS)]
    mint = df.helius.by_mint().index[0]
    for name, arguments in {
        "by_mint": (),
        "by_owner": (),
        "slots": (),
        "failures": (),
        "top_holders": (mint, 3),
        "distribution": (mint, 5),
        "lorenz": (mint,),
        "ecdf": (mint,),
        "diff": (df,),
        "with_decimals": (6,),
        "pivot": (),
    }.items():
        got = getattr(df.helius, name)(*arguments)
        pd.testing.assert_frame_equal(got, getattr(analysis, name)(df, *arguments))
    assert df.helius.drift == analysis.drift(df)


def test_the_plot_accessor_lists_its_charts_and_names_them_where_there_is_none(df):
    from helius_frames import charts

    text = repr(df.helius.plot)
    of_frames = [name for name, chart in charts.CHARTS.items() if chart.subject != "pulls"]
    assert [line.split("(")[0].strip() for line in text.splitlines()[1:]] == [
        f".{name}" for name in of_frames
    ]
    assert set(of_frames) <= set(dir(df.helius.plot))
    with pytest.raises(AttributeError, match="no chart 'hist'; there are histogram, ecdf, lorenz"):
        _ = df.helius.plot.hist
    told = PlotAccessor.histogram.__doc__
    assert ">>> figure = df.helius.plot.histogram(" in told
    assert "A balance frame, or its" not in told
    assert "theme" in told


@pytest.mark.parametrize("chart", ["histogram", "ecdf", "lorenz", "top_holders", "treemap", "heatmap"])
def test_every_chart_hands_over_with_the_same_keywords(df, chart):
    from helius_frames import charts

    df = df[df["mint"].isin(demo.MINTS)]
    mint = df.helius.by_mint().index[0]
    method, function = getattr(df.helius.plot, chart), getattr(charts, f"plot_{chart}")
    mine, theirs = (inspect.signature(call).parameters for call in (method, function))
    assert [(p.name, p.default) for p in mine.values()] == [
        (p.name, p.default) for p in list(theirs.values())[1:]
    ]
    assert method(mint, theme="dark") == function(df, mint, theme="dark")


# The card


def test_the_card_says_the_three_lines_of_the_terminal():
    df = helius_frames.read_helius_balances(demo.OWNERS, cluster="demo")
    card = df.helius._repr_html_()
    lines = re.findall(r"<div>(?:<b>)?(.*?)(?:</b>)?</div>", card)
    assert lines == repr(df.helius).splitlines()
    assert "600 owners asked, 584 with rows" in card
    assert "failed" not in card


def test_the_card_lists_who_failed_and_why_as_text():
    df = helius_frames.read_helius_balances(demo.OWNERS[:9], cluster="demo")
    records = [
        {"owner": owner, "page": 1, "kind": "RPCError", "message": "<script>x</script>"}
        for owner in demo.OWNERS[20:27]
    ]
    df.attrs["helius"] |= {"failures": json.dumps(records), "failed": 7, "owners": 16}
    card = df.helius._repr_html_()
    assert "7 owners failed" in card
    assert f"{demo.OWNERS[20]}: &lt;script&gt;x" in card
    assert "… and 2 more" in card
    assert "<script" not in card


def test_the_card_of_a_frame_that_cannot_be_used_says_why():
    df = helius_frames.read_helius_balances(demo.OWNERS[:2], cluster="demo")
    assert "rows that cannot be used: column &#x27;slot&#x27;" in df.assign(slot=1.5).helius._repr_html_()
