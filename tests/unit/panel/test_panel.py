"""The pull panel without a browser: what it asks, shows and stops, and what it never keeps."""

from __future__ import annotations

import json
import re
import time

import ipywidgets
import pytest

import helius_frames
from helius_frames import demo, errors
from helius_frames._progress import PullProgress
from helius_frames._transport.rate_limit import PLANS
from helius_frames.errors import InputError
from helius_frames.panel import _addresses, _html, _panel
from helius_frames.panel._addresses import address_column, column, pasted, problems_in, read_table
from helius_frames.panel._field import SecretField
from helius_frames.panel._pulling import PullOutcome
from helius_frames.panel._words import in_form_words
from tests.fault_server import FaultRule, FaultyIndexer
from tests.support.frames import rows_held, rows_of
from tests.support.transport import use_transport

KEY = "0f9c2b7e-made-for-the-test"
SOME = demo.OWNERS[:20]
# Without a port: a URL that nothing answers, asked through an app of the test.
URL = "http://127.0.0.1:9/a-secret-path"


@pytest.fixture
def panel():
    made = helius_frames.app()
    yield made
    made.close()


@pytest.fixture
def sent(monkeypatch):
    """Everything that widgets send to the front end, as text."""
    messages = []
    monkeypatch.setattr(
        ipywidgets.Widget,
        "_send",
        lambda _widget, *message, **buffers: messages.append(f"{message}{buffers}"),
    )
    return messages


def type_into(field, text):
    """Do what the page does when a text was typed."""
    field._handle_custom_msg({"text": text}, [])


def choose_file(panel, name, content):
    panel._controls.upload._handle_custom_msg({"name": name}, [memoryview(content)])


def pull(panel):
    """Click on Pull and wait for the end."""
    panel._controls.pull.click()
    pulling = panel._pulling
    if pulling is not None:
        pulling.wait(20)
    assert panel._pulling is None


def begin(panel, owners=SOME, where="demo", url=None, key=None):
    controls = panel._controls
    controls.owners.value = "\n".join(owners)
    controls.where.value = where
    if url is not None:
        type_into(controls.url, url)
    if key is not None:
        type_into(controls.key, key)


def pull_from(panel, indexer, owners=SOME, key=None):
    """Pull from an indexer of the test's own, through the form's endpoint."""
    begin(panel, owners, "endpoint", URL, key)
    with use_transport("in process", indexer):
        pull(panel)


def faulty(name, **options):
    return FaultyIndexer(demo.app().holdings, faults=[FaultRule(name, **options)])


def text_of(widget):
    return re.sub(r"<[^>]+>", " ", widget.value)


# A pull


def test_it_pulls_the_demo_owners_and_shows_the_explorer(panel):
    panel._controls.example.click()
    pull(panel)
    held = rows_held(demo.app().holdings)
    assert rows_of(panel.frame) == held
    assert panel.children[-1] is panel.explorer
    assert panel.explorer.mint in set(panel.frame["mint"])
    assert f"Done: 600 of 600 owners read, {len(held):,} rows." in panel._status.value


def test_the_progress_shows_owners_pages_and_requests(panel):
    begin(panel)
    pull(panel)
    seen = panel.frame.attrs["helius"]
    shown = text_of(panel._progress)
    assert f"20 of 20 owners · {seen['pages']} pages · {seen['requests']} requests" in shown
    assert "credits" not in shown  # the demo cluster costs none


def test_credits_are_shown_where_requests_cost_some():
    for each, shown in ((10, True), (0, False)):
        line = _html.progress(PullProgress(owners=1, requests=7, credits=7 * each))
        assert ("7 requests = 70 credits" in line) is shown
        assert "7 requests" in line


def test_retries_and_failures_are_shown_while_they_happen():
    line = _html.progress(PullProgress(owners=9, done=2, failed=1, pages=4, requests=6, retries=2))
    assert 'max="9" value="3"' in line
    assert "2 retries" in line
    assert "1 failed" in line


