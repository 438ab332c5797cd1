"""Multi-Region KMS keys in real processes."""

import pytest
from botocore.exceptions import ClientError

from tests.twin.region.regions import Regions, code_of, eventually

pytestmark = pytest.mark.slow
EAST, WEST = "us-east-1", "us-west-2"


def test_a_replica_decrypts_what_its_primary_encrypted(shared: Regions) -> None:
    east, west = shared.client("kms", EAST), shared.client("kms", WEST)
    key = east.create_key(MultiRegion=True)["KeyMetadata"]["KeyId"]
    replica = east.replicate_key(KeyId=key, ReplicaRegion=WEST)["ReplicaKeyMetadata"]
    assert replica["Arn"].startswith(f"arn:aws:kms:{WEST}:")
    secret = east.encrypt(KeyId=key, Plaintext=b"secret")["CiphertextBlob"]
    assert west.decrypt(CiphertextBlob=secret, KeyId=key)["Plaintext"] == b"secret"
    for client in (east, west):
        shape = client.describe_key(KeyId=key)["KeyMetadata"]["MultiRegionConfiguration"]
        assert shape["PrimaryKey"]["Region"] == EAST
        assert [member["Region"] for member in shape["ReplicaKeys"]] == [WEST]


def test_a_key_replicated_again_there_is_refused(shared: Regions) -> None:
    east = shared.client("kms", EAST)
    key = east.create_key(MultiRegion=True)["KeyMetadata"]["KeyId"]
    east.replicate_key(KeyId=key, ReplicaRegion=WEST)
    with pytest.raises(ClientError) as caught:
        east.replicate_key(KeyId=key, ReplicaRegion=WEST)
    assert code_of(caught.value) == "AlreadyExistsException"


def test_a_primary_waits_for_the_deletion_of_its_replica(shared: Regions) -> None:
    east, west = shared.client("kms", EAST), shared.client("kms", WEST)
    key = east.create_key(MultiRegion=True)["KeyMetadata"]["KeyId"]
    east.replicate_key(KeyId=key, ReplicaRegion=WEST)
    waiting = east.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    assert waiting["KeyState"] == "PendingReplicaDeletion"
    west.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)

    def goes() -> None:
        assert east.describe_key(KeyId=key)["KeyMetadata"]["KeyState"] == "PendingDeletion"

    eventually(goes)


def test_a_region_outside_the_twin_is_refused_by_name(shared: Regions) -> None:
    east = shared.client("kms", EAST)
    key = east.create_key(MultiRegion=True)["KeyMetadata"]["KeyId"]
    with pytest.raises(ClientError, match="no region 'eu-west-1'"):
        east.replicate_key(KeyId=key, ReplicaRegion="eu-west-1")


def test_a_key_is_not_replicated_to_a_region_that_does_not_answer(us: Regions) -> None:
    east = us.client("kms", EAST)
    key = east.create_key(MultiRegion=True)["KeyMetadata"]["KeyId"]
    us.kill(WEST)
    with pytest.raises(ClientError):
        east.replicate_key(KeyId=key, ReplicaRegion=WEST)
    us.start(WEST)
    east.replicate_key(KeyId=key, ReplicaRegion=WEST)
