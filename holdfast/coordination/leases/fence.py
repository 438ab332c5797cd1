"""The fence at the resource: a stale holder's write fails in the item that it would change.

Guarantees:
    Once a write with token T has been applied to an item, no fenced write with a lower token is
    ever applied to it, whatever the writer believes. One request, no transaction.

Does not guarantee:
    Anything for writes that do not go through a fence, nor between two items. Anything once the
    item is deleted: the highest token goes with it, so mark what is gone instead. In a
    last-writer-wins table the fence holds within one region only.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from botocore.exceptions import ClientError

from holdfast.coordination.stores.dynamodb_errors import CONDITION_FAILED, error_code
from holdfast.coordination.stores.dynamodb_expression import conjunction, with_assignment
from holdfast.coordination.stores.store import Absent, AllOf, AnyOf, AtMost, Condition, Put, Update
from holdfast.errors import ConditionFailedError, ConfigurationError, LeaseLostError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mypy_boto3_dynamodb.client import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import (
        PutItemInputTypeDef,
        PutItemOutputTypeDef,
        UpdateItemInputTypeDef,
        UpdateItemOutputTypeDef,
    )
    from types_aiobotocore_dynamodb.client import DynamoDBClient as AsyncDynamoDBClient
    from types_aiobotocore_dynamodb.type_defs import (
        PutItemOutputTypeDef as AsyncPutItemOutputTypeDef,
    )
    from types_aiobotocore_dynamodb.type_defs import (
        UpdateItemOutputTypeDef as AsyncUpdateItemOutputTypeDef,
    )

_NAME = "#holdfast_fence"
_PLACEHOLDER = ":holdfast_token"


@dataclass(frozen=True, slots=True)
class Fence:
    """Puts a fencing token into the conditions of writes.

    Attributes:
        token: The writer's token, from its lease.
        attribute: Attribute of the protected items that keeps the highest token so far. Nothing
            else may write it.

    Raises:
        ConfigurationError: If the token is not positive: no lease ever has such a token.
    """

    token: int
    attribute: str = "fence"

    def __post_init__(self) -> None:
        if self.token < 1:
            raise ConfigurationError(
                f"token={self.token} is no fencing token; they start at 1. Take it from a lease."
            )

    def update_item(
        self, client: "DynamoDBClient", request: "UpdateItemInputTypeDef"
    ) -> "UpdateItemOutputTypeDef":
        """Updates a DynamoDB item unless somebody with a later token has written to it.

        Args:
            client: The client.
            request: Parameters of UpdateItem, without the fence.

        Raises:
            LeaseLostError: If the item has seen a later token. Nothing was written.
            ConditionFailedError: If the request's own condition failed. Nothing was written.
            botocore.exceptions.ClientError: If DynamoDB refuses for another reason.
        """
        try:
            return client.update_item(**self.guard_update(request))
        except ClientError as error:
            raise self._refused(error) from error

    def put_item(
        self, client: "DynamoDBClient", request: "PutItemInputTypeDef"
    ) -> "PutItemOutputTypeDef":
        """Replaces a DynamoDB item unless somebody with a later token has written to it.

        Args:
            client: The client.
            request: Parameters of PutItem, without the fence.

        Raises:
            LeaseLostError: If the item has seen a later token. Nothing was written.
            ConditionFailedError: If the request's own condition failed. Nothing was written.
            botocore.exceptions.ClientError: If DynamoDB refuses for another reason.
        """
        try:
            return client.put_item(**self.guard_put(request))
        except ClientError as error:
            raise self._refused(error) from error

    async def update_item_async(
        self, client: "AsyncDynamoDBClient", request: "UpdateItemInputTypeDef"
    ) -> "AsyncUpdateItemOutputTypeDef":
        """As :meth:`update_item`, for asyncio.

        Args:
            client: An entered client.
            request: Parameters of UpdateItem, without the fence.

        Raises:
            LeaseLostError: If the item has seen a later token. Nothing was written.
            ConditionFailedError: If the request's own condition failed. Nothing was written.
            botocore.exceptions.ClientError: If DynamoDB refuses for another reason.
        """
        try:
            return await client.update_item(**self.guard_update(request))
        except ClientError as error:
            raise self._refused(error) from error

    async def put_item_async(
        self, client: "AsyncDynamoDBClient", request: "PutItemInputTypeDef"
    ) -> "AsyncPutItemOutputTypeDef":
        """As :meth:`put_item`, for asyncio.

        Args:
            client: An entered client.
            request: Parameters of PutItem, without the fence.

        Raises:
            LeaseLostError: If the item has seen a later token. Nothing was written.
            ConditionFailedError: If the request's own condition failed. Nothing was written.
            botocore.exceptions.ClientError: If DynamoDB refuses for another reason.
        """
        try:
            return await client.put_item(**self.guard_put(request))
        except ClientError as error:
            raise self._refused(error) from error

    def guard_update(self, request: "UpdateItemInputTypeDef") -> "UpdateItemInputTypeDef":
        """The same update, with the fence in its condition and in what it sets.

        Args:
            request: Parameters of UpdateItem. Returned changed, left unchanged.
        """
        guarded = request.copy()
        guarded["UpdateExpression"] = with_assignment(
            request.get("UpdateExpression"), f"{_NAME} = {_PLACEHOLDER}"
        )
        guarded["ConditionExpression"] = self._expression(request.get("ConditionExpression"))
        guarded["ExpressionAttributeNames"] = self._names(request.get("ExpressionAttributeNames"))
        guarded["ExpressionAttributeValues"] = {
            **request.get("ExpressionAttributeValues", {}),
            _PLACEHOLDER: {"N": str(self.token)},
        }
        guarded["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
        return guarded

    def guard_put(self, request: "PutItemInputTypeDef") -> "PutItemInputTypeDef":
        """The same put, with the fence in its condition and in its item.

        Args:
            request: Parameters of PutItem. Returned changed, left unchanged.
        """
        guarded = request.copy()
        guarded["Item"] = {**request["Item"], self.attribute: {"N": str(self.token)}}
        guarded["ConditionExpression"] = self._expression(request.get("ConditionExpression"))
        guarded["ExpressionAttributeNames"] = self._names(request.get("ExpressionAttributeNames"))
        guarded["ExpressionAttributeValues"] = {
            **request.get("ExpressionAttributeValues", {}),
            _PLACEHOLDER: {"N": str(self.token)},
        }
        guarded["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
        return guarded

    def guard(self, request: Put | Update) -> Put | Update:
        """The same write to a conditional store, with the fence in it.

        Args:
            request: The write, without the fence.
        """
        when = AllOf((self.condition, request.when))
        if isinstance(request, Put):
            item = {**request.item, self.attribute: self.token}
            return Put(key=request.key, when=when, item=item)
        if self.attribute in request.add or self.attribute in request.remove:
            raise ConfigurationError(
                f"The update adds to {self.attribute} or removes it, which only the fence may "
                "write. Name another attribute, or give the fence another."
            )
        assign = {**request.assign, self.attribute: self.token}
        return Update(
            key=request.key, when=when, assign=assign, add=request.add, remove=request.remove
        )

    @property
    def condition(self) -> Condition:
        """What must be true of an item for a writer with this token to change it."""
        return AnyOf((Absent(self.attribute), AtMost(self.attribute, self.token)))

    def _expression(self, condition: str | None) -> str:
        return conjunction(f"attribute_not_exists({_NAME}) OR {_NAME} <= {_PLACEHOLDER}", condition)

    def _names(self, names: "Mapping[str, str] | None") -> dict[str, str]:
        if names and _NAME in names:
            raise ConfigurationError(
                f"The request has a fence already, on attribute {names[_NAME]}. Give each write "
                "one fence."
            )
        return {**(names or {}), _NAME: self.attribute}

    def _refused(self, error: ClientError) -> Exception:
        if error_code(error) != CONDITION_FAILED:
            return error
        # botocore adds members of the modelled error to the response; its stubs do not know them.
        item = cast("Mapping[str, Mapping[str, str]]", error.response.get("Item", {}))
        seen = int(item.get(self.attribute, {}).get("N", "0"))
        if seen > self.token:
            return LeaseLostError(
                f"The item has been written with token {seen}; this writer's is {self.token}, of "
                "an earlier term. Stop the work of that term: its lease is lost."
            )
        return ConditionFailedError(
            "The item is not what the request's own condition says, so nothing was written. Read "
            "it again before deciding anew."
        )
