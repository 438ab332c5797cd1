import datetime as dt

import pytest

from holdfast.errors import TwinError
from holdfast.twin.provider.values import (
    UNKNOWN,
    Doc,
    as_json,
    compact,
    document,
    from_pairs,
    is_unknown,
    pairs,
)


def test_a_document_answers_with_the_asked_type_or_names_the_key() -> None:
    doc = Doc({"a": "x", "n": 5.0, "f": True, "l": ["p", "q"], "o": {"k": "v"}, "d": [{"k": 1}]})
    assert doc.text("a") == "x"
    assert doc.number("n") == 5
    assert doc.flag("f")
    assert doc.texts("l") == ["p", "q"]
    assert doc.table("o") == {"k": "v"}
    assert doc.docs("d")[0].number("k") == 1
    for wrong in (
        lambda: doc.text("n"),
        lambda: doc.number("a"),
        lambda: doc.flag("a"),
        lambda: doc.texts("d"),
        lambda: doc.docs("l"),
        lambda: doc.doc("a"),
        lambda: doc.items("a"),
        lambda: doc.text("absent"),
    ):
        with pytest.raises(TwinError, match="should be"):
            wrong()


def test_absent_null_and_empty_read_alike() -> None:
    doc = Doc({"null": None})
    assert doc.maybe_text("null") is None
    assert doc.maybe_number("absent") is None
    assert doc.texts("absent") == []
    assert not doc.doc("absent")
    assert "null" not in doc


def test_a_member_that_is_not_known_yet_is_there_and_has_no_value() -> None:
    doc = Doc({"a": UNKNOWN})
    assert "a" in doc
    assert doc.maybe_text("a") is None
    assert doc.maybe_number("a") is None
    assert doc.texts("a") == []
    assert doc.raw("a") == UNKNOWN


def test_whatever_aws_answers_becomes_json() -> None:
    moment = dt.datetime(2026, 11, 23, 5, 0, tzinfo=dt.timezone(dt.timedelta(hours=2)))
    assert as_json({"t": moment, "b": b"hi", "l": (1, None)}) == {
        "t": "2026-11-23T03:00:00Z",
        "b": "aGk=",
        "l": [1, None],
    }
    with pytest.raises(TwinError, match="set"):
        as_json({1, 2})


def test_unknown_is_found_at_any_depth() -> None:
    assert is_unknown({"a": [{"b": UNKNOWN}]})
    assert not is_unknown({"a": ["b"], "c": 5})


def test_tags_survive_the_round_trip_and_awss_own_are_left_out() -> None:
    listed = pairs({"b": "2", "a": "1"})
    assert listed == [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}]
    docs = [Doc(dict(item)) for item in [*listed, {"Key": "aws:x", "Value": "y"}]]
    assert from_pairs(docs) == {"a": "1", "b": "2"}


def test_small_helpers() -> None:
    assert compact(a=None, b=0) == {"b": 0}
    assert document('{"a": 1}') == {"a": 1}
    assert document("no json") == "no json"
    assert document(None) is None
