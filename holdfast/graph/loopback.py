"""gRPC between processes of this machine, whatever proxy the network needs.

gRPC sends what is meant for a loopback address to the proxy of the environment as well, which
cannot reach it.
"""

import os

DIRECT = ("grpc.enable_http_proxy", 0)
"""Option of a channel that no proxy stands in."""


def environment_without_proxy() -> dict[str, str]:
    """This process's variables for one that connects to us, and whose channels are not ours."""
    return {key: value for key, value in os.environ.items() if not key.lower().endswith("_proxy")}
