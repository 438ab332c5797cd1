"""The provider over gRPC, spoken to as the engine speaks to it."""

import threading
from typing import Protocol, cast

import grpc
import pytest
from google.protobuf import empty_pb2, struct_pb2
from pulumi.runtime import proto
from pulumi.runtime.proto import provider_pb2_grpc

from holdfast.twin.fronts.attach import serve
from holdfast.twin.provider.adapter import TwinProvider
from holdfast.twin.provider.cloud import Cloud
from holdfast.twin.provider.core import Provider
from holdfast.twin.provider.values import UNKNOWN

URN = "urn:pulumi:dev::project::aws:kms/key:Key::key"


class Stub(Protocol):
    """The calls of the provider protocol that are used here."""

    def Attach(self, request: proto.PluginAttach) -> empty_pb2.Empty: ...  # noqa: N802
    def Configure(self, request: proto.ConfigureRequest) -> proto.ConfigureResponse: ...  # noqa: N802
    def Check(self, request: proto.CheckRequest) -> proto.CheckResponse: ...  # noqa: N802
    def Create(self, request: proto.CreateRequest) -> proto.CreateResponse: ...  # noqa: N802
    def GetPluginInfo(self, request: empty_pb2.Empty) -> proto.PluginInfo: ...  # noqa: N802


def provider() -> TwinProvider:
    return TwinProvider(Provider(Cloud(lambda region: f"http://{region}.test")))


def stub_of(channel: grpc.Channel) -> Stub:
    return cast("Stub", provider_pb2_grpc.ResourceProviderStub(channel))


def struct(**members: str) -> struct_pb2.Struct:
    made = struct_pb2.Struct()
    made.update(members)
    return made


def test_the_engine_can_attach_configure_and_check() -> None:
    with serve(provider()) as port, grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        stub = stub_of(channel)
        assert stub.Attach(proto.PluginAttach(address="127.0.0.1:1")) == empty_pb2.Empty()
        assert stub.GetPluginInfo(empty_pb2.Empty()).version.startswith("7.")
        configured = stub.Configure(proto.ConfigureRequest(args=struct(region="eu-west-1")))
        assert configured.supportsPreview
        assert not configured.acceptSecrets
        answer = stub.Check(proto.CheckRequest(urn=URN, news=struct(description="d")))
        assert answer.inputs.fields["region"].string_value == "eu-west-1"
        assert list(answer.failures) == []


def test_unknown_values_travel_through_a_preview() -> None:
    with serve(provider()) as port, grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        request = proto.CreateRequest(urn=URN, properties=struct(description=UNKNOWN), preview=True)
        answer = stub_of(channel).Create(request)
        assert answer.properties.fields["description"].string_value == UNKNOWN
        assert answer.properties.fields["arn"].string_value == UNKNOWN


def test_an_error_of_ours_is_one_sentence() -> None:
    with serve(provider()) as port, grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        request = proto.CheckRequest(urn=URN.replace("kms/key:Key", "eks/cluster:Cluster"))
        with pytest.raises(grpc.RpcError) as caught:
            stub_of(channel).Check(request)
        details = str(getattr(caught.value, "details")())  # noqa: B009 - untyped in the stubs
        assert details.startswith("the twin does not take resources of type aws:eks/cluster")
        assert "Traceback" not in details
        assert "File " not in details


def test_the_server_and_its_thread_end_with_the_context() -> None:
    with serve(provider()) as port:
        assert any(thread.name == "twin-provider" for thread in threading.enumerate())
    assert not any(thread.name == "twin-provider" for thread in threading.enumerate())
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel, pytest.raises(grpc.RpcError):
        stub_of(channel).Attach(proto.PluginAttach())
