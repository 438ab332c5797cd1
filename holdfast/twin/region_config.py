"""What the supervisor tells a region server: the file behind ``holdfast.twin.region --config``.

The supervisor writes the file anew before every start of the server, so that a restored
region comes up with the cuts that were made while it was down.

What the supervisor asks of a region server on its peer port, one JSON line each
(``holdfast.twin.rpc``), with ``token`` in every request:

==============  ===============  ==============================================================
operation       arguments        reply, beside ``ok``
==============  ===============  ==============================================================
``status``                       ``pending``: list of ``{resource, peer, items}``; ``sent``: list
                                 of ``{resource, peer, sent_bytes}``. Answered only once the AWS
                                 API takes requests: it is the sign of readiness.
``catch_up``                     none; it comes when the server holds all that its reachable
                                 peers hold
``cut, heal``   ``peer``         none; from then on nothing passes in either direction, or does
==============  ===============  ==============================================================

On SIGTERM a server writes its state and ends within 5 s; killed, it loses no write
to a table or bucket that it has acknowledged.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from holdfast.twin.credentials import Credentials

Port = Annotated[int, Field(ge=1, le=65535)]
Milliseconds = Annotated[int, Field(ge=0)]

GLOBAL_REGION = "us-east-1"
"""The region that hosts IAM, Route 53 and the other global control planes, as on AWS."""


class PeerAddress(BaseModel):
    """Where another region's server takes peer requests.

    Attributes:
        host: Loopback address of the region.
        port: TCP port of its JSON-lines peer protocol.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    host: str
    port: Port


class RegionConfig(BaseModel):
    """Everything a region server needs to know to start.

    Attributes:
        region: AWS name of the region.
        host: Loopback address to bind everything to.
        api_port: TCP port of the AWS API.
        peer_port: TCP port of the peer and control protocol.
        ingress_port: TCP port of the region's load balancers; stands for 443.
        valkey_port: TCP port of the region's Valkey, on ``host``. Its configuration file
            survives a kill, its memory does not: follow ``CONFIG SET`` by ``CONFIG REWRITE``.
        state_dir: Directory of this region alone; what lies in it survives a kill.
        peers: The other regions, by name. Witness regions are among them.
        lag_ms: How long an eventually consistent write waits before it is sent to a peer.
        peer_delay_ms: Delay of one message to a peer, one way.
        cut: Peers whose link to this region is cut at the start.
        token: Every request on the peer port carries it as ``token``.
        credentials: The key that requests to the AWS API are signed with.
        valkey_password: Of the region server's own user at Valkey.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    region: str
    host: str
    api_port: Port
    peer_port: Port
    ingress_port: Port
    valkey_port: Port
    state_dir: Path
    peers: Mapping[str, PeerAddress]
    lag_ms: Milliseconds = 500
    peer_delay_ms: Milliseconds = 5
    cut: tuple[str, ...] = ()
    token: str
    credentials: Credentials
    valkey_password: str

    @property
    def is_global(self) -> bool:
        """Whether this region hosts the global control planes."""
        return self.region == GLOBAL_REGION

    @classmethod
    def load(cls, path: Path) -> "RegionConfig":
        """The configuration in a file that the supervisor wrote.

        Raises:
            OSError: If the file cannot be read.
            pydantic.ValidationError: If it does not hold a region's configuration.
        """
        return cls.model_validate_json(path.read_bytes())
