"""What tests of coordination put in place of time and stores."""


class ManualClock:
    """A clock that only the test moves."""

    def __init__(self) -> None:
        self._now_ms = 0

    def now_ms(self) -> int:
        return self._now_ms

    def advance(self, by_ms: int) -> None:
        self._now_ms += by_ms