def test_mint_filter_and_zero_balances_are_heeded(panel):
    begin(panel)
    mints = demo.MINTS[:2]
    panel._controls.mints.value = ", ".join(mints)
    panel._controls.drop_zero.value = True
    pull(panel)
    held = rows_held(demo.app().holdings, SOME)
    assert rows_of(panel.frame) == [row for row in held if row[1] in mints and row[2]]


def test_the_plan_of_the_form_paces_the_pull(panel, monkeypatch):
    asked = []

    def read(config, _cancelled):
        asked.append(config)
        return demo_frame()

    monkeypatch.setattr("helius_frames.panel._pulling.read", read)
    begin(panel, where="mainnet", key=KEY)
    panel._controls.plan.value = "free"
    pull(panel)
    begin(panel)
    pull(panel)
    with_key, demo_config = asked
    assert (with_key.rate, with_key.endpoint.cluster) == (PLANS["free"], "mainnet")
    assert with_key.endpoint.key.reveal() == KEY
    assert (demo_config.rate, demo_config.endpoint.cluster, demo_config.endpoint.key) == (None, "demo", None)


def demo_frame():
    return helius_frames.read_helius_balances(SOME[:2], cluster="demo")


def test_the_second_pull_takes_the_place_of_the_first(panel):
    begin(panel)
    pull(panel)
    first = panel.explorer
    begin(panel, SOME[:3])
    pull(panel)
    assert first.comm is None
    assert panel.children.count(panel.explorer) == 1
    assert panel.frame["owner"].cat.categories.tolist() == list(SOME[:3])


def test_decimals_are_those_of_the_demo_and_what_is_typed_is_kept_from_pull_to_pull(panel):
    begin(panel)
    pull(panel)
    assert panel.explorer.decimals == demo.DECIMALS
    mint = panel.explorer.mint
    panel.explorer._controls.decimals.value = "3"
    pull(panel)
    assert panel.explorer.decimals == demo.DECIMALS | {mint: 3}
    known = helius_frames.app(decimals={mint: 2})
    pull_from(known, demo.Indexer(demo.app().holdings))
    assert known.explorer.decimals == {mint: 2}
    known.close()


def test_an_owner_without_rows_gives_an_explorer_that_says_so(panel):
    pull_from(panel, demo.Indexer(demo.Holdings.from_dict({SOME[0]: {}})), SOME[:1])
    assert panel.frame.empty
    assert "no rows" in panel.explorer.children[0].value


# Cancelling


def test_cancel_stops_the_requests_and_keeps_what_had_arrived(panel):
    def on_read(number):
        if number == 100:
            panel._controls.cancel.click()

    indexer = demo.Indexer(demo.app().holdings, on_read=on_read, latency_s=0.02)
    pull_from(panel, indexer, demo.OWNERS)
    assert 100 <= indexer.requests < 600
    read = set(panel.frame["owner"])
    assert rows_of(panel.frame) == rows_held(demo.app().holdings, [o for o in demo.OWNERS if o in read])
    assert re.search(r"Cancelled: \d+ of 600 owners read", panel._status.value)


def test_cancel_before_the_first_owner_shows_no_explorer(panel):
    begin(panel, SOME[:5], "endpoint", URL)
    with use_transport("in process", demo.Indexer(demo.app().holdings, latency_s=0.5)):
        panel._controls.pull.click()
        panel._controls.cancel.click()
        assert "Cancelling" in panel._status.value
        panel._pulling.wait(20)
    assert panel.frame is None
    assert "Cancelled: no owners were fetched." in panel._status.value


def test_while_a_pull_runs_there_is_no_second(panel):
    controls = panel._controls
    begin(panel, SOME[:5], "endpoint", URL)
    with use_transport("in process", demo.Indexer(demo.app().holdings, latency_s=0.1)):
        controls.pull.click()
        running = panel._pulling
        assert (controls.pull.disabled, controls.cancel.disabled) == (True, False)
        controls.pull.click()
        assert panel._pulling is running
        running.wait(20)
    assert (controls.pull.disabled, controls.cancel.disabled) == (False, True)


