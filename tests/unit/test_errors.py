"""The exception tree: its shape, its messages, and what travels with it."""

from __future__ import annotations

import contextlib
import copy
import inspect
import pickle
import re

import pandas as pd
import pytest

from helius_frames import errors
from helius_frames.errors import (
    CursorError,
    HeliusError,
    InputError,
    OwnerError,
    ProtocolError,
    PullInterrupted,
    RateLimitError,
    RequestTimeout,
    RPCError,
)

CLASSES = {name: getattr(errors, name) for name in errors.__all__}
SINGLE = [cls for cls in CLASSES.values() if issubclass(cls, HeliusError)]
_LINE = re.compile(r"^    (?P<branch>[│├└─ ]*)(?P<name>[A-Z]\w+)(?: \((?P<bases>[\w, ]+)\))?")


def drawn_tree():
    """Return parent (or ``None``) and further bases of each class, as the module's docstring draws them."""
    tree, above = {}, {}
    for line in errors.__doc__.split("::")[-1].splitlines():
        if found := _LINE.match(line):
            depth = len(found["branch"]) // 4
            above[depth] = found["name"]
            extra = tuple(found["bases"].split(", ")) if found["bases"] else ()
            tree[found["name"]] = (above[depth - 1] if depth else None, extra)
    return tree


def test_the_docstring_draws_every_class_once():
    assert sorted(drawn_tree()) == sorted(CLASSES)


@pytest.mark.parametrize(("name", "drawn"), drawn_tree().items())
def test_the_tree_of_the_docstring_is_that_of_the_classes(name, drawn):
    parent, extra = drawn
    bases = [base.__name__ for base in CLASSES[name].__bases__ if not base.__name__.startswith("_")]
    assert bases == [*filter(None, [parent]), *extra, *(() if parent or extra else ("Exception",))]


def test_every_class_of_the_module_is_listed_and_sorted():
    defined = [
        name
        for name, value in vars(errors).items()
        if inspect.isclass(value) and value.__module__ == errors.__name__
    ]
    assert sorted(name for name in defined if not name.startswith("_")) == sorted(errors.__all__)


@pytest.mark.parametrize("cls", CLASSES.values())
def test_every_class_says_when_it_happens(cls):
    assert cls.__doc__.splitlines()[0].endswith(".")
    assert cls.__doc__ != (cls.__base__.__doc__ or "")


def test_one_base_catches_everything_but_the_interrupt():
    assert [cls for cls in CLASSES.values() if not issubclass(cls, HeliusError)] == [PullInterrupted]
    assert issubclass(PullInterrupted, KeyboardInterrupt)
    assert not issubclass(PullInterrupted, Exception)


def test_a_wrong_call_is_a_value_error_too():
    assert issubclass(InputError, ValueError)
    assert not issubclass(ProtocolError, ValueError)


def test_the_interrupt_is_not_caught_as_an_exception():
    with pytest.raises(PullInterrupted), contextlib.suppress(Exception):
        raise PullInterrupted


def test_errors_may_pass_by_kind_or_as_said():
    passing = [cls.__name__ for cls in SINGLE if cls("x").is_transient]
    assert passing == ["HostUnreachableError", "RateLimitError", "RequestTimeout", "TransportError"]
    assert RPCError("x", is_transient=True).is_transient
    assert not errors.HostUnreachableError("x", is_transient=False).is_transient


# One error


@pytest.mark.parametrize("cls", [cls for cls in SINGLE if not issubclass(cls, InputError)])
def test_an_error_carries_what_is_known_of_it(cls):
    error = cls("what happened", status=429, code=-32005)
    assert (error.reason, error.status, error.code, error.retry_after_s) == (
        "what happened",
        429,
        -32005,
        None,
    )
    assert (error.owner, error.mint, error.page, error.partial, error.others) == (None, None, None, None, ())
    assert (error.open_owners, error.open_mints, error.kept) == ((), (), "")
    assert error.kind == cls.__name__
    assert str(error) == "what happened"
    assert error.args == ("what happened",)


def test_an_error_names_owner_or_mint_and_page_once_they_are_known():
    error = CursorError("cursor 'abc' came twice")
    assert error.at(7, owner="9xQe") is error
    assert str(error) == "owner '9xQe', page 7: cursor 'abc' came twice"
    assert error.reason == "cursor 'abc' came twice"
    assert str(RPCError("no").at(2, mint="So11")) == "mint 'So11', page 2: no"


