"""Addresses and ports are free, apart from each other, and kept from one start to the next."""

import errno
import os
import random
import socket
from collections.abc import Generator
from contextlib import closing, contextmanager
from ipaddress import IPv4Address, IPv4Network

import pytest

from holdfast.errors import PortInUseError, TwinError
from holdfast.twin import addresses
from holdfast.twin.addresses import CLAIM_PORT, Claimed, claim_plan
from holdfast.twin.plan import TwinPlan
from tests.ports import free_ports

REGIONS = ("us-east-1", "us-west-2", "eu-west-1")


@contextmanager
def claimed(
    *,
    regions: tuple[str, ...] = REGIONS,
    dns_port: int | None = None,
    previous: TwinPlan | None = None,
    seed: int | None = None,
) -> Generator[Claimed]:
    chooser = None if seed is None else random.Random(seed)  # noqa: S311
    held = claim_plan(regions, dns_port=dns_port, previous=previous, chooser=chooser)
    try:
        yield held
    finally:
        held.release()


def test_every_region_has_an_address_of_its_own_in_the_block() -> None:
    with claimed() as held:
        plan = held.plan
    block = IPv4Network(plan.block)
    places = [place.address for place in plan.regions.values()]
    assert len({*places, plan.control_host}) == len(REGIONS) + 1
    assert all(IPv4Address(address) in block for address in (*places, plan.control_host))
    assert block.subnet_of(IPv4Network("127.0.0.0/8"))
    for place in plan.regions.values():
        assert len({place.api_port, place.peer_port, place.valkey_port}) == 3


def test_two_twins_that_choose_alike_get_different_blocks() -> None:
    with claimed(seed=os.getpid()) as one, claimed(seed=os.getpid()) as other:
        assert one.plan.block != other.plan.block


def test_without_the_claim_two_twins_would_share_a_block(monkeypatch: pytest.MonkeyPatch) -> None:
    with claimed(seed=os.getpid()) as one:
        monkeypatch.setattr(addresses, "CLAIM_PORT", CLAIM_PORT + 1)
        with claimed(seed=os.getpid()) as other:
            assert one.plan.block == other.plan.block


def test_the_next_start_uses_the_same_addresses_again() -> None:
    with claimed() as first:
        plan = first.plan
    with claimed(previous=plan) as second:
        assert second.plan == plan


def test_a_region_that_is_added_leaves_the_others_where_they_were() -> None:
    with claimed() as first:
        plan = first.plan
    with claimed(regions=(*REGIONS, "eu-central-1"), previous=plan) as second:
        assert {name: second.plan.regions[name] for name in REGIONS} == plan.regions
        added = second.plan.regions["eu-central-1"].address
        assert added not in {place.address for place in plan.regions.values()}


def test_addresses_that_are_taken_meanwhile_are_not_used_again() -> None:
    with claimed() as first:
        plan = first.plan
    place = plan.regions["us-east-1"]
    with (
        closing(socket.create_server((place.address, place.api_port))),
        claimed(previous=plan) as second,
    ):
        assert second.plan.block != plan.block


def test_a_requested_dns_port_is_used_on_the_ordinary_loopback_address() -> None:
    (port,) = free_ports(1)
    with claimed(dns_port=port) as held:
        assert (held.plan.dns_host, held.plan.dns_port) == ("127.0.0.1", port)


@pytest.mark.parametrize("kind", [socket.SOCK_STREAM, socket.SOCK_DGRAM])
def test_a_requested_dns_port_that_is_taken_is_named_with_the_fix(
    kind: socket.SocketKind,
) -> None:
    with closing(socket.socket(socket.AF_INET, kind)) as holder:
        holder.bind(("127.0.0.1", 0))
        if kind == socket.SOCK_STREAM:
            holder.listen()
        port = holder.getsockname()[1]
        message = rf"dns_port={port} is held by another process.*Choose another port"
        with pytest.raises(PortInUseError, match=message), claimed(dns_port=port):
            pass


def test_a_system_without_the_whole_loopback_block_is_told_the_fix(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Elsewhere(socket.socket):
        def bind(self, address: object, /) -> None:
            raise OSError(errno.EADDRNOTAVAIL, f"cannot assign {address}")

    monkeypatch.setattr(socket, "socket", Elsewhere)
    with pytest.raises(TwinError, match=r"ifconfig lo0 alias 127\.97\.0\.\$i; done`; or use Linux"):
        claim_plan(REGIONS, dns_port=None, previous=None)


def test_a_claim_port_that_is_taken_everywhere_is_named_with_the_fix(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Not the real one: it would keep every twin on this machine from starting.
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as holder:
        holder.bind(("0.0.0.0", 0))  # noqa: S104
        port = holder.getsockname()[1]
        monkeypatch.setattr(addresses, "CLAIM_PORT", port)
        with pytest.raises(PortInUseError, match=f"End what holds UDP port {port}"):
            claim_plan(REGIONS, dns_port=None, previous=None)


def test_nothing_is_held_after_a_release() -> None:
    with claimed() as held:
        plan = held.plan
    with closing(socket.create_server((plan.control_host, plan.control_port))):
        pass
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as udp:
        udp.bind((plan.control_host, CLAIM_PORT))
