from collections.abc import Iterable

from holdfast.twin.provider import rules
from holdfast.twin.provider.spec import Failure
from holdfast.twin.provider.values import UNKNOWN, Doc


def paths(failures: Iterable[Failure]) -> list[str]:
    return [failure.path for failure in failures]


def test_bounds_are_allowed_and_what_lies_outside_is_named() -> None:
    for value, refused in ((6, True), (7, False), (30, False), (31, True)):
        found = list(rules.within(Doc({"n": value}), "n", 7, 30))
        assert bool(found) is refused
        assert all("7 to 30" in one.reason for one in found)


def test_what_is_absent_or_not_known_yet_passes() -> None:
    for doc in (Doc(), Doc({"k": UNKNOWN})):
        assert paths(rules.within(doc, "k", 1, 2)) == []
        assert paths(rules.among(doc, "k", ("a",))) == []
        assert paths(rules.no_longer(doc, "k", 3)) == []
        assert paths(rules.policy_document(doc, "k")) == []
        assert paths(rules.ipv4_block(doc, "k")) == []
    assert paths(rules.needed(Doc({"k": UNKNOWN}), ("k",), "why")) == []


def test_each_rule_refuses_what_it_is_for() -> None:
    assert paths(rules.among(Doc({"k": "c"}), "k", ("a", "b"))) == ["k"]
    assert paths(rules.no_longer(Doc({"k": "abcd"}), "k", 3)) == ["k"]
    assert paths(rules.no_longer(Doc({"k": "a"}), "k", 3, least=2)) == ["k"]
    assert paths(rules.one_of(Doc({"a": "1", "b": "2"}), ("a", "b"), "one only")) == ["b"]
    assert paths(rules.needed(Doc(), ("a", "b"), "why")) == ["a", "b"]


def test_a_policy_must_be_one_and_not_too_long() -> None:
    good = '{"Statement": [{"Effect": "Allow"}]}'
    assert paths(rules.policy_document(Doc({"p": good}), "p")) == []
    assert paths(rules.policy_document(Doc({"p": "{"}), "p")) == ["p"]
    assert paths(rules.policy_document(Doc({"p": "[]"}), "p")) == ["p"]
    assert paths(rules.policy_document(Doc({"p": good}), "p", most=20)) == ["p"]


def test_blocks_of_addresses_have_a_form_and_a_size() -> None:
    for text, refused in (
        ("10.0.0.0/16", False),
        ("10.0.0.0/28", False),
        ("10.0.0.0/15", True),
        ("10.0.0.0/29", True),
        ("10.0.0.1/16", True),
        ("ten", True),
    ):
        assert bool(paths(rules.ipv4_block(Doc({"b": text}), "b"))) is refused