def test_a_reason_can_be_replaced_everywhere():
    error = RPCError("holds a key").at(2, owner="9xQe")
    assert error.with_reason("is clean") is error
    assert (error.reason, error.args) == ("is clean", ("is clean",))
    assert "key" not in f"{error!s} {error!r}"


def test_others_are_counted_and_not_listed():
    error = RPCError("no").at(1, owner="a")
    error.others = (RequestTimeout("late"), RateLimitError("fast"))
    assert str(error) == "owner 'a', page 1: no (2 more failed at the same moment, see .others)"


def frame_of(rows):
    return pd.DataFrame({"owner": ["a"] * rows, "slot": range(rows)})


@pytest.mark.parametrize("error", [RPCError("no"), PullInterrupted()], ids=repr)
def test_what_was_kept_is_said_in_one_sentence_with_how_to_continue(error):
    before = str(error)
    error.keep(frame_of(1234), ("b", "c"), 5)
    assert str(error) == (
        f"{before}. Kept: 3 of 5 owners read to the end, 1,234 rows, in .partial of this exception"
        " (in a notebook: import sys; sys.last_value.partial);"
        " to continue, read its .open_owners, the other 2"
    )
    assert len(error.partial) == 1234
    assert error.open_owners == ("b", "c")
    assert error.open_mints == ()


def test_where_nothing_was_kept_it_is_said_too():
    error = RPCError("no")
    error.keep(frame_of(0), ("a", "b"), 2)
    assert str(error) == "no. Nothing was kept: no owner had been read to the end"


def test_where_nothing_is_left_there_is_nothing_to_go_on_with():
    error = PullInterrupted()
    error.keep(frame_of(2), (), 2)
    assert "2 of 2 owners" in str(error)
    assert "to continue" not in str(error)


def test_holders_of_mints_are_kept_as_mints():
    error = RPCError("no")
    error.keep(frame_of(2), ("m",), 2, "mint")
    assert (error.open_mints, error.open_owners) == (("m",), ())
    assert "1 of 2 mints read to the end" in str(error)
    assert ".open_mints" in str(error)


# A list of problems


def test_problems_are_listed_up_to_eight():
    error = OwnerError("many", [f"owner at position {n}: blank" for n in range(5021)])
    lines = str(error).splitlines()
    assert lines[0] == "many:"
    assert lines[1] == "  - owner at position 0: blank"
    assert lines[-2].endswith("position 7: blank")
    assert lines[-1] == "  … and 5,013 more, in .problems"
    assert len(lines) == 10
    assert len(error.problems) == 5021


def test_eight_problems_need_no_rest_and_none_no_colon():
    assert len(str(InputError("some", map(str, range(8)))).splitlines()) == 9
    assert str(InputError("one thing")) == "one thing"


# Travelling


def travel(error):
    return pickle.loads(pickle.dumps(error))  # noqa: S301 - this test's own bytes


def full(error):
    error.at(2, owner="9xQe")
    error.retry_after_s = 3.0
    error.others = (RPCError("beside"),)
    error.keep(frame_of(1), ("b", "c"), 3)
    return error


@pytest.mark.parametrize("twin", [travel, copy.copy])
@pytest.mark.parametrize("cls", SINGLE)
def test_an_error_travels_between_processes_whole(cls, twin):
    error = full(cls("what happened"))
    other = twin(error)
    assert (type(other), str(other), other.args) == (cls, str(error), error.args)
    state, expected = dict(vars(other)), dict(vars(error))
    pd.testing.assert_frame_equal(state.pop("partial"), expected.pop("partial"))
    assert list(map(str, state.pop("others"))) == list(map(str, expected.pop("others")))
    assert state == expected


def test_problems_status_and_the_interrupt_travel_too():
    assert travel(OwnerError("x", ["a", "b"])).problems == ("a", "b")
    assert travel(RPCError("x", status=503, code=-1, is_transient=True)).is_transient
    interrupt = PullInterrupted()
    interrupt.keep(frame_of(1), ("a",), 2)
    twin = travel(interrupt)
    assert (str(twin), twin.open_owners) == (str(interrupt), ("a",))
