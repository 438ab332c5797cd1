"""The kernel says who is at the other end of a loopback connection."""

import socket
import sys
import threading

import pytest

from holdfast import neighbours
from holdfast.neighbours import can_tell, is_strange_connection, is_stranger
from tests.strangers import NOBODY, ONLY_ROOT, as_another

KINDS = [socket.SOCK_STREAM, socket.SOCK_DGRAM]

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells")


def listening(kind: socket.SocketKind) -> socket.socket:
    here = socket.socket(socket.AF_INET, kind)
    here.bind(("127.0.0.1", 0))
    if kind is socket.SOCK_STREAM:
        here.listen(1)
    return here


def test_linux_tells_both_kinds() -> None:
    assert all(can_tell(kind) for kind in KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_our_own_socket_is_none_of_a_stranger_and_is_once_it_is_closed(
    kind: socket.SocketKind,
) -> None:
    with listening(kind) as here, socket.socket(socket.AF_INET, kind) as there:
        there.connect(here.getsockname())
        ends = there.getsockname(), here.getsockname()
        assert not is_stranger(kind, *ends)
        there.close()
        assert is_stranger(kind, *ends)


def test_a_datagram_from_a_socket_without_an_address_of_its_own_is_known() -> None:
    with (
        listening(socket.SOCK_DGRAM) as here,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as there,
    ):
        there.sendto(b"x", here.getsockname())
        _, peer = here.recvfrom(10)
        assert not is_stranger(socket.SOCK_DGRAM, peer, here.getsockname())


@ONLY_ROOT
@pytest.mark.parametrize("kind", KINDS)
def test_another_users_socket_is_a_strangers(kind: socket.SocketKind) -> None:
    with listening(kind) as here:

        def owner_and_verdict() -> tuple[int, bool]:
            with socket.socket(socket.AF_INET, kind) as there:
                there.connect(here.getsockname())
                ends = there.getsockname(), here.getsockname()
                # To itself it is none.
                return neighbours.owner_of(kind, *ends) or 0, is_stranger(kind, *ends)

        assert as_another(owner_and_verdict) == (NOBODY, False)


@ONLY_ROOT
def test_another_users_connection_is_strange() -> None:
    with listening(socket.SOCK_STREAM) as here:

        def say() -> bytes:
            with socket.create_connection(here.getsockname(), timeout=5) as there:
                return there.recv(10)

        def judge() -> None:
            connection, _ = here.accept()
            with connection:
                verdicts.append(is_strange_connection(connection))

        verdicts: list[bool] = []
        judging = threading.Thread(target=judge)
        judging.start()
        assert as_another(say) == b""
        judging.join()
        assert verdicts == [True]


def test_nobody_is_a_stranger_where_the_kernel_does_not_tell(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def cannot(_kind: socket.SocketKind) -> bool:
        return False

    monkeypatch.setattr(neighbours, "can_tell", cannot)
    assert not is_stranger(socket.SOCK_STREAM, ("127.0.0.1", 1), ("127.0.0.1", 2))
