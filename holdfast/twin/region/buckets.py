"""S3 replication between regions: objects and delete markers, copied later, in order.

Guarantees:
    A version that was written while a rule covered it reaches the destination bucket once both
    regions can talk, with its version id, its time, metadata and tags, and is not copied on from
    there. Buckets that replicate to each other and have exchanged everything agree on which
    version of a key is the current one: the latest, whatever the order in which they arrived,
    and of two of the same millisecond that of the region whose name sorts last.

Does not guarantee:
    What AWS does not either: copies of versions deleted by id, of objects from before the rule,
    or of changes to tags and ACLs after the write. Objects above ``OBJECT_LIMIT_BYTES`` are
    marked FAILED instead of being copied.
"""

import base64
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, cast
from xml.etree.ElementTree import Element, ParseError, fromstring
from xml.sax.saxutils import escape

from holdfast.twin.region.config import ACCOUNT
from holdfast.twin.region.courier import Courier
from holdfast.twin.region.emulator import Emulator, Reply, internal
from holdfast.twin.region.groups import new_gid
from holdfast.twin.region.peers import Fields, Links, RefusedError, UnreachableError
from holdfast.twin.region.store import Store

OBJECT_LIMIT_BYTES = 32 * 1024 * 1024

_ORIGIN = "holdfast_origin"
"""In an entry of ministack's versions: the region that made it, absent for this one."""

_ON_DISK: dict[str, Any] = {"data": None}
"""In such an entry: its content is read from the file that ministack keeps of it. Left to itself,
ministack keeps every version's content in memory as well, until it is restarted."""

_Object = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Destination:
    bucket: str
    region: str
    storage_class: str | None


