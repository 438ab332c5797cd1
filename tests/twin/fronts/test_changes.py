from holdfast.twin.fronts.changes import Changes


def test_changes_say_what_happened_in_words() -> None:
    changes = Changes(created=("a", "b"), deleted=("c",), unchanged=("d",))
    assert str(changes) == "2 created, 1 deleted, 1 unchanged"
    assert changes.count == 3


def test_no_changes_say_so() -> None:
    assert str(Changes()) == "nothing to do"
    assert Changes(unchanged=("a",)).count == 0
