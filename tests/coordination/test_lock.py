"""A lock for threads: held by one at a time, given back on the way out, never kept by the dead."""

import threading
import time

import pytest

from holdfast.coordination import Get, Item, LeaseTiming, Lock, MemoryStore, Outcome, Reply, Request
from holdfast.coordination.store import Always, Put, number
from holdfast.errors import ConfigurationError, LeaseLostError, LockTimeoutError

FAST = LeaseTiming(lease_ms=600, renew_ms=100, retry_ms=50, margin_ms=120)


def _lock(store: MemoryStore, owner: str, wait_s: float = 10) -> Lock:
    return Lock(store=store, key="lock", owner=owner, wait_s=wait_s, timing=FAST)


class CountingStore(MemoryStore):
    def __init__(self) -> None:
        super().__init__()
        self.requests = 0
        self.silent = False

    def call(self, request: Request) -> Reply:
        self.requests += 1
        if self.silent:
            return Reply(Outcome.UNKNOWN, reason="silence")
        return super().call(request)


def test_a_free_lock_costs_one_request_to_take_and_one_to_give_back() -> None:
    store = CountingStore()
    slow = LeaseTiming(lease_ms=60_000, renew_ms=20_000, margin_ms=12_000)
    with Lock(store=store, key="lock", owner="a", wait_s=1, timing=slow) as lease:
        assert lease.token == 1
        lease.check()
        assert store.requests == 1
    assert store.requests == 2
    with pytest.raises(LeaseLostError, match="asked"):
        lease.check()


def test_threads_take_turns_and_tokens_grow() -> None:
    store = MemoryStore()
    inside: list[int] = []
    tokens: list[int] = []

    def work(name: str) -> None:
        for _ in range(3):
            with _lock(store, name) as lease:
                inside.append(1)
                assert len(inside) == 1
                tokens.append(lease.token)
                time.sleep(0.005)
                inside.pop()

    threads = [threading.Thread(target=work, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert tokens == list(range(1, 13))


def test_a_lock_is_given_back_when_the_block_fails() -> None:
    store = MemoryStore()
    with pytest.raises(ValueError, match="inside"), _lock(store, "a"):
        raise ValueError("inside")
    assert "holder" not in (store.call(Get("lock")).item or {})


def test_waiting_has_an_end_and_says_who_holds_the_lock() -> None:
    store = MemoryStore()
    with _lock(store, "first"):
        for wait_s in (0, 0.2):
            with (
                pytest.raises(LockTimeoutError, match=rf"within {wait_s} s; first/\w+ holds it"),
                _lock(store, "second", wait_s=wait_s),
            ):
                pytest.fail("two holders")
    assert number(store.call(Get("lock")).item, "token") == 1


def test_a_dead_holder_is_replaced_after_its_own_lease() -> None:
    store = MemoryStore()
    dead: Item = {"holder": "dead", "nonce": "n", "token": 7, "beat": 0, "lease_ms": 400}
    store.call(Put(key="lock", when=Always(), item=dead))
    began = time.monotonic()
    with _lock(store, "a") as lease:
        assert lease.token == 8
        assert time.monotonic() - began >= 0.4


def test_many_short_tries_of_one_object_find_a_dead_holder_too() -> None:
    store = MemoryStore()
    dead: Item = {"holder": "dead", "nonce": "n", "token": 7, "beat": 0, "lease_ms": 300}
    store.call(Put(key="lock", when=Always(), item=dead))
    lock = _lock(store, "a", wait_s=0)
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            with lock as lease:
                assert lease.token == 8
                return
        except LockTimeoutError:
            time.sleep(0.02)
    pytest.fail("the dead holder kept the lock")


def test_a_silent_store_is_a_timeout_that_says_so() -> None:
    store = CountingStore()
    store.silent = True
    with pytest.raises(LockTimeoutError, match="its store did not answer"), _lock(store, "a", 0.1):
        pytest.fail("a lock from nowhere")


def test_a_lock_that_was_lost_meanwhile_can_still_be_left() -> None:
    store = CountingStore()
    with _lock(store, "a") as lease:
        store.silent = True
        while lease.held:
            time.sleep(0.01)
        with pytest.raises(LeaseLostError, match="lost contact"):
            lease.check()
        store.silent = False


def test_an_object_is_used_once_at_a_time() -> None:
    lock = _lock(MemoryStore(), "a")
    with lock, pytest.raises(ConfigurationError, match="already holds lock"), lock:
        pytest.fail("reentered")
    with lock as lease:
        assert lease.token == 2


@pytest.mark.parametrize("wait_s", [-1, float("nan")])
def test_a_wait_that_cannot_be_is_refused(wait_s: float) -> None:
    with pytest.raises(ConfigurationError, match=r"wait_s=.* is negative"):
        _lock(MemoryStore(), "a", wait_s)


def test_a_store_that_can_never_work_is_an_error_at_once() -> None:
    class Refusing(MemoryStore):
        def call(self, request: Request) -> Reply:
            raise ConfigurationError(f"no table for {request.key}")

    with pytest.raises(ConfigurationError, match="no table for lock"), _lock(Refusing(), "a"):
        pytest.fail("a lock from nowhere")
