"""KMS multi-Region keys: replicas in the regions that they were asked for.

Guarantees:
    A replica has its primary's id and key material, so that either decrypts what the other
    encrypted. Each member lists all of them.

Does not guarantee:
    A change of the primary region (UpdatePrimaryRegion), which the emulator lacks.
"""

from http import HTTPStatus
from typing import Any, cast

from holdfast.twin.region.config import ACCOUNT
from holdfast.twin.region.courier import Courier
from holdfast.twin.region.dynamo import Request, failure
from holdfast.twin.region.emulator import Emulator, Reply, internal
from holdfast.twin.region.groups import new_gid
from holdfast.twin.region.incoming import Incoming
from holdfast.twin.region.peers import Fields, Links, RefusedError, UnreachableError

_Key = dict[str, Any]


class Keys:
    """This region's members of multi-Region keys."""

    def __init__(self, region: str, emulator: Emulator, courier: Courier, links: Links) -> None:
        self._region = region
        self._emulator = emulator
        self._courier = courier
        self._links = links

    async def answer(
        self, operation: str, request: Request, incoming: Incoming, body: bytes
    ) -> Reply:
        """The answer to a KMS request."""
        if operation == "ReplicateKey":
            return await self._replicate(request, incoming, body)
        reply = await self._emulator.forward("kms", incoming, body)
        if operation == "ScheduleKeyDeletion" and reply.status == HTTPStatus.OK:
            self._leave(str(reply.json()["KeyId"]).rpartition("/")[2])
        return reply

    async def _replicate(self, request: Request, incoming: Incoming, body: bytes) -> Reply:
        region = str(request.get("ReplicaRegion", ""))
        if region not in self._links.peers:
            return failure(
                "ValidationException",
                f"The twin has no region {region!r} beside {self._region}; it has "
                f"{', '.join(sorted(self._links.peers))}. Start it with every region that the "
                "stack names.",
            )
        reply = await self._emulator.forward("kms", incoming, body)
        if reply.status != HTTPStatus.OK:
            return reply
        key_id = str(reply.json()["ReplicaKeyMetadata"]["KeyId"])
        # The emulator made the replica in this process, under the other region's name.
        replica = cast("_Key", self._keys().pop_scoped(ACCOUNT, region, key_id))
        regions = list(replica["_mrk_regions"])
        try:
            await self._links.request(
                region, "import_key", {"record": self._emulator.dump(replica)}, timeout_s=10
            )
        except (UnreachableError, RefusedError) as error:
            primary = self._own(key_id)
            if primary is not None:
                primary["_mrk_regions"] = [name for name in regions if name != region]
            return failure(
                "KMSInternalException",
                f"{region} does not answer, so the key was not replicated: {error}",
                HTTPStatus.INTERNAL_SERVER_ERROR,
            )
        for peer in set(regions) - {self._region, region}:
            self._tell(peer, key_id, {"joined": region})
        return reply

    def _leave(self, key_id: str) -> None:
        """Tells the other members that this replica is going."""
        key = self._own(key_id)
        if key is None or key.get("_mrk_type") != "REPLICA":
            return
        for peer in self._links.peers:
            self._tell(peer, key_id, {"left": self._region})

    def _tell(self, peer: str, key_id: str, news: dict[str, object]) -> None:
        parcel: dict[str, object] = {"kind": "key", "key_id": key_id, **news}
        self._courier.enqueue(peer, "", new_gid(), parcel)

    # What peers ask

    def on_import(self, message: Fields) -> Fields:
        """``import_key {record}``: a replica of a peer's key."""
        key = cast("_Key", self._emulator.load(str(message["record"])))
        self._keys().set_scoped(ACCOUNT, self._region, key["KeyId"], key)
        self._emulator.save("kms")
        return {}

    def on_parcel(self, parcel: Fields) -> None:
        """Takes over news about the members of a key that has one here."""
        key = self._own(str(parcel["key_id"]))
        if key is None:
            return
        regions = [name for name in key["_mrk_regions"] if name != parcel.get("left")]
        if "joined" in parcel and parcel["joined"] not in regions:
            regions.append(parcel["joined"])
        key["_mrk_regions"] = regions
        if key["KeyState"] == "PendingReplicaDeletion" and len(regions) == 1:
            key["KeyState"] = "PendingDeletion"
        self._emulator.save("kms")

    def _own(self, key_id: str) -> _Key | None:
        return cast("_Key | None", self._keys().get_scoped(ACCOUNT, self._region, key_id))

    def _keys(self) -> Any:  # noqa: ANN401 -- ministack has no types
        return internal(self._emulator.service("kms"), "_keys")
