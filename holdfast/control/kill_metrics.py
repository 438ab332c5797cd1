"""The proof that a region's agents can see the kill switch, published for its alarms.

Guarantees:
    ``KillSwitchRead`` is published only for a minute in which the switch was read. An alarm on
    its absence therefore notices a region whose agents run but could not be stopped.

Does not guarantee:
    Delivery: a publication that fails is not repeated, because the next is a minute away and
    silence is itself reported.

Costs:
    One read of the switch and one ``PutMetricData`` a minute and process.
"""

import threading
from collections.abc import Mapping, Sequence
from typing import Protocol, cast

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from holdfast.contract import Platform
from holdfast.contract.metrics import METRIC_NAMESPACE, Metric, dimensions
from holdfast.contract.place import own_region
from holdfast.control.kill import KillSwitch
from holdfast.errors import ConfigurationError, StoreUnavailableError

PUBLISH_EVERY_S = 60.0


class MetricsClient(Protocol):
    """What is used of a boto3 CloudWatch client."""

    def put_metric_data(
        self,
        *,
        Namespace: str,  # noqa: N803 - the API's name
        MetricData: Sequence[Mapping[str, object]],  # noqa: N803 - the API's name
    ) -> object:
        """Publishes samples."""
        ...


def cloudwatch_client(region: str | None = None) -> MetricsClient:
    """A CloudWatch client that gives up well before the next minute.

    Args:
        region: AWS region; None for the process's own (``AWS_REGION``).
    """
    # The stubs of the services that nobody here uses are not installed.
    client = boto3.client(  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
        "cloudwatch",
        region_name=region or own_region(),
        config=Config(connect_timeout=5, read_timeout=5),
    )
    return cast("MetricsClient", client)


class KillMetrics:
    """Publishes what one process sees of its jurisdiction's switch.

    Args:
        platform: The contract.
        region: Where the process runs.
        kill: The switch.
        client: A CloudWatch client of the region.

    Raises:
        ConfigurationError: If the platform has no such region.
    """

    def __init__(
        self, *, platform: Platform, region: str, kill: KillSwitch, client: MetricsClient
    ) -> None:
        jurisdiction = platform.jurisdiction_of_region(region)
        if jurisdiction is None:
            raise ConfigurationError(
                f"region={region} belongs to no jurisdiction of the platform; allowed are "
                f"{', '.join(sorted(platform.regions))}. Set AWS_REGION to one of these."
            )
        named = dimensions(
            project=platform.project,
            stack=platform.stack,
            jurisdiction=jurisdiction.name,
            region=region,
        )
        self._dimensions = [{"Name": name, "Value": value} for name, value in named.items()]
        self._kill = kill
        self._client = client

    def publish(self) -> bool:
        """Reads the switch and publishes what it says.

        Returns:
            Whether both worked. When not, nothing was published that the alarms could take for
            a sign of life.
        """
        try:
            tripped = self._kill.state().tripped
            self._client.put_metric_data(
                Namespace=METRIC_NAMESPACE,
                MetricData=[
                    self._sample(Metric.TRIPPED, int(tripped)),
                    self._sample(Metric.READ, 1),
                ],
            )
        except (StoreUnavailableError, ConfigurationError, BotoCoreError, ClientError):
            return False
        return True

    def keep_publishing(self, stop: threading.Event) -> None:
        """Publishes once a minute until told to stop. Runs on a thread of its own."""
        while not stop.is_set():
            self.publish()
            stop.wait(PUBLISH_EVERY_S)

    def _sample(self, metric: Metric, value: int) -> Mapping[str, object]:
        return {"MetricName": metric.value, "Dimensions": self._dimensions, "Value": value}
