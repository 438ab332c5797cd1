"""An alarm hears of a switch that is tripped, and of one that nobody can read."""

import threading
from collections.abc import Mapping, Sequence

import pytest
from botocore.exceptions import EndpointConnectionError

from holdfast.control import KillMetrics, KillSwitch
from holdfast.coordination import MemoryStore, Reply, Request
from holdfast.coordination.stores.store import Outcome
from holdfast.errors import ConfigurationError
from tests.contract.platforms import platform


class Recorder:
    """A CloudWatch that remembers, or does not answer."""

    def __init__(self) -> None:
        self.samples: list[dict[str, object]] = []
        self.down = False
        self.published = threading.Event()

    def put_metric_data(
        self,
        *,
        Namespace: str,  # noqa: N803
        MetricData: Sequence[Mapping[str, object]],  # noqa: N803
    ) -> object:
        assert Namespace == "Holdfast"
        if self.down:
            raise EndpointConnectionError(endpoint_url="nowhere")
        self.samples += [dict(sample) for sample in MetricData]
        self.published.set()
        return {}

    def values(self) -> dict[object, object]:
        return {sample["MetricName"]: sample["Value"] for sample in self.samples}


class Silent(MemoryStore):
    """A store that cannot be read."""

    def call(self, request: Request) -> Reply:
        del request
        return Reply(Outcome.UNKNOWN, reason="no quorum")


class Refusing(MemoryStore):
    """A table whose permissions are missing."""

    def call(self, request: Request) -> Reply:
        raise ConfigurationError(f"no permission for {request}")


def _metrics(store: MemoryStore, recorder: Recorder) -> tuple[KillMetrics, KillSwitch]:
    kill = KillSwitch.of(platform(), "us", store)
    return KillMetrics(platform=platform(), region="us-east-1", kill=kill, client=recorder), kill


def test_an_armed_switch_is_published_as_read_and_not_tripped() -> None:
    recorder = Recorder()
    metrics, kill = _metrics(MemoryStore(), recorder)
    kill.arm(by="ops", reason="start", epoch=0)
    assert metrics.publish()
    assert recorder.values() == {"KillSwitchTripped": 0, "KillSwitchRead": 1}


def test_a_tripped_switch_is_published_as_tripped() -> None:
    recorder = Recorder()
    metrics, kill = _metrics(MemoryStore(), recorder)
    kill.trip(by="ops", reason="fire")
    assert metrics.publish()
    assert recorder.values()["KillSwitchTripped"] == 1


def test_a_switch_that_cannot_be_read_gives_no_sign_of_life() -> None:
    recorder = Recorder()
    metrics, _ = _metrics(Silent(), recorder)
    assert not metrics.publish()
    assert recorder.samples == []


def test_a_table_that_refuses_requests_gives_no_sign_of_life_and_ends_nothing() -> None:
    recorder = Recorder()
    metrics, _ = _metrics(Refusing(), recorder)
    assert not metrics.publish()
    assert recorder.samples == []


def test_a_cloudwatch_that_does_not_answer_ends_nothing() -> None:
    recorder = Recorder()
    recorder.down = True
    metrics, _ = _metrics(MemoryStore(), recorder)
    assert not metrics.publish()


def test_publishing_goes_on_until_told_to_stop() -> None:
    recorder = Recorder()
    metrics, kill = _metrics(MemoryStore(), recorder)
    kill.arm(by="ops", reason="start", epoch=0)
    stop = threading.Event()
    thread = threading.Thread(target=metrics.keep_publishing, args=(stop,))
    thread.start()
    assert recorder.published.wait(10)
    stop.set()
    thread.join(10)
    assert not thread.is_alive()


def test_a_foreign_region_is_refused() -> None:
    kill = KillSwitch.of(platform(), "us", MemoryStore())
    with pytest.raises(ConfigurationError, match="mars-north-1"):
        KillMetrics(platform=platform(), region="mars-north-1", kill=kill, client=Recorder())
