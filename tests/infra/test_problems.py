import pytest
from pydantic_core import PydanticCustomError

from holdfast.errors import ConfigurationError
from infra.problems import MISSING, Problem, listed, nearest, refusal, refuse


def problem(given: object = "eu-west-2") -> Problem:
    return Problem(
        path=("witness",),
        given=given,
        wrong="lies in uk",
        allowed="eu-west-1, eu-west-3",
        fix="write eu-west-3",
    )


def test_a_problem_says_where_what_was_given_what_is_allowed_and_the_fix() -> None:
    assert problem().under(("jurisdictions", "eu")).text("holdfast:platform") == (
        'holdfast:platform.jurisdictions.eu.witness: "eu-west-2"\n'
        "    wrong:   lies in uk\n"
        "    allowed: eu-west-1, eu-west-3\n"
        "    fix:     write eu-west-3"
    )


def test_a_key_that_is_not_there_is_said_to_be_not_set_and_null_is_not() -> None:
    assert problem(MISSING).text("p").startswith("p.witness: not set\n")
    assert problem(None).text("p").startswith("p.witness: null\n")


def test_a_long_value_is_cut() -> None:
    first = problem("x" * 1000).text("p").splitlines()[0]
    assert first.endswith("...")
    assert len(first) < 150


def test_a_thousand_problems_are_told_fifty_at_a_time() -> None:
    told = str(refusal("f", "p", [problem()] * 1000))
    assert "1000 problems:" in told
    assert told.count("wrong:") == 50
    assert told.endswith("The other 950 are told once these are mended.")


def test_a_key_of_a_stack_file_cannot_steer_a_terminal() -> None:
    told = problem("\x1b[2J\x9b").text("p\x1b[1A")
    assert told.isascii()
    assert "\x1b" not in told


def test_a_refusal_counts_and_numbers_every_problem() -> None:
    error = refusal("Pulumi.prod.yaml", "p", [problem(), problem(MISSING)])
    assert isinstance(error, ConfigurationError)
    assert str(error).startswith("Pulumi.prod.yaml is refused, 2 problems:\n1. p.witness")
    assert "\n2. p.witness: not set" in str(error)
    assert "1 problem:" in str(refusal("f", "p", [problem()]))


@pytest.mark.parametrize(
    ("word", "meant"),
    [("witnes", "witness"), ("HOME", "home"), ("replica", "replicas"), ("quux", None)],
)
def test_a_near_miss_is_recognised_and_a_far_one_is_not(word: str, meant: str | None) -> None:
    assert nearest(word, ("home", "replicas", "witness")) == meant


def test_without_a_problem_nothing_is_refused() -> None:
    refuse()
    with pytest.raises(PydanticCustomError, match="lies in uk"):
        refuse(problem())


def test_an_empty_enumeration_says_so() -> None:
    assert listed(["b", "a"]) == "a, b"
    assert listed([]) == "nothing"
