"""One participant of a protocol, moved by hand: every request, reply and moment is the test's."""

from collections.abc import Sequence

from holdfast.coordination import LeaseTiming, MemoryStore
from holdfast.coordination.leases.election_core import ElectionCore, Finished
from holdfast.coordination.leases.lease_core import Action, LeaseCore, Send
from holdfast.coordination.stores.store import Outcome, Reply, Update

TIMING = LeaseTiming()
KEY = "lease"


class Nonces:
    """Strings that never repeat, and that are the same in every run."""

    def __init__(self) -> None:
        self._last = 0

    def __call__(self) -> str:
        self._last += 1
        return f"n{self._last}"


NONCES = Nonces()


def lease_of(owner: str) -> LeaseCore:
    return LeaseCore(key=KEY, owner=owner, timing=TIMING, new_nonce=NONCES)


class Participant:
    """A lease or an election, its store, and what it wants done."""

    def __init__(self, core: LeaseCore | ElectionCore, store: MemoryStore) -> None:
        self.core = core
        self.store = store
        self.told: list[Action | Finished] = []
        self.request: Update | None = None

    def heard(self, actions: Sequence[Action | Finished]) -> "Participant":
        """Takes in what the core answered."""
        for action in actions:
            if isinstance(action, Send):
                self.request = action.request
            else:
                self.told.append(action)
        return self

    def answered(self, now_ms: int, reply: Reply | None = None, *, lost: bool = False) -> None:
        """Ends the request under way: by the store, by a reply that is given, or by silence.

        Args:
            now_ms: When the answer comes.
            reply: An answer in place of the store's, which then never sees the request.
            lost: Whether the store carries the request out and its answer is lost.
        """
        request, self.request = self.request, None
        assert request is not None, "nothing is under way"
        if reply is None:
            reply = self.store.call(request)
        self.heard(self.core.on_reply(now_ms, Reply(Outcome.UNKNOWN) if lost else reply))