def test_cancel_without_a_pull_does_nothing(panel):
    panel._controls.cancel.click()
    assert panel._status.value == ""


def test_closing_ends_the_pull(panel):
    indexer = demo.Indexer(demo.app().holdings, latency_s=0.05)
    begin(panel, demo.OWNERS, "endpoint", URL)
    with use_transport("in process", indexer):
        panel._controls.pull.click()
        panel.close()
    assert panel._pulling is None
    assert indexer.requests < 600


# Faults


def test_failed_owners_are_listed_with_their_cause(panel):
    pull_from(panel, faulty("mint-markup", owner=SOME[3]))
    listed = text_of(panel._failures)
    assert "1 owner could not be read" in listed
    assert SOME[3] in listed
    assert "ProtocolError" in listed
    assert "Done: 19 of 20 owners read" in panel._status.value


def test_a_fault_that_ends_the_pull_is_one_clear_sentence(panel):
    pull_from(panel, faulty("401-json", request=range(10, 10_000)), demo.OWNERS[:100])
    assert "Ended early:" in panel._status.value
    assert "401" in text_of(panel._status)
    assert 0 < panel.frame["owner"].nunique() < 100


def test_the_pull_before_stays_where_the_next_brings_nothing(panel):
    begin(panel)
    pull(panel)
    before = panel.explorer
    pull_from(panel, faulty("401-json"))
    assert panel.explorer is before
    assert "no owners were fetched." in panel._status.value
    assert "Below is the previous pull." in panel._status.value


def test_a_missing_key_is_said_in_the_words_of_the_form(panel, monkeypatch):
    monkeypatch.delenv("HELIUS_API_KEY", raising=False)
    begin(panel, where="mainnet")
    pull(panel)
    assert "A key is needed here: type it into the field" in panel._status.value


def test_a_missing_endpoint_asks_nobody_else(panel, monkeypatch):
    monkeypatch.setenv("HELIUS_ENDPOINT", "http://127.0.0.1:9/")
    begin(panel, where="endpoint")
    pull(panel)
    assert "Type the URL of the endpoint" in panel._status.value
    assert panel._progress.value == ""


def test_without_owners_nothing_is_asked(panel):
    pull(panel)
    assert "Paste at least one address" in panel._status.value


def test_bad_owners_are_all_listed_with_their_lines(panel):
    begin(panel, ["abc", SOME[0], "", f"{SOME[1]}, <b>no</b>"])
    pull(panel)
    listed = re.findall(r"<li>(.*?)</li>", panel._status.value)
    assert [item.split(":")[0] for item in listed] == ["line 1", "line 4"]
    assert "2 of 4 owners cannot be used, nothing was sent" in panel._status.value


def test_a_bad_mint_is_listed(panel):
    begin(panel)
    panel._controls.mints.value = "nonsense"
    pull(panel)
    assert "1 of 1 mints cannot be used" in panel._status.value


def test_an_exception_that_nobody_foresaw_is_shown_and_the_form_lives_on(panel, monkeypatch):
    def break_down(_frame, **_options):
        raise ZeroDivisionError("<i>no chart</i>")

    begin(panel)
    with monkeypatch.context() as broken:
        broken.setattr(_panel, "explore", break_down)
        pull(panel)
    assert "unexpected ZeroDivisionError: &lt;i&gt;no chart" in panel._status.value
    assert len(panel.frame)
    assert not panel._controls.pull.disabled
    pull(panel)
    assert panel.explorer is not None


# Texts from outside


