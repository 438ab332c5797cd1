"""S3 replication between real processes."""

import time
from typing import Any

import pytest
from botocore.awsrequest import AWSRequest
from botocore.exceptions import ClientError
from botocore.httpsession import URLLib3Session

from tests.twin.region.regions import Regions, code_of, eventually

pytestmark = pytest.mark.slow
EAST, WEST = "us-east-1", "us-west-2"


def make_bucket(regions: Regions, region: str, name: str, *, versioned: bool = True) -> None:
    client = regions.client("s3", region)
    where = {} if region == EAST else {"CreateBucketConfiguration": {"LocationConstraint": region}}
    client.create_bucket(Bucket=name, **where)
    if versioned:
        client.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})


def replicate(regions: Regions, region: str, source: str, destination: str) -> None:
    regions.client("s3", region).put_bucket_replication(
        Bucket=source,
        ReplicationConfiguration={
            "Role": "arn:aws:iam::000000000000:role/replication",
            "Rules": [
                {
                    "ID": "all",
                    "Status": "Enabled",
                    "Priority": 1,
                    "Filter": {"Prefix": ""},
                    "DeleteMarkerReplication": {"Status": "Enabled"},
                    "Destination": {"Bucket": f"arn:aws:s3:::{destination}"},
                }
            ],
        },
    )


def pair(regions: Regions, name: str) -> tuple[str, str]:
    """Two buckets that replicate to each other."""
    east, west = f"{name}-east", f"{name}-west"
    make_bucket(regions, EAST, east)
    make_bucket(regions, WEST, west)
    replicate(regions, EAST, east, west)
    replicate(regions, WEST, west, east)
    return east, west


def body_of(
    client: Any,  # noqa: ANN401 -- a boto3 client
    bucket: str,
    key: str,
) -> bytes | None:
    try:
        return bytes(client.get_object(Bucket=bucket, Key=key)["Body"].read())
    except client.exceptions.NoSuchKey:
        return None


def arrives(
    client: Any,  # noqa: ANN401 -- a boto3 client
    bucket: str,
    key: str,
    body: bytes | None,
) -> None:
    def check() -> None:
        # Where CI is set, pytest spells out how two values differ: half an hour for a megabyte.
        arrived = body_of(client, bucket, key) == body
        assert arrived, f"{key} has not arrived in {bucket}"

    eventually(check)


def test_an_object_is_copied_with_its_version_metadata_and_tags(shared: Regions) -> None:
    east, west = pair(shared, "copied")
    here, there = shared.client("s3", EAST), shared.client("s3", WEST)
    put = here.put_object(Bucket=east, Key="a/b", Body=b"data", Metadata={"m": "1"}, Tagging="t=2")
    arrives(there, west, "a/b", b"data")
    head = there.head_object(Bucket=west, Key="a/b")
    assert head["VersionId"] == put["VersionId"]
    assert head["Metadata"] == {"m": "1"}
    assert head["ReplicationStatus"] == "REPLICA"
    tags = there.get_object_tagging(Bucket=west, Key="a/b")["TagSet"]
    assert tags == [{"Key": "t", "Value": "2"}]

    def completed() -> None:
        assert here.head_object(Bucket=east, Key="a/b")["ReplicationStatus"] == "COMPLETED"

    eventually(completed)


def test_a_url_that_was_signed_puts_and_gets_its_object_and_copies_no_other(
    shared: Regions,
) -> None:
    make_bucket(shared, EAST, "signed", versioned=False)
    client = shared.client("s3", EAST)
    # By itself boto3 signs such a URL with version 2 here, which the twin refuses.
    presigner = shared.client_signing_for(EAST, "s3", EAST, signature_version="s3v4")
    client.put_object(Bucket="signed", Key="secret", Body=b"secret")
    object_ = {"Bucket": "signed", "Key": "k"}
    put = presigner.generate_presigned_url("put_object", object_)
    session = URLLib3Session()
    copying = {"x-amz-copy-source": "/signed/secret"}
    refused = session.send(AWSRequest("PUT", put, headers=copying).prepare())
    assert refused.status_code == 403
    assert session.send(AWSRequest("PUT", put, data=b"data").prepare()).status_code == 200
    get = presigner.generate_presigned_url("get_object", object_)
    assert session.send(AWSRequest("GET", get).prepare()).content == b"data"


