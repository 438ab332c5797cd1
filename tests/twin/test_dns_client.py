"""A user's resolver keeps an answer for its TTL and no longer."""

import asyncio
import socket
import threading
from collections.abc import Generator
from contextlib import contextmanager

import dns.message
import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.errors import TwinError
from holdfast.twin import dns_client
from holdfast.twin.dns_client import Answer, DnsCache, DnsClient, make_query, read_reply
from holdfast.twin.locations import Place
from holdfast.twin.resolver.answers import Reply
from holdfast.twin.resolver.front import answer
from tests.twin.resolver.zone_maker import ADDRESSES, load_balancer, per_jurisdiction, view


def an_answer(ttl_s: int) -> Answer:
    return Answer("x.example.com", "127.80.0.2", (ttl_s,), ("x.example.com",), cached=False)


def expires(cache: DnsCache) -> None:
    """An answer is kept for its TTL, not a moment longer, and for its own location only."""
    cache.put("berlin", an_answer(10), now_s=100.0)
    kept = cache.get("x.example.com", "berlin", 109.9)
    assert kept is not None
    assert kept.cached
    assert cache.get("x.example.com", "paris", 101.0) is None
    assert cache.get("x.example.com", "berlin", 110.0) is None


def test_an_answer_is_kept_for_its_ttl_and_no_longer() -> None:
    expires(DnsCache())


def test_a_resolver_that_ignores_ttls_is_noticed() -> None:
    class Forever(DnsCache):
        def get(self, name: str, location: str, now_s: float) -> Answer | None:
            return super().get(name, location, min(now_s, 100.0))

    with pytest.raises(AssertionError):
        expires(Forever())


@given(ttl_s=st.integers(0, 1000), later_s=st.floats(0, 2000))
def test_an_answer_is_never_older_than_its_ttl(ttl_s: int, later_s: float) -> None:
    cache = DnsCache()
    cache.put("berlin", an_answer(ttl_s), now_s=5.0)
    kept = cache.get("x.example.com", "berlin", 5.0 + later_s)
    assert kept is None or later_s < ttl_s


class Server:
    """The twin's name server on a thread, with a zone that a test can change."""

    def __init__(self) -> None:
        self.health: dict[str, bool] = {}
        self.asked: list[tuple[str, str]] = []
        self.silent_for = 0
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.address: tuple[str, int] = self._socket.getsockname()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _resolve(self, name: str, kind: str, place: Place | None) -> Reply:
        self.asked.append((name, place.name if place else ""))
        return view(per_jurisdiction(), self.health).resolve(name, kind, place)

    def _serve(self) -> None:
        while True:
            wire, client = self._socket.recvfrom(4096)
            if wire == b"end":
                return
            reply = answer(wire, self._resolve, most_bytes=None)
            if self.silent_for > 0:
                self.silent_for -= 1
            elif reply is not None:
                self._socket.sendto(b"noise", client)
                self._socket.sendto(reply, client)

    def close(self) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.sendto(b"end", self.address)
        self._thread.join()
        self._socket.close()


@contextmanager
def server() -> Generator[Server]:
    running = Server()
    try:
        yield running
    finally:
        running.close()


def test_a_user_is_sent_to_the_nearest_region_and_keeps_it_for_ten_seconds() -> None:
    now = [0.0]
    with server() as running, DnsClient(running.address, clock=lambda: now[0]) as client:
        first = client.resolve("us.example.com", "seattle")
        assert first == Answer(
            name="us.example.com",
            address=ADDRESSES["us-west-2"],
            ttls_s=(10, 60),
            chain=("us.example.com", load_balancer("us-west-2")),
            cached=False,
        )
        running.health["check-us-west-2"] = False
        now[0] = 9.9
        assert client.resolve("us.example.com", "seattle").address == ADDRESSES["us-west-2"]
        now[0] = 10.0
        assert client.resolve("us.example.com", "seattle").address == ADDRESSES["us-east-1"]
        assert running.asked == [("us.example.com", "seattle")] * 2


def test_a_long_ttl_of_the_first_name_outlives_the_short_one_of_the_address() -> None:
    lasting = Answer("us", "127.80.0.2", (600, 60), ("us", "lb"), cached=False)
    cache = DnsCache()
    cache.put("berlin", lasting, now_s=0.0)
    assert cache.get("us", "berlin", 59.0) is not None
    assert cache.get("us", "berlin", 60.0) is None
    # Only the address is asked for anew: the user stays with the load balancer of before.
    assert cache.way("us", "berlin", 60.0) == (("us", "lb"), (600,))
    assert cache.way("us", "berlin", 600.0) == (("us",), ())


def test_an_address_that_is_asked_for_anew_completes_the_kept_way() -> None:
    now = [0.0]
    with server() as running, DnsClient(running.address, clock=lambda: now[0]) as client:
        client.resolve(load_balancer("us-west-2"), "seattle")
        now[0] = 55.0
        client.resolve("us.example.com", "seattle")
        now[0] = 61.0
        again = client.resolve("us.example.com", "seattle")
        assert again.address == ADDRESSES["us-west-2"]
        assert again.chain == ("us.example.com", load_balancer("us-west-2"))


def test_the_asynchronous_resolver_shares_the_cache() -> None:
    with server() as running, DnsClient(running.address) as client:
        assert not asyncio.run(client.aresolve("eu.example.com", "berlin")).cached
        assert client.resolve("eu.example.com", "berlin").cached


def test_a_client_without_a_cache_asks_every_time() -> None:
    with server() as running, DnsClient(running.address, cached=False) as client:
        for _ in range(2):
            assert not client.resolve("eu.example.com", "berlin").cached
        assert len(running.asked) == 2


def test_a_lost_query_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dns_client, "ATTEMPT_TIMEOUT_S", 1.0)
    with server() as running, DnsClient(running.address) as client:
        running.silent_for = 1
        assert client.resolve("eu.example.com", "berlin").address == ADDRESSES["eu-central-1"]


def test_a_silent_name_server_is_one_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dns_client, "ATTEMPT_TIMEOUT_S", 0.05)
    with server() as running, DnsClient(running.address) as client:
        running.silent_for = 99
        with pytest.raises(TwinError, match=r"did not answer for eu\.example\.com in 3 attempts"):
            client.resolve("eu.example.com", "berlin")


def test_a_name_without_an_address_is_one_clear_error() -> None:
    with (
        server() as running,
        DnsClient(running.address) as client,
        pytest.raises(TwinError, match=r"nothing\.example\.com has no address \(NXDOMAIN"),
    ):
        client.resolve("nothing.example.com", "berlin")


def test_an_unknown_location_and_a_bad_name_are_clear_errors() -> None:
    with pytest.raises(TwinError, match=r"no location is called 'atlantis'; there are"):
        make_query("x.example.com", "atlantis")
    with pytest.raises(TwinError, match="is no hostname"):
        make_query("a..b", "berlin")


def test_the_smallest_ttl_on_the_way_counts() -> None:
    query = make_query("us.example.com", "berlin")
    wire = answer(
        query.to_wire(), lambda n, k, p: view(per_jurisdiction()).resolve(n, k, p), most_bytes=None
    )
    assert wire is not None
    assert read_reply("us.example.com", dns.message.from_wire(wire)).ttl_s == 10