class Buckets:
    """This region's buckets, as far as they replicate."""

    def __init__(
        self, region: str, emulator: Emulator, store: Store, courier: Courier, links: Links
    ) -> None:
        self._region = region
        self._emulator = emulator
        self._store = store
        self._courier = courier
        self._links = links
        self._module = emulator.service("s3")
        self._replicate_here = internal(self._module, "_maybe_replicate")
        self._mark_here = internal(self._module, "_maybe_replicate_delete_marker")
        self._record_version = internal(self._module, "_record_object_version")
        self._leaving: tuple[_Object, _Destination, dict[str, str]] | None = None
        self._module.__dict__.update(
            _maybe_replicate=self._on_write,
            _maybe_replicate_delete_marker=self._on_delete,
            _record_object_version=self._on_version,
        )

    # The control plane

    async def check_rules(self, body: bytes) -> Reply | None:
        """The refusal of a PutBucketReplication whose destinations cannot work; else None."""
        for name in _destinations(body):
            region = self._region if self._has(name) else await self._find(name)
            if region is None:
                return _refusal("Destination bucket must exist.")
            self._store.put_place(name, region)
            if region != self._region and not await self._is_versioned(name, region):
                return _refusal("Destination bucket must have versioning enabled.")
        return None

    async def _find(self, bucket: str) -> str | None:
        asked = {
            peer: self._links.request(peer, "find_bucket", {"bucket": bucket})
            for peer in self._links.peers
        }
        for peer, future in asked.items():
            try:
                if (await future)["exists"]:
                    return peer
            except (UnreachableError, RefusedError):
                continue
        return None

    async def _is_versioned(self, bucket: str, region: str) -> bool:
        try:
            reply = await self._links.request(region, "find_bucket", {"bucket": bucket})
        except (UnreachableError, RefusedError):
            return False
        return bool(reply["versioned"])

    def on_find(self, message: Fields) -> Fields:
        """``find_bucket {bucket}``."""
        name = str(message["bucket"])
        return {"exists": self._has(name), "versioned": self._versions(name)}

    def _has(self, bucket: str) -> bool:
        return self._bucket(bucket) is not None

    def _bucket(self, bucket: str) -> dict[str, Any] | None:
        found = internal(self._module, "_buckets").get_scoped(ACCOUNT, None, bucket)
        return cast("dict[str, Any] | None", found)

    def _versions(self, bucket: str) -> bool:
        versioning = internal(self._module, "_bucket_versioning")
        return bool(versioning.get_scoped(ACCOUNT, None, bucket) == "Enabled")

    # Leaving

    def _on_write(
        self,
        bucket: str,
        key: str,
        record: _Object,
        data: bytes,
        tags: dict[str, str] | None = None,
    ) -> None:
        rule, _ = internal(self._module, "_replication_rule_for")(bucket, key, tags)
        destination = None if rule is None else self._destination(rule)
        if destination is None:
            self._replicate_here(bucket, key, record, data, tags)
        elif len(data) > OBJECT_LIMIT_BYTES:
            record["replication_status"] = "FAILED"
        else:
            record["replication_status"] = "PENDING"
            self._leaving = (record, destination, tags or {})

    def _on_version(
        self, bucket: str, key: str, prior: _Object | None, record: _Object, data: bytes
    ) -> str | None:
        version = cast("str | None", self._record_version(bucket, key, prior, record, data))
        if version is not None:
            self._versions_of(bucket, key)[-1].update(_ON_DISK)
        leaving, self._leaving = self._leaving, None
        if leaving is not None and leaving[0] is record:
            _, destination, tags = leaving
            kept = {name: value for name, value in record.items() if name != "body"}
            if destination.storage_class:
                kept["storage_class"] = destination.storage_class
            parcel: dict[str, object] = {
                "kind": "object",
                "source": bucket,
                "bucket": destination.bucket,
                "key": key,
                "origin": self._region,
                "record": kept,
                "data": base64.b64encode(data).decode(),
                "tags": tags,
            }
            self._courier.enqueue(destination.region, bucket, new_gid(), parcel)
        return version

    def _on_delete(self, bucket: str, key: str) -> None:
        config = internal(self._module, "_bucket_replication").get(bucket)
        rules = cast(
            "list[dict[str, Any]]",
            config.get("Rules", []) if config and self._versions(bucket) else [],
        )
        prefix = internal(self._module, "_replication_rule_prefix")
        rule = next(
            (
                rule
                for rule in rules
                if rule.get("Status") == "Enabled" and key.startswith(prefix(rule))
            ),
            None,
        )
        destination = None if rule is None else self._destination(rule)
        if rule is None or destination is None:
            self._mark_here(bucket, key)
        elif _replicates_markers(rule, internal(self._module, "_replication_rule_tags")(rule)):
            marker = self._versions_of(bucket, key)[-1]
            parcel: dict[str, object] = {
                "kind": "marker",
                "source": bucket,
                "bucket": destination.bucket,
                "key": key,
                "origin": self._region,
                "record": {name: marker[name] for name in ("version_id", "last_modified")},
            }
            self._courier.enqueue(destination.region, bucket, new_gid(), parcel)

    def _destination(self, rule: dict[str, Any]) -> _Destination | None:
        """Where a rule leads, None when that is in this region."""
        wanted = cast("dict[str, Any]", rule.get("Destination") or {})
        name = str(wanted.get("Bucket") or "").rpartition(":::")[2]
        region = self._store.place(name)
        if region is None or region == self._region:
            return None
        return _Destination(name, region, wanted.get("StorageClass"))

    def on_delivered(self, parcel: Fields, *, refused: bool) -> None:
        """Marks a version that has arrived, or cannot."""
        if parcel["kind"] != "object":
            return
        bucket, key = self._bucket(parcel["source"]), parcel["key"]
        version_id = parcel["record"].get("version_id")
        status = "FAILED" if refused else "COMPLETED"
        with self._emulator.scope():
            for version in self._versions_of(parcel["source"], key):
                if version["version_id"] == version_id:
                    version["replication_status"] = status
            current = None if bucket is None else bucket["objects"].get(key)
            if current is not None and current.get("version_id") == version_id:
                current["replication_status"] = status
                internal(self._module, "_persist_object")(parcel["source"], key, current)

    # Arriving

    def on_parcel(self, parcel: Fields) -> None:
        """Takes over a version or a delete marker.

        Raises:
            RefusedError: If the bucket is gone or keeps no versions.
        """
        name, key = str(parcel["bucket"]), str(parcel["key"])
        bucket = self._bucket(name)
        if bucket is None or not self._versions(name):
            raise RefusedError(f"bucket {name} is gone, or keeps no versions")
        version_id = parcel["record"]["version_id"]
        if any(known["version_id"] == version_id for known in self._versions_of(name, key)):
            return
        with self._emulator.scope():
            older = self._older_than(name, key, parcel)
            if older == len(self._versions_of(name, key)):
                self._take_current(bucket, name, key, parcel)
            else:
                self._take_superseded(bucket, name, key, parcel, older)

    def _older_than(self, bucket: str, key: str, parcel: Fields) -> int:
        """How many of a key's versions, of which the last is the current one, are older."""
        arriving = (parcel["record"]["last_modified"], parcel["origin"])
        versions = self._versions_of(bucket, key)
        newer = (
            number
            for number, known in enumerate(versions)
            if (known["last_modified"], known.get(_ORIGIN, self._region)) > arriving
        )
        return next(newer, len(versions))

    def _take_current(self, bucket: dict[str, Any], name: str, key: str, parcel: Fields) -> None:
        prior = bucket["objects"].get(key)
        if parcel["kind"] == "marker":
            internal(self._module, "_record_delete_marker")(name, key, prior)
            bucket["objects"].pop(key, None)
            self._versions_of(name, key)[-1].update(_stamps(parcel))
            internal(self._module, "_persist_version_state")(name, key, bucket)
            return
        record, data = _replica(parcel)
        bucket["objects"][key] = record
        self._record_version(name, key, prior, record, data)
        self._versions_of(name, key)[-1].update(_stamps(parcel))
        record["version_id"] = parcel["record"]["version_id"]
        self._tag(name, key, parcel)
        internal(self._module, "_persist_object")(name, key, record)

    def _take_superseded(
        self, bucket: dict[str, Any], name: str, key: str, parcel: Fields, older: int
    ) -> None:
        """Puts a version below those that are later; the current one stays."""
        if parcel["kind"] == "marker":
            entry: _Object = {"etag": "", "size": 0, "is_delete_marker": True, "is_latest": False}
        else:
            record, data = _replica(parcel)
            version_id = parcel["record"]["version_id"]
            entry = internal(self._module, "_version_entry_from_record")(record, version_id, data)
            displaced = {**record, "version_id": version_id}
            internal(self._module, "_persist_displaced_version")(name, key, displaced, "Enabled")
            self._tag(name, key, parcel)
        self._versions_of(name, key).insert(older, {**entry, **_stamps(parcel)})
        internal(self._module, "_persist_version_state")(name, key, bucket)

    def _tag(self, bucket: str, key: str, parcel: Fields) -> None:
        if parcel["tags"]:
            version_id = parcel["record"]["version_id"]
            internal(self._module, "_object_tags")[(bucket, key, version_id)] = parcel["tags"]

    def _versions_of(self, bucket: str, key: str) -> list[_Object]:
        found = internal(self._module, "_object_versions").get((bucket, key))
        return cast("list[_Object]", found or [])