def test_a_replica_is_not_copied_back(shared: Regions) -> None:
    east, west = pair(shared, "noloop")
    here, there = shared.client("s3", EAST), shared.client("s3", WEST)
    here.put_object(Bucket=east, Key="k", Body=b"1")
    arrives(there, west, "k", b"1")
    there.put_object(Bucket=west, Key="k", Body=b"2")
    arrives(here, east, "k", b"2")
    time.sleep(0.5)
    for client, bucket in ((here, east), (there, west)):
        assert len(client.list_object_versions(Bucket=bucket)["Versions"]) == 2


def test_copies_and_multipart_uploads_and_deletions_follow(shared: Regions) -> None:
    east, west = pair(shared, "kinds")
    here, there = shared.client("s3", EAST), shared.client("s3", WEST)
    here.put_object(Bucket=east, Key="one", Body=b"1")
    here.copy_object(Bucket=east, Key="two", CopySource={"Bucket": east, "Key": "one"})
    upload = here.create_multipart_upload(Bucket=east, Key="three")["UploadId"]
    part = here.upload_part(
        Bucket=east, Key="three", UploadId=upload, PartNumber=1, Body=b"3" * 1000
    )
    here.complete_multipart_upload(
        Bucket=east,
        Key="three",
        UploadId=upload,
        MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]},
    )
    arrives(there, west, "two", b"1")
    arrives(there, west, "three", b"3" * 1000)
    here.delete_object(Bucket=east, Key="one")
    arrives(there, west, "one", None)
    assert len(there.list_object_versions(Bucket=west)["DeleteMarkers"]) == 1


def test_objects_written_under_a_cut_arrive_after_it_in_order(us: Regions) -> None:
    east, west = pair(us, "queued")
    us.cut(EAST, WEST)
    here = us.client("s3", EAST)
    for number in range(10):
        here.put_object(Bucket=east, Key="k", Body=str(number).encode())
    assert here.head_object(Bucket=east, Key="k")["ReplicationStatus"] == "PENDING"
    us.kill(EAST)
    us.heal_one(WEST, EAST)
    us.start(EAST)
    there = us.client("s3", WEST)
    arrives(there, west, "k", b"9")
    assert len(there.list_object_versions(Bucket=west)["Versions"]) == 10
    assert body_of(us.client("s3", EAST), east, "k") == b"9"


def history(
    client: Any,  # noqa: ANN401 -- a boto3 client
    bucket: str,
    key: str,
) -> list[tuple[str, bool, bool]]:
    """Of each version, latest first: its id, whether it is a delete marker, and the current one."""
    found = client.list_object_versions(Bucket=bucket, Prefix=key)
    entries = [
        (entry["LastModified"], entry["VersionId"], kind == "DeleteMarkers", entry["IsLatest"])
        for kind in ("Versions", "DeleteMarkers")
        for entry in found.get(kind, [])
    ]
    return [entry[1:] for entry in sorted(entries, reverse=True)]