@pytest.mark.parametrize(
    "made",
    [
        _html.status,
        lambda bad: _html.problems(bad, [bad]),
        lambda bad: _html.count_note([], [], _addresses.Table(bad, (bad,), True, [])),
        lambda bad: _html.status(_html.outcome(PullOutcome(None, 0, 1, bad))),
    ],
)
def test_markup_from_outside_is_text(made):
    bad = "<img src=x onerror=alert(1)>"
    assert "<img" not in made(bad)
    assert "&lt;img" in made(bad)


def test_markup_in_a_failure_is_text():
    record = {"owner": SOME[0], "page": None, "kind": "RPCError", "message": "<script>x</script>"}
    frame = demo_frame()
    frame.attrs["helius"]["failures"] = json.dumps([record])
    table = _html.failures(helius_frames.analysis.failures(frame))
    assert "&lt;script&gt;" in table
    assert "<script>" not in table
    assert f"<td>{SOME[0]}</td><td></td>" in table


def test_of_very_many_bad_lines_the_first_are_listed_and_the_others_counted():
    listed = _html.problems("sentence", [f"line {n}" for n in range(_html.LISTED + 7)])
    assert listed.count("<li>") == _html.LISTED + 1
    assert "and 7 more" in listed


# Secrets


def states():
    return json.dumps(ipywidgets.Widget.get_manager_state(drop_defaults=False), default=str)


@pytest.mark.parametrize("api_key", [KEY, "another"], ids=["right", "wrong"])
def test_key_and_endpoint_are_in_no_state_and_in_nothing_that_is_sent(panel, sent, api_key):
    begin(panel, where="endpoint", url=URL, key=KEY)
    assert KEY not in states()
    indexer = demo.Indexer(demo.app().holdings, api_key=api_key)
    with use_transport("in process", indexer):
        pull(panel)
    assert ("Done:" in panel._status.value) == (api_key == KEY), panel._status.value
    for text in (KEY, "a-secret-path"):
        assert text not in states()
        assert text not in "".join(sent)
        assert text not in repr(panel)
    assert len(sent) > 5


def test_the_key_is_kept_for_the_next_pull_until_it_is_forgotten(panel, sent):
    indexer = demo.Indexer(demo.app().holdings, api_key=KEY)
    controls = panel._controls
    assert not is_shown(controls.forget)
    pull_from(panel, indexer, key=KEY)
    assert is_shown(controls.forget)
    with use_transport("in process", indexer):
        pull(panel)
        assert "Done:" in panel._status.value
        controls.forget.click()
        assert (controls.key.peek(), controls.key.is_set) == (None, False)
        assert not is_shown(controls.forget)
        pull(panel)
    assert "401" in panel._status.value
    assert controls.url.is_set
    assert KEY not in states() + "".join(sent)


@pytest.mark.parametrize(
    ("before", "after", "is_kept"),
    [
        ("mainnet", "devnet", True),
        ("mainnet", "demo", True),
        ("mainnet", "endpoint", False),
        ("endpoint", "mainnet", False),
        ("endpoint", "demo", True),
    ],
)
def test_a_key_is_forgotten_when_it_would_go_to_another_server(panel, before, after, is_kept):
    begin(panel, where=before, key=KEY)
    panel._controls.where.value = after
    assert panel._controls.key.is_set is is_kept


def test_a_key_that_was_used_is_forgotten_when_the_endpoint_changes(panel):
    pull_from(panel, demo.Indexer(demo.app().holdings, api_key=KEY), key=KEY)
    assert panel._controls.key.is_set
    type_into(panel._controls.url, "http://127.0.0.1:9/another")
    assert not panel._controls.key.is_set


def test_closing_forgets_the_key():
    panel = helius_frames.app()
    begin(panel, where="mainnet", key=KEY)
    panel.close()
    assert panel._controls.key.peek() is None


# The result


def test_everything_pulled_is_one_click(panel):
    assert panel._save.items == []
    begin(panel)
    pull(panel)
    [item] = panel._save.items
    assert item["label"] == f"Save everything: {len(panel.frame):,} rows (CSV)"
    saved = panel._everything(item["format"], item["what"])
    assert len(saved.data.splitlines()) == len(panel.frame) + 1
    assert saved.name == f"helius-{len(panel.frame)}-rows-of-everything.csv"


