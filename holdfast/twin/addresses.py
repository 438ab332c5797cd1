"""Which loopback addresses and ports a twin uses.

Every region gets a loopback address of its own, so that they can share the ingress port that
stands for 443. Linux answers on all of 127.0.0.0/8 without being told; other systems need the
addresses of ``FIXED_BLOCK`` added to their loopback interface.

Guarantees:
    Two twins never share a block: a block is claimed by a socket that lives as long as the
    claim. Every port of a plan was free on its address when it was chosen.

Does not guarantee:
    That no foreign program takes a port between the choice and its use.
"""

import errno
import random
import socket
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network

from holdfast.errors import PortInUseError, TwinError
from holdfast.twin.plan import RegionPlan, TwinPlan

CLAIM_PORT = 19053
"""UDP port on the first address of a block whose holder owns the block."""

FIXED_BLOCK = IPv4Network("127.97.0.0/24")
"""Used where the system does not answer on every loopback address."""

PORTS = range(20000, 32000)
"""Below the range from which systems take ports for outgoing connections."""

BLOCK_ATTEMPTS = 16
PORT_ATTEMPTS = 200
REQUESTED_DNS_HOST = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Claimed:
    """A plan and the sockets that make it ours. Close them by ``release``.

    Attributes:
        plan: Where everything lives.
        control: Listening TCP socket of the control port.
        dns_udp: Bound UDP socket of the resolver.
        dns_tcp: Listening TCP socket of the resolver.
        claim: Holds the block.
    """

    plan: TwinPlan
    control: socket.socket
    dns_udp: socket.socket
    dns_tcp: socket.socket
    claim: socket.socket

    def release(self) -> None:
        """Closes every socket, the block's claim last."""
        for held in (self.control, self.dns_udp, self.dns_tcp, self.claim):
            held.close()


def claim_plan(
    regions: Sequence[str],
    *,
    dns_port: int | None,
    previous: TwinPlan | None,
    chooser: random.Random | None = None,
) -> Claimed:
    """Chooses addresses and ports for a twin and takes those that the supervisor needs.

    Args:
        regions: AWS names, each once.
        dns_port: Port on 127.0.0.1 for the resolver, or None for any on an own address.
        previous: Plan of the last twin with this state; used again when it is still free.
        chooser: Source of random choices, for tests.

    Raises:
        PortInUseError: If ``dns_port`` is taken, or the claim port is on every block tried.
        TwinError: If this system has no loopback addresses to give.
    """
    # Not a secret: the choice only has to differ between twins.
    dice = chooser or random.Random()  # noqa: S311
    blocks = [IPv4Network(previous.block)] if previous else []
    blocks += [
        IPv4Network((f"127.{dice.randrange(64, 255)}.{dice.randrange(256)}.0", 24))
        for _ in range(BLOCK_ATTEMPTS)
    ]
    refused: OSError | None = None
    for block in [*blocks, FIXED_BLOCK]:
        reuse = previous if previous and previous.block == str(block) else None
        try:
            return _claim_block(block, regions, dns_port, reuse, dice)
        except OSError as error:
            refused = error
    if refused is not None and refused.errno == errno.EADDRNOTAVAIL:
        raise TwinError(_no_addresses(len(regions)))
    raise PortInUseError(
        f"no loopback block is free: UDP port {CLAIM_PORT} or the ports of the twin are taken on "
        f"each of {len(blocks) + 1} blocks tried (last: {refused}). End what holds UDP port "
        f"{CLAIM_PORT} on all addresses, or other twins."
    )


def _claim_block(
    block: IPv4Network,
    regions: Sequence[str],
    dns_port: int | None,
    reuse: TwinPlan | None,
    dice: random.Random,
) -> Claimed:
    own = str(block[1])
    with ExitStack() as opened:
        claim = opened.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        claim.bind((own, CLAIM_PORT))
        places = _region_addresses(block, regions, reuse)
        control = opened.enter_context(
            _listen(own, reuse.control_port if reuse else _free_port([own], dice))
        )
        if dns_port is not None:
            tcp, udp = _requested_dns(dns_port)
        else:
            again = reuse.dns_port if reuse and reuse.dns_host == own else None
            tcp, udp = _dns_pair(own, again or _free_port([own], dice))
        opened.enter_context(tcp)
        opened.enter_context(udp)
        dns_host, chosen_dns_port = tcp.getsockname()
        plan = TwinPlan(
            block=str(block),
            control_host=own,
            control_port=control.getsockname()[1],
            dns_host=dns_host,
            dns_port=chosen_dns_port,
            ingress_port=_ingress_port(list(places.values()), reuse, dice),
            regions={
                region: _region_plan(region, address, reuse, dice)
                for region, address in places.items()
            },
        )
        opened.pop_all()
    return Claimed(plan=plan, control=control, dns_udp=udp, dns_tcp=tcp, claim=claim)