def _stamps(parcel: Fields) -> _Object:
    """What a version keeps of where it was made."""
    record = parcel["record"]
    return {
        "version_id": record["version_id"],
        "last_modified": record["last_modified"],
        _ORIGIN: parcel["origin"],
        **_ON_DISK,
    }


def _replica(parcel: Fields) -> tuple[_Object, bytes]:
    """The record and the content of an object that arrives, without its version id."""
    data = base64.b64decode(parcel["data"])
    record: _Object = {**parcel["record"], "replication_status": "REPLICA", "body": data}
    del record["version_id"]
    return record, data


def _replicates_markers(rule: dict[str, Any], tags: dict[str, str]) -> bool:
    """Always under a rule of the first schema; else when asked for, and never by tag."""
    if "Filter" not in rule:
        return True
    asked = cast("dict[str, Any]", rule.get("DeleteMarkerReplication") or {})
    return not tags and asked.get("Status") == "Enabled"


def _destinations(body: bytes) -> list[str]:
    """The buckets that a replication configuration leads to; none when it is malformed."""
    try:
        root = fromstring(body)  # noqa: S314 -- our own clients, on loopback
    except ParseError:
        return []
    names: list[str] = []
    for destination in _children(root, "Destination"):
        names += [
            (bucket.text or "").rpartition(":::")[2] for bucket in _children(destination, "Bucket")
        ]
    return names


def _children(element: Element, tag: str) -> list[Element]:
    return [child for child in element.iter() if child.tag.rpartition("}")[2] == tag]


def _refusal(message: str) -> Reply:
    body = (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f"<Error><Code>InvalidRequest</Code><Message>{escape(message)}</Message></Error>"
    ).encode()
    return Reply(HTTPStatus.BAD_REQUEST, {"Content-Type": "application/xml"}, body)
