import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.errors import TwinError
from holdfast.twin.fronts.deletion import delete_all, dependents_first
from holdfast.twin.fronts.stack_state import Record, StackState
from holdfast.twin.provider.core import Provider


class FakeProvider(Provider):
    """Notes what is deleted, in which order; refuses what it is told to."""

    def __init__(self, refuses: set[str] | None = None) -> None:
        self.deleted: list[str] = []
        self.forced: set[bool] = set()
        self._refuses = refuses or set()
        self._lock = threading.Lock()

    def delete(self, token: str, ident: str, state: object, *, forced: bool = False) -> None:
        del token, state
        if ident in self._refuses:
            raise TwinError("it will not go")
        with self._lock:
            self.deleted.append(ident)
            self.forced.add(forced)


def record(name: str, *needs: str, **changes: bool | str) -> Record:
    return Record(
        urn=f"urn:{name}",
        type="aws:kms/key:Key",
        name=name,
        id=name,
        inputs={},
        state={},
        dependencies=tuple(f"urn:{need}" for need in needs),
        protect=bool(changes.get("protect")),
        retain_on_delete=bool(changes.get("retain_on_delete")),
        deleted_with=str(changes["deleted_with"]) if "deleted_with" in changes else None,
        doomed=bool(changes.get("doomed")),
    )


def deleted(
    folder: Path, provider: FakeProvider, *records: Record, forced: bool = False
) -> tuple[str, ...]:
    state = StackState(folder)
    for item in records:
        state.put(item)
    lines: list[str] = []
    try:
        return delete_all(state, state.records, provider, lines.append, forced=forced)
    finally:
        state.close()


def test_dependents_go_first(tmp_path: Path) -> None:
    provider = FakeProvider()
    deleted(tmp_path, provider, record("vpc"), record("subnet", "vpc"), record("host", "subnet"))
    assert provider.deleted == ["host", "subnet", "vpc"]
    assert StackState(tmp_path).records == ()


def test_nothing_is_deleted_when_something_is_protected(tmp_path: Path) -> None:
    provider = FakeProvider()
    records = (record("safe", protect=True), record("other"))
    with pytest.raises(TwinError, match=r"1 resources are protected.*urn:safe"):
        deleted(tmp_path, provider, *records)
    assert provider.deleted == []
    deleted(tmp_path, provider, *records, forced=True)
    assert sorted(provider.deleted) == ["other", "safe"]
    assert provider.forced == {True}


def test_a_refusal_stops_what_depends_on_it_and_nothing_else(tmp_path: Path) -> None:
    provider = FakeProvider(refuses={"host"})
    with pytest.raises(TwinError, match="1 resources could not be deleted: urn:host: it will not"):
        deleted(tmp_path, provider, record("vpc"), record("host", "vpc"), record("other"))
    assert provider.deleted == ["other"]
    assert [item.name for item in StackState(tmp_path).records] == ["host", "vpc"]


def test_what_is_retained_or_goes_with_another_is_only_forgotten(tmp_path: Path) -> None:
    provider = FakeProvider()
    deleted(
        tmp_path,
        provider,
        record("kept", retain_on_delete=True),
        record("table"),
        record("item", deleted_with="urn:table"),
        record("stray", deleted_with="urn:elsewhere"),
    )
    assert sorted(provider.deleted) == ["stray", "table"]
    assert StackState(tmp_path).records == ()


def test_what_was_replaced_goes_beside_its_replacement(tmp_path: Path) -> None:
    provider = FakeProvider()
    old = record("a", doomed=True)
    deleted(tmp_path, provider, old, record("a"), record("b", "a"))
    assert provider.deleted[0] == "b"
    assert provider.deleted.count("a") == 2


@given(st.lists(st.lists(st.integers(0, 7), max_size=3), min_size=1, max_size=8))
def test_nothing_goes_before_what_needs_it(edges: list[list[int]]) -> None:
    records = [
        record(str(number), *(str(need) for need in needs if need < number))
        for number, needs in enumerate(edges)
    ]
    before = dependents_first(records)
    for item in records:
        for need in item.dependencies:
            assert item.key in before[need]
