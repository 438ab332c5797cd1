"""Two views are brought together, in bounded and repeatable steps."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.coordination.records.reconcile import (
    Drift,
    Kind,
    Report,
    of_mapping,
    of_mapping_async,
    reconcile,
    reconcile_async,
)
from holdfast.errors import ConfigurationError

RECORDS = st.dictionaries(st.text(min_size=1, max_size=3), st.sampled_from("xyz"), max_size=12)


def _copy_left(left: dict[str, str], right: dict[str, str], drift: Drift) -> bool:
    if drift.left is None:
        del right[drift.key]
    else:
        right[drift.key] = left[drift.key]
    return True


@given(left=RECORDS, right=RECORDS, max_keys=st.integers(1, 5), max_repairs=st.integers(1, 3))
def test_runs_that_resume_make_both_sides_equal(
    left: dict[str, str], right: dict[str, str], max_keys: int, max_repairs: int
) -> None:
    expected = {
        key: (left.get(key), right.get(key))
        for key in left.keys() | right.keys()
        if left.get(key) != right.get(key)
    }
    found: list[Drift] = []
    after: str | None = ""
    runs = 0
    while after is not None:
        report = reconcile(
            of_mapping(left),
            of_mapping(dict(right)),
            repair=lambda drift: _copy_left(left, right, drift),
            after=after,
            max_keys=max_keys,
            max_repairs=max_repairs,
        )
        assert report.compared <= max_keys
        assert len(report.repaired) <= max_repairs
        found += report.drifts
        after = report.resume_after
        runs += 1
        assert runs < 100
    assert left == right
    assert {drift.key: (drift.left, drift.right) for drift in found} == expected
    assert len(found) == len(expected)


@given(
    left=RECORDS,
    right=RECORDS,
    after=st.text(max_size=1),
    max_keys=st.integers(1, 5),
    max_repairs=st.integers(1, 3),
)
def test_tasks_find_and_repair_what_threads_do(
    left: dict[str, str], right: dict[str, str], after: str, max_keys: int, max_repairs: int
) -> None:
    def settled(drift: Drift) -> bool:
        return drift.left != "x"

    def repair(drift: Drift) -> bool:
        return drift.right != "y"

    async def settled_later(drift: Drift) -> bool:
        await asyncio.sleep(0)
        return settled(drift)

    async def repair_later(drift: Drift) -> bool:
        await asyncio.sleep(0)
        return repair(drift)

    by_threads = reconcile(
        of_mapping(left),
        of_mapping(right),
        repair=repair,
        after=after,
        max_keys=max_keys,
        max_repairs=max_repairs,
        settled=settled,
    )
    by_tasks = asyncio.run(
        reconcile_async(
            of_mapping_async(left),
            of_mapping_async(right),
            repair=repair_later,
            after=after,
            max_keys=max_keys,
            max_repairs=max_repairs,
            settled=settled_later,
        )
    )
    assert by_tasks == by_threads


def test_a_task_reads_no_more_than_one_record_beyond_what_it_may_look_at() -> None:
    read: list[str] = []

    class Endless:
        async def records(self, after: str) -> AsyncIterator[tuple[str, str]]:
            for number in itertools.count():
                read.append(f"{after}{number:09}")
                yield read[-1], "x"

    async def story() -> Report:
        async def report_only(_drift: Drift) -> bool:
            return False

        return await reconcile_async(
            Endless(), of_mapping_async({}), repair=report_only, max_keys=3
        )

    assert asyncio.run(story()).resume_after == "000000002"
    assert len(read) == 4


def test_a_report_says_how_the_sides_differ_and_repairs_nothing_it_was_not_told_to() -> None:
    report = reconcile(
        of_mapping({"a": "1", "b": "1", "c": "1"}),
        of_mapping({"b": "2", "c": "1", "d": "1"}),
        repair=lambda _: False,
    )
    assert report == Report(
        compared=4,
        drifts=(
            Drift("a", Kind.ONLY_LEFT, "1", None),
            Drift("b", Kind.DIFFERS, "1", "2"),
            Drift("d", Kind.ONLY_RIGHT, None, "1"),
        ),
        repaired=(),
        resume_after=None,
    )


def test_a_difference_in_passing_is_left_alone() -> None:
    report = reconcile(
        of_mapping({"a": "1"}),
        of_mapping({"a": "2"}),
        repair=lambda _: pytest.fail("repaired what was moving"),
        settled=lambda _: False,
    )
    assert report.drifts == ()


class Unordered:
    def records(self, after: str) -> Iterator[tuple[str, str]]:
        return iter([("b", after), ("a", after)])


def test_a_view_out_of_order_is_refused_rather_than_misread() -> None:
    with pytest.raises(ConfigurationError, match="gave key 'a' after 'b'"):
        reconcile(Unordered(), of_mapping({}), repair=lambda _: False)


@pytest.mark.parametrize(("max_keys", "max_repairs"), [(0, 1), (1, 0)])
def test_a_run_without_bounds_is_refused(max_keys: int, max_repairs: int) -> None:
    with pytest.raises(ConfigurationError, match=r"max_\w+=0; it must be 1 or more"):
        reconcile(
            of_mapping({}),
            of_mapping({}),
            repair=lambda _: False,
            max_keys=max_keys,
            max_repairs=max_repairs,
        )