# Messages


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("401-json", "does not accept the key. Type it again into the field"),
        ("429-forever", "Choose a smaller plan"),
    ],
)
def test_what_ends_a_pull_is_said_in_the_words_of_the_form(panel, fault, words):
    sentence = in_form_words(errors_of(fault))
    assert words in sentence
    assert not re.search(r"\w=|HELIUS_|\.partial|import ", sentence)


def errors_of(fault):
    kinds = {"401-json": errors.AuthenticationError, "429-forever": errors.RateLimitError}
    return kinds[fault](f"check api_key= or HELIUS_API_KEY after {fault}", status=int(fault[:3]))


def test_every_error_has_words_of_the_form():
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type)]
    known = [kind for kind in kinds if issubclass(kind, errors.HeliusError) and kind is not InputError]
    assert len(known) > 10
    for kind in known:
        sentence = in_form_words(kind("check api_key= or HELIUS_API_KEY"))
        if not issubclass(kind, errors.OwnerError | errors.MintError):
            assert "api_key" not in sentence, kind


def test_a_secret_field_tells_only_whether_it_is_set():
    field = SecretField(description="key")
    type_into(field, f" {KEY} ")
    assert field.is_set
    assert field.peek().reveal() == KEY
    assert KEY not in f"{vars(field)} {field.get_state()}"
    type_into(field, "  ")
    assert (field.is_set, field.peek()) == (False, None)


def test_no_field_of_the_form_keeps_an_uploaded_file(panel):
    choose_file(panel, "wallets.csv", f"name,address\nAunt Ada,{SOME[0]}\n".encode())
    assert "Aunt Ada" not in states()


# The form


def is_shown(widget):
    return widget.layout.display != "none"


@pytest.mark.parametrize(
    ("where", "shown"),
    [
        ("demo", []),
        ("mainnet", ["key", "plan"]),
        ("devnet", ["key", "plan"]),
        ("endpoint", ["url", "key", "plan"]),
    ],
)
def test_what_a_cluster_does_not_ask_for_is_hidden(panel, where, shown):
    panel._controls.where.value = where
    assert [name for name in ("url", "key", "plan") if is_shown(getattr(panel._controls, name))] == shown


def test_every_control_has_a_label(panel):
    labels = [c.description for c in panel._controls if not isinstance(c, ipywidgets.HTML)]
    assert all(labels)
    assert len(labels) == len(set(labels))


def test_the_column_with_addresses_is_chosen_and_another_can_be(panel):
    choose_file(
        panel, "w.csv", f"n,address,mint\n1,{SOME[0]},{demo.MINTS[0]}\n2,{SOME[1]},{demo.MINTS[1]}\n".encode()
    )
    controls = panel._controls
    assert [label for label, _ in controls.column.options] == ["1: n", "2: address", "3: mint"]
    assert controls.column.value == 1
    assert is_shown(controls.column)
    assert [entry.text for entry in panel._of_file()] == list(SOME[:2])
    controls.column.value = 2
    assert [entry.text for entry in panel._of_file()] == list(demo.MINTS[:2])


def test_a_file_is_read_with_what_was_pasted_and_can_be_removed(panel):
    begin(panel, SOME[:2])
    choose_file(panel, "more.txt", "\n".join(SOME[1:4]).encode())
    assert (
        "2 owners pasted · 3 from &#x27;more.txt&#x27; · 1 duplicate, fetched once"
        in panel._controls.count.value
    )
    assert not is_shown(panel._controls.column)
    pull(panel)
    assert panel.frame["owner"].cat.categories.tolist() == list(SOME[:4])
    panel._controls.remove.click()
    assert panel._of_file() == []
    assert not is_shown(panel._controls.remove)


