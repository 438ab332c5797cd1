"""What region servers tell of themselves is taken as far as it is understood."""

from typing import TYPE_CHECKING

import pytest

from holdfast.errors import TwinError
from holdfast.twin.status import Pending, Sent
from holdfast.twin.supervisor.operations import rows

if TYPE_CHECKING:
    from holdfast.twin.rpc import JsonObject


def test_rows_are_taken_with_what_is_known_of_them() -> None:
    reply: JsonObject = {
        "pending": [
            {"resource": "state", "peer": "us-west-2", "items": 3, "oldest_ms": 40, "novel": 1},
        ],
    }
    assert rows(Pending, reply, "pending") == (
        Pending(resource="state", peer="us-west-2", items=3, oldest_ms=40.0),
    )


def test_a_server_that_does_not_answer_has_no_rows() -> None:
    assert rows(Sent, None, "sent") == ()
    assert rows(Sent, {}, "sent") == ()


@pytest.mark.parametrize("row", [{"resource": "state"}, "text", None, 7])
def test_a_row_that_is_none_is_refused_with_its_content(row: object) -> None:
    with pytest.raises(TwinError, match="a region server tells its sent as"):
        rows(Sent, {"sent": [row]}, "sent")  # type: ignore[list-item]
