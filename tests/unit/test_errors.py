"""The exception tree: its shape, its messages, and what travels with it."""

from __future__ import annotations

import contextlib
import copy
import inspect
import pickle
import re
import traceback

import pandas as pd
import pytest

from helius_frames import errors
from helius_frames.errors import (
    CursorError,
    HeliusError,
    HeliusErrorGroup,
    InputError,
    InputErrorGroup,
    MintError,
    OwnerError,
    ProtocolError,
    PullInterrupted,
    RateLimitError,
    RequestTimeout,
)

CLASSES = {name: getattr(errors, name) for name in errors.__all__}
SINGLE = [cls for cls in CLASSES.values() if not issubclass(cls, ExceptionGroup | KeyboardInterrupt)]
_LINE = re.compile(r"^    (?P<branch>[│├└─ ]*)(?P<name>[A-Z]\w+)(?: \((?P<bases>[\w, ]+)\))?")


def drawn_tree():
    """Parent (or ``None``) and further bases of each class, as the module's docstring draws them."""
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
    bases = [base.__name__ for base in CLASSES[name].__bases__]
    default = () if parent or extra else ("Exception",)
    assert bases == [*filter(None, [parent]), *extra, *default]


def test_every_class_of_the_module_is_listed_and_sorted():
    defined = [
        name
        for name, value in vars(errors).items()
        if inspect.isclass(value) and value.__module__ == errors.__name__
    ]
    assert sorted(defined) == sorted(errors.__all__)
    assert errors.__all__ == sorted(errors.__all__)


@pytest.mark.parametrize("cls", CLASSES.values())
def test_every_class_says_when_it_happens(cls):
    assert cls.__doc__.splitlines()[0].endswith(".")
    assert cls.__doc__ != (cls.__base__.__doc__ or "")


def test_one_base_catches_everything_but_the_interrupt():
    others = [cls for cls in CLASSES.values() if not issubclass(cls, HeliusError)]
    assert others == [PullInterrupted]
    assert issubclass(PullInterrupted, KeyboardInterrupt)


def test_a_wrong_call_is_a_value_error_too():
    assert issubclass(InputError, ValueError)
    assert issubclass(InputErrorGroup, InputError)
    assert not issubclass(ProtocolError, ValueError)


# One fault


@pytest.mark.parametrize("cls", SINGLE)
def test_a_fault_carries_what_is_known_of_it(cls):
    fault = cls("what happened", status=429, code=-32005, retry_after_s=1.5)
    assert (fault.reason, fault.status, fault.code, fault.retry_after_s) == (
        "what happened",
        429,
        -32005,
        1.5,
    )
    assert (fault.owner, fault.page, fault.partial, fault.open_owners) == (None, None, None, ())
    assert fault.kind == cls.__name__
    assert str(fault) == "what happened"


def test_a_fault_names_owner_and_page_once_they_are_known():
    fault = CursorError("cursor 'abc' came twice")
    assert fault.at("9xQe", 7) is fault
    assert str(fault) == "owner '9xQe', page 7: cursor 'abc' came twice"
    assert fault.reason == "cursor 'abc' came twice"


def full(fault):
    fault.at("9xQe", 2)
    fault.partial = pd.DataFrame({"owner": ["a"], "slot": [1]})
    fault.open_owners = ("b", "c")
    return fault


def assert_same(one, other):
    assert (type(one), str(one), one.args) == (type(other), str(other), other.args)
    state, expected = dict(vars(one)), dict(vars(other))
    pd.testing.assert_frame_equal(state.pop("partial"), expected.pop("partial"))
    assert state == expected


def travel(fault):
    return pickle.loads(pickle.dumps(fault))  # noqa: S301 - this test's own bytes


@pytest.mark.parametrize("twin", [travel, copy.copy])
@pytest.mark.parametrize("cls", SINGLE)
def test_a_fault_travels_between_processes_whole(cls, twin):
    fault = full(cls("what happened", status=503, code=-32002, retry_after_s=3.0))
    assert_same(twin(fault), fault)


def test_the_interrupt_travels_too():
    interrupt = PullInterrupted()
    interrupt.partial, interrupt.open_owners = pd.DataFrame({"slot": [1]}), ("a",)
    twin = travel(interrupt)
    assert_same(twin, interrupt)
    assert str(twin) == "the pull was interrupted"


def test_the_interrupt_is_not_caught_as_an_exception():
    with pytest.raises(PullInterrupted), contextlib.suppress(Exception):
        raise PullInterrupted


# Several at once


def two():
    return [RequestTimeout("slow", status=None).at("a", 1), RateLimitError("fast", status=429).at("b", 3)]


def test_a_group_lists_its_faults():
    group = HeliusErrorGroup("2 owners failed at once", two())
    assert str(group) == "2 owners failed at once:\n  - owner 'a', page 1: slow\n  - owner 'b', page 3: fast"
    assert [fault.owner for fault in group.exceptions] == ["a", "b"]
    assert (group.reason, group.message, group.kind) == ("2 owners failed at once",) * 2 + (
        "HeliusErrorGroup",
    )


def test_a_group_of_thousands_lists_the_first_and_counts_the_rest():
    group = InputErrorGroup("many", [OwnerError(f"owner at position {n}: blank") for n in range(5021)])
    lines = str(group).splitlines()
    assert len(lines) == 22
    assert lines[-2].endswith("position 19: blank")
    assert lines[-1] == "  … and 5,001 more, in .exceptions"
    assert len(group.exceptions) == 5021


def test_a_group_of_exactly_the_listed_number_counts_no_rest():
    group = InputErrorGroup("many", [OwnerError(str(n)) for n in range(20)])
    assert len(str(group).splitlines()) == 21


@pytest.mark.parametrize("cls", [HeliusErrorGroup, InputErrorGroup])
def test_a_group_travels_between_processes_whole(cls):
    group = full(cls("several", [full(OwnerError("x")), full(OwnerError("y"))]))
    twin = travel(group)
    assert (type(twin), twin.reason, str(twin)) == (cls, "several", str(group))
    assert (twin.owner, twin.page, twin.open_owners) == ("9xQe", 2, ("b", "c"))
    pd.testing.assert_frame_equal(twin.partial, group.partial)
    for one, other in zip(twin.exceptions, group.exceptions, strict=True):
        assert_same(one, other)


def test_a_part_of_a_group_keeps_its_kind_and_what_had_arrived():
    group = full(InputErrorGroup("several", [OwnerError("x"), MintError("y")]))
    part, rest = group.split(OwnerError)
    for piece, kind in ((part, OwnerError), (rest, MintError)):
        assert type(piece) is InputErrorGroup
        assert [type(fault) for fault in piece.exceptions] == [kind]
        assert piece.partial is group.partial
        assert piece.open_owners == ("b", "c")


def test_a_group_answers_to_except_star():
    seen = []
    try:
        raise HeliusErrorGroup("several", two())
    except* RateLimitError as part:
        seen += [fault.owner for fault in part.exceptions]
    except* RequestTimeout as part:
        seen += [fault.owner for fault in part.exceptions]
    assert sorted(seen) == ["a", "b"]


def test_a_group_answers_to_a_plain_except_of_the_base_classes():
    with pytest.raises(HeliusError):
        raise HeliusErrorGroup("several", two())
    with pytest.raises(ValueError, match="several"):
        raise InputErrorGroup("several", [OwnerError("x")])


def test_a_traceback_shows_a_group_and_each_fault():
    text = "".join(traceback.format_exception(HeliusErrorGroup("several", two())))
    assert "several" in text
    assert "RequestTimeout: owner 'a', page 1: slow" in text