def test_a_file_that_cannot_be_read_is_said_and_leaves_the_form_alone(panel):
    choose_file(panel, "good.txt", SOME[0].encode())
    choose_file(panel, "book.xlsx", b"PK\x03\x04\x00\x00")
    assert "is not text: save the table as CSV" in panel._status.value
    assert [entry.text for entry in panel._of_file()] == [SOME[0]]


def test_the_repr_says_what_there_is(panel):
    assert repr(panel) == "Panel(frame=None)"
    begin(panel, SOME[:1])
    pull(panel)
    assert repr(panel) == f"Panel(frame={len(panel.frame):,} rows)"


# Addresses as people hand them over


def test_pasted_addresses_stand_on_lines_or_between_commas_and_quotes():
    text = f" {SOME[0]}\r\n\n[\"{SOME[1]}\", '{SOME[2]}'];{SOME[3]}\t{SOME[4]},\n"
    found = pasted(text)
    assert [entry.text for entry in found] == list(SOME[:5])
    assert [entry.place for entry in found] == ["line 1", *["line 3"] * 4]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_a_csv_of_any_delimiter_has_its_columns(delimiter):
    lines = [("who", "where"), ("Ada", SOME[0]), ("Bob", SOME[1])]
    table = read_table("w.csv", "\n".join(delimiter.join(line) for line in lines).encode())
    assert table.headings == ("who", "where")
    assert address_column(table) == 1
    assert column(table, 1)[1] == ("w.csv, line 3", SOME[1])


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_file_is_read_in_the_encodings_that_spreadsheets_write(encoding):
    table = read_table("w.csv", f"Straße,address\nA,{SOME[0]}\n".encode(encoding))
    assert table.headings == ("Straße", "address")


def test_a_mistyped_first_address_is_a_fault_and_no_heading():
    table = read_table("w.txt", f"{SOME[0][:-1]}0\n{SOME[1]}\n".encode())
    assert not table.has_headings
    typo = SOME[0][:-1] + "0"
    assert problems_in(column(table, 0)) == [f"w.txt, line 1: {typo!r} is not a Solana address: not base58"]


def test_a_line_without_an_address_in_the_column_is_a_fault_and_a_blank_line_is_none():
    table = read_table("w.csv", f"a,b\n{SOME[0]},1\n\n,2\n".encode())
    assert problems_in(column(table, 0)) == ["w.csv, line 4: no address in this line"]


def test_a_row_that_is_too_short_lacks_its_address():
    table = read_table("w.csv", f"n,address\n1,{SOME[0]}\n2\n".encode())
    assert problems_in(column(table, 1)) == ["w.csv, line 3: no address in this line"]


def test_a_column_is_chosen_even_where_none_holds_addresses():
    assert address_column(read_table("w.csv", b"a,b\n1,2\n")) == 0


def test_a_table_of_millions_of_columns_is_refused_at_once_and_one_of_many_is_read():
    began = time.process_time()
    for content in (b"," * 4_000_000, b"a;b\n" + b";" * 4_000_000):
        with pytest.raises(InputError, match=r"'w.csv' has a line of 4,000,001 columns"):
            read_table("w.csv", content)
    line = ",".join([*("x" * 40 for _ in range(_addresses.MAX_COLUMNS - 1)), SOME[0]])
    table = read_table("w.csv", "\n".join([line] * 100).encode())
    assert address_column(table) == _addresses.MAX_COLUMNS - 1
    assert time.process_time() - began < 5


@pytest.mark.parametrize("content", [b"", b"\n\n", b" , ,\n"])
def test_a_file_without_text_is_refused(content):
    with pytest.raises(InputError, match="is empty"):
        read_table("w.csv", content)


def test_a_cell_without_end_is_refused_with_its_line():
    with pytest.raises(InputError, match="cannot be read as CSV at line"):
        read_table("w.csv", b'a,b\n"' + b"x" * 200_000)