def test_of_writes_in_both_regions_the_last_is_the_current_version_in_both(us: Regions) -> None:
    east, west = pair(us, "both")
    here, there = us.client("s3", EAST), us.client("s3", WEST)
    us.cut(EAST, WEST)
    here.put_object(Bucket=east, Key="written", Body=b"earlier", Tagging="of=east")
    here.put_object(Bucket=east, Key="deleted", Body=b"earlier")
    there.put_object(Bucket=west, Key="revived", Body=b"earlier")
    time.sleep(0.01)
    there.put_object(Bucket=west, Key="written", Body=b"later")
    there.delete_object(Bucket=west, Key="deleted")
    here.delete_object(Bucket=east, Key="revived")
    time.sleep(0.01)
    there.put_object(Bucket=west, Key="revived", Body=b"later")
    us.heal(EAST, WEST)

    def agree() -> None:
        for key, versions in (("written", 2), ("deleted", 2), ("revived", 3)):
            ours = history(here, east, key)
            assert ours == history(there, west, key)
            assert [is_current for _, _, is_current in ours] == [True] + [False] * (versions - 1)

    eventually(agree)
    us.kill(EAST, WEST)
    us.start(EAST, WEST)
    here, there = us.client("s3", EAST), us.client("s3", WEST)
    agree()
    for client, bucket in ((here, east), (there, west)):
        assert body_of(client, bucket, "written") == b"later"
        assert body_of(client, bucket, "deleted") is None
        assert body_of(client, bucket, "revived") == b"later"
        earlier = history(client, bucket, "written")[1][0]
        old = client.get_object(Bucket=bucket, Key="written", VersionId=earlier)
        assert (old["Body"].read(), old["TagCount"]) == (b"earlier", 1)


def test_what_buckets_hold_is_not_held_in_memory_as_well(us: Regions) -> None:
    east, west = pair(us, "large")
    here, there = us.client("s3", EAST), us.client("s3", WEST)
    before = [us.memory_bytes(region) for region in (EAST, WEST)]
    for number in range(60):
        here.put_object(Bucket=east, Key=f"k{number % 6}", Body=bytes([number]) * 1_000_000)
    arrives(there, west, "k5", bytes([59]) * 1_000_000)
    after = [us.memory_bytes(region) for region in (EAST, WEST)]
    assert max(now - then for now, then in zip(after, before, strict=True)) < 30_000_000
    for client, bucket in ((here, east), (there, west)):
        oldest = history(client, bucket, "k5")[-1][0]
        old = client.get_object(Bucket=bucket, Key="k5", VersionId=oldest)
        assert set(old["Body"].read()) == {5}
        current = history(client, bucket, "k5")[0][0]
        client.delete_object(Bucket=bucket, Key="k5", VersionId=current)
        assert set(body_of(client, bucket, "k5") or b"") == {53}


def test_bytes_are_booked_under_the_source_bucket(shared: Regions) -> None:
    east, west = pair(shared, "booked")
    shared.client("s3", EAST).put_object(Bucket=east, Key="k", Body=b"x" * 3000)
    arrives(shared.client("s3", WEST), west, "k", b"x" * 3000)
    sent = {
        entry["peer"]: entry["sent_bytes"]
        for entry in shared.ask(EAST, "status")["sent"]
        if entry["resource"] == east
    }
    assert sent.keys() == {WEST}
    assert sent[WEST] > 3000


def test_a_rule_to_a_bucket_that_does_not_exist_is_refused(shared: Regions) -> None:
    make_bucket(shared, EAST, "lonely")
    with pytest.raises(ClientError) as caught:
        replicate(shared, EAST, "lonely", "nowhere-to-be-found")
    assert code_of(caught.value) == "InvalidRequest"
    assert "must exist" in str(caught.value)


def test_a_rule_to_a_bucket_without_versions_is_refused(shared: Regions) -> None:
    make_bucket(shared, EAST, "versioned")
    make_bucket(shared, WEST, "unversioned", versioned=False)
    with pytest.raises(ClientError) as caught:
        replicate(shared, EAST, "versioned", "unversioned")
    assert "versioning enabled" in str(caught.value)


def test_an_object_whose_destination_is_gone_is_marked_failed(shared: Regions) -> None:
    east, west = pair(shared, "gone")
    shared.client("s3", WEST).delete_bucket(Bucket=west)
    here = shared.client("s3", EAST)
    here.put_object(Bucket=east, Key="k", Body=b"1")

    def failed() -> None:
        assert here.head_object(Bucket=east, Key="k")["ReplicationStatus"] == "FAILED"

    eventually(failed)
