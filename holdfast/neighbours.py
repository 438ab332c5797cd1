"""Whose process is at the other end of a loopback connection.

For listeners whose clients have no way to show a key (DNS, the engine's gRPC), and as a second
lock on those whose clients have. The kernel knows which user owns the socket that sent something
(sock_diag(7)), and tells anybody.

Guarantees:
    Where ``can_tell`` is true, a peer that is not proved to be a live socket of this process's
    user, or of root, counts as a stranger: one that has sent and closed does too.

Does not guarantee:
    Anything where the kernel does not tell (outside Linux, in some sandboxes): nobody is a
    stranger there. Nor anything against another process of the same user, a browser with a
    hostile page in it included.
"""

import contextlib
import functools
import os
import socket
import struct
import sys

Address = tuple[str, int]

_NETLINK_SOCK_DIAG = 4
_SOCK_DIAG_BY_FAMILY = 20
_NLM_F_REQUEST = 1
_ANY_STATE = 0xFFFF_FFFF
_NO_COOKIE = 0xFFFF_FFFF
_TCP_ESTABLISHED = 1
_ANSWER_S = 1.0
_HEADER = struct.Struct("=IHHII")  # struct nlmsghdr
_SOCKETS = struct.Struct("!HH4s12x4s12xI")  # struct inet_diag_sockid without its cookie
_REQUEST = struct.Struct("=BBBxI")  # struct inet_diag_req_v2 up to the id
_ANSWER = struct.Struct("=BB62xII")
"""struct inet_diag_msg: family, state, timer and id, expiry, queues, then uid and inode."""


def is_stranger(kind: socket.SocketKind, peer: Address, here: Address) -> bool:
    """Whether a peer is the process of another user of this machine, or may be.

    Args:
        kind: ``SOCK_STREAM`` for a connection, ``SOCK_DGRAM`` for a datagram.
        peer: IPv4 address and port that it came from.
        here: IPv4 address and port that it came to.
    """
    if not can_tell(kind):
        return False
    uid = owner_of(kind, peer, here)
    return uid is None or uid not in {os.geteuid(), 0}


def is_strange_connection(connection: socket.socket) -> bool:
    """``is_stranger`` for an accepted TCP connection; one that is gone counts as strange."""
    try:
        return is_stranger(
            socket.SOCK_STREAM, connection.getpeername()[:2], connection.getsockname()[:2]
        )
    except OSError:
        return True


@functools.cache
def can_tell(kind: socket.SocketKind) -> bool:
    """Whether the kernel says who owns a socket; tried out on one of our own."""
    if sys.platform != "linux":
        return False
    with contextlib.ExitStack() as opened, contextlib.suppress(OSError):
        here = opened.enter_context(socket.socket(socket.AF_INET, kind))
        here.bind(("127.0.0.1", 0))
        if kind is socket.SOCK_STREAM:
            here.listen(1)
        there = opened.enter_context(socket.socket(socket.AF_INET, kind))
        there.connect(here.getsockname())
        return owner_of(kind, there.getsockname(), here.getsockname()) == os.geteuid()
    return False


def owner_of(kind: socket.SocketKind, peer: Address, here: Address) -> int | None:
    """The user whose socket sends from ``peer`` to ``here``; None where there is none alive."""
    is_tcp = kind is socket.SOCK_STREAM
    # For UDP the kernel looks for the socket that takes what goes from the first to the second.
    first, second = (peer, here) if is_tcp else (here, peer)
    asked = _REQUEST.pack(
        socket.AF_INET, socket.IPPROTO_TCP if is_tcp else socket.IPPROTO_UDP, 0, _ANY_STATE
    )
    sockets = _SOCKETS.pack(
        first[1], second[1], socket.inet_aton(first[0]), socket.inet_aton(second[0]), 0
    )
    body = asked + sockets + struct.pack("=II", _NO_COOKIE, _NO_COOKIE)
    header = _HEADER.pack(_HEADER.size + len(body), _SOCK_DIAG_BY_FAMILY, _NLM_F_REQUEST, 1, 0)
    try:
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_SOCK_DIAG) as kernel:
            kernel.settimeout(_ANSWER_S)
            kernel.send(header + body)
            answer = kernel.recv(4096)
    except OSError:
        return None
    if _HEADER.unpack_from(answer)[1] != _SOCK_DIAG_BY_FAMILY:
        return None  # NLMSG_ERROR: there is no such socket.
    _, state, uid, _ = _ANSWER.unpack_from(answer, _HEADER.size)
    if is_tcp and state != _TCP_ESTABLISHED:
        return None  # Its process has closed it: it belongs to nobody, and counts as root's.
    return int(uid)
