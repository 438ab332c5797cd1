"""What the leader does: takes tasks off the queue and carries each one out.

Guarantees:
    No task is carried out twice, in any order of crashes, pauses and takeovers: a leader claims a
    ledger's page before it looks whether a task is on it, and from then on the fence refuses
    every earlier leader.

Does not guarantee:
    That two leaders never think about the same task at the same time. Thinking is free of effects.
"""

import threading
from concurrent.futures import ThreadPoolExecutor

from botocore.exceptions import BotoCoreError, ClientError

from agents.orchestrator.desk import Desk, Task
from agents.orchestrator.ledger import Ledger, page_of
from agents.orchestrator.log import log, log_mistake
from agents.orchestrator.model import complete
from holdfast.control import KillSwitch
from holdfast.coordination import Fence, Lease
from holdfast.errors import KilledError, LeaseLostError, StoreUnavailableError

AT_A_TIME = 24
POLL_S = 0.5
PAGES_KEPT = 100
STALE_WRITE = "stale write refused"


class Executor:
    """The leader's work.

    Args:
        desk: Where tasks wait.
        ledger: Where effects go.
        kill: Asked before every effect.
    """

    def __init__(self, *, desk: Desk, ledger: Ledger, kill: KillSwitch) -> None:
        self._desk = desk
        self._ledger = ledger
        self._kill = kill

    def lead(self, lease: Lease) -> None:
        """Works until the lease has ended."""
        log("leading", token=lease.token)
        term = _Term(lease)
        with ThreadPoolExecutor(AT_A_TIME, thread_name_prefix="task") as pool:
            while not lease.wait(POLL_S):
                for task in self._desk.waiting():
                    if term.take(task):
                        pool.submit(self._carry_out, task, term)
        log("stopped leading", token=lease.token, reason=str(lease.reason))

    def _carry_out(self, task: Task, term: "_Term") -> None:
        try:
            if task.id not in term.written(page_of(task), self._ledger):
                complete(self._desk.payload(task))
                self._kill.check()
                # The lease is not asked here: it could end between the answer and the write.
                # The fence decides, at the page.
                self._ledger.append(task, term.fence)
                log("done", task=task.id, token=term.fence.token)
            self._desk.done(task)
        except LeaseLostError as error:
            log(STALE_WRITE, task=task.id, token=term.fence.token, reason=str(error))
        except KilledError as error:
            log("killed", task=task.id, reason=str(error))
        except (BotoCoreError, ClientError, StoreUnavailableError) as error:
            log("task failed and waits again", task=task.id, reason=str(error))
        except Exception:  # noqa: BLE001 - of the model, or ours; a pool's thread would drop it
            log_mistake(f"task {task.id} failed and waits again")
        finally:
            term.give_back(task)


class _Term:
    """What is under way in one term of leadership."""

    def __init__(self, lease: Lease) -> None:
        self.fence = Fence(lease.token)
        self._under_way: set[str] = set()
        self._pages: dict[str, set[str]] = {}
        self._opening = threading.Lock()

    def take(self, task: Task) -> bool:
        """Whether the caller is to carry the task out, because nobody does and there is room."""
        if task.name in self._under_way or len(self._under_way) >= AT_A_TIME:
            return False
        self._under_way.add(task.name)
        return True

    def give_back(self, task: Task) -> None:
        """The task is no longer under way, however it ended."""
        self._under_way.discard(task.name)

    def written(self, page: str, ledger: Ledger) -> set[str]:
        """The tasks that earlier terms put on a page, which this term claims when first asked."""
        with self._opening:
            if page not in self._pages:
                self._pages[page] = ledger.open(page, self.fence)
                while len(self._pages) > PAGES_KEPT:
                    del self._pages[next(iter(self._pages))]
            return self._pages[page]