def _region_addresses(
    block: IPv4Network, regions: Sequence[str], reuse: TwinPlan | None
) -> dict[str, str]:
    """An address for each region; one that had an address keeps it."""
    kept = {
        region: place.address
        for region, place in (reuse.regions.items() if reuse else ())
        if region in regions
    }
    free = (str(address) for address in _from_second(block) if str(address) not in kept.values())
    return {region: kept.get(region) or next(free) for region in sorted(regions)}


def _from_second(block: IPv4Network) -> list[IPv4Address]:
    return list(block.hosts())[1:]


def _region_plan(
    region: str, address: str, reuse: TwinPlan | None, dice: random.Random
) -> RegionPlan:
    if reuse and region in reuse.regions:
        kept = reuse.regions[region]
        for port in (kept.api_port, kept.peer_port, kept.valkey_port):
            _listen(address, port).close()
        return kept
    first = _free_port([address], dice)
    second = _free_port([address], dice, apart_from=(first,))
    third = _free_port([address], dice, apart_from=(first, second))
    return RegionPlan(address=address, api_port=first, peer_port=second, valkey_port=third)


def _ingress_port(addresses: Sequence[str], reuse: TwinPlan | None, dice: random.Random) -> int:
    if reuse:
        for address in addresses:
            _listen(address, reuse.ingress_port).close()
        return reuse.ingress_port
    return _free_port(addresses, dice)


def _free_port(
    addresses: Sequence[str], dice: random.Random, *, apart_from: Sequence[int] = ()
) -> int:
    """A port on which one could listen now, on each of the addresses."""
    last: OSError | None = None
    for _ in range(PORT_ATTEMPTS):
        port = dice.choice(PORTS)
        if port in apart_from:
            continue
        try:
            for address in addresses:
                _listen(address, port).close()
        except OSError as error:
            if error.errno == errno.EADDRNOTAVAIL:
                raise
            last = error
        else:
            return port
    raise last or OSError(errno.EADDRINUSE, "no free port")


def _listen(address: str, port: int) -> socket.socket:
    """A listening TCP socket.

    ``SO_REUSEADDR`` lets it follow connections that linger from an earlier twin; on Linux it
    does not let two sockets listen at once.
    """
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((address, port))
        listener.listen(64)
    except OSError:
        listener.close()
        raise
    return listener


def _dns_pair(address: str, port: int) -> tuple[socket.socket, socket.socket]:
    """TCP and UDP sockets on the same port."""
    tcp = _listen(address, port)
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        udp.bind((address, port))
    except OSError:
        tcp.close()
        udp.close()
        raise
    return tcp, udp


def _requested_dns(port: int) -> tuple[socket.socket, socket.socket]:
    try:
        return _dns_pair(REQUESTED_DNS_HOST, port)
    except PermissionError as error:
        raise TwinError(
            f"dns_port={port} needs rights that this process lacks. Choose a port from 1024 on, "
            "or leave it out for a free one."
        ) from error
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
        raise PortInUseError(
            f"dns_port={port} is held by another process on {REQUESTED_DNS_HOST} (UDP or TCP). "
            "Choose another port, leave it out for a free one, or end the process that "
            f"`ss -lntup 'sport = :{port}'` names."
        ) from error


def _no_addresses(regions: int) -> str:
    last = regions + 1
    example = "for i in $(seq 1 {last}); do sudo ifconfig lo0 alias 127.97.0.$i; done"
    return (
        f"this system does not answer on loopback addresses such as {FIXED_BLOCK[1]}, and the "
        "twin needs one for each region. On macOS, add them once per boot with "
        f"`{example.format(last=last)}`; or use Linux."
    )
