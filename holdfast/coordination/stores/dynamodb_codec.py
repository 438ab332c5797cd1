"""Requests and replies as DynamoDB puts them. Pure: shared by the sync and async adapters."""

from collections.abc import Collection, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, cast

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError

from holdfast.contract import Consistency, Table
from holdfast.coordination.stores.dynamodb_errors import (
    CONDITION_FAILED,
    FINAL,
    NO_CREDENTIALS,
    NOT_PERMITTED,
    PASSING,
    error_code,
    what_to_check,
)
from holdfast.coordination.stores.dynamodb_expression import Expressions, encode, encode_value
from holdfast.coordination.stores.store import (
    Delete,
    Get,
    Item,
    Outcome,
    Put,
    Reply,
    Update,
    Value,
)
from holdfast.errors import ConfigurationError, StoreUnavailableError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import (
        DeleteItemInputTypeDef,
        DescribeTableOutputTypeDef,
        GetItemInputTypeDef,
        PutItemInputTypeDef,
        UpdateItemInputTypeDef,
    )

# What botocore's legacy mode does for DynamoDB when nobody says otherwise.
_LEGACY_RETRIES = 9


class Codec:
    """Translates for one table.

    Args:
        table: The table, as the contract describes it.
        key_attribute: Its partition key.

    Raises:
        ConfigurationError: If the table's last writer wins.
    """

    def __init__(self, table: Table, key_attribute: str) -> None:
        if table.consistency is not Consistency.STRONG:
            raise ConfigurationError(
                f"Table {table.name} is {table.consistency} (last writer wins), so two regions can "
                "each grant the same lease. Use a strongly consistent table, such as the "
                "jurisdiction's `coordination`."
            )
        self._table = table
        self._key = key_attribute

    @property
    def table_name(self) -> str:
        """Physical name of the table."""
        return self._table.name

    def get(self, request: Get) -> "GetItemInputTypeDef":
        """Parameters of GetItem.

        Args:
            request: The request.
        """
        return {
            "TableName": self._table.name,
            "Key": {self._key: encode_value(request.key)},
            "ConsistentRead": True,
        }

    def put(self, request: Put) -> "PutItemInputTypeDef":
        """Parameters of PutItem.

        Args:
            request: The request.

        Raises:
            ConfigurationError: If the item has an attribute named as the table's key.
        """
        self._keep_key_out(request.key, request.item)
        expressions = Expressions(self._key)
        parameters: PutItemInputTypeDef = {
            "TableName": self._table.name,
            "Item": {self._key: encode_value(request.key), **encode(request.item)},
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }
        if condition := expressions.condition(request.when):
            parameters["ConditionExpression"] = condition
            parameters["ExpressionAttributeNames"] = expressions.names
        if expressions.values:
            parameters["ExpressionAttributeValues"] = expressions.values
        return parameters

    def update(self, request: Update) -> "UpdateItemInputTypeDef":
        """Parameters of UpdateItem.

        Args:
            request: The request.

        Raises:
            ConfigurationError: If it would change the table's key.
        """
        self._keep_key_out(request.key, (*request.assign, *request.add, *request.remove))
        expressions = Expressions(self._key)
        parameters: UpdateItemInputTypeDef = {
            "TableName": self._table.name,
            "Key": {self._key: encode_value(request.key)},
            "ReturnValues": "ALL_NEW",
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }
        # DynamoDB refuses an expression, and names, that are there and empty.
        if condition := expressions.condition(request.when):
            parameters["ConditionExpression"] = condition
        if changes := expressions.changes(request):
            parameters["UpdateExpression"] = changes
        if expressions.names:
            parameters["ExpressionAttributeNames"] = expressions.names
        if expressions.values:
            parameters["ExpressionAttributeValues"] = expressions.values
        return parameters

    def delete(self, request: Delete) -> "DeleteItemInputTypeDef":
        """Parameters of DeleteItem.

        Args:
            request: The request.
        """
        expressions = Expressions(self._key)
        parameters: DeleteItemInputTypeDef = {
            "TableName": self._table.name,
            "Key": {self._key: encode_value(request.key)},
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }
        if condition := expressions.condition(request.when):
            parameters["ConditionExpression"] = condition
            parameters["ExpressionAttributeNames"] = expressions.names
        if expressions.values:
            parameters["ExpressionAttributeValues"] = expressions.values
        return parameters

    def applied(self, attributes: Mapping[str, object] | None) -> Reply:
        """The reply to a request that was carried out.

        Args:
            attributes: The item as it now is, in DynamoDB's form, key included; None if gone.
        """
        return Reply(Outcome.APPLIED, self._decode(attributes))

    def written(self, request: Put) -> Reply:
        """The reply to a Put that was carried out; DynamoDB returns no new item for it.

        Args:
            request: The request.
        """
        return Reply(Outcome.APPLIED, dict(request.item))

    def failed(self, error: BotoCoreError | ClientError) -> Reply:
        """The reply to a request that ended in an exception.

        Args:
            error: What the client raised.

        Raises:
            ConfigurationError: If the request can never succeed.
        """
        if isinstance(error, ParamValidationError):
            raise ConfigurationError(
                f"A request to table {self.table_name} is malformed: {error}"
            ) from error
        if isinstance(error, NO_CREDENTIALS):
            raise ConfigurationError(
                f"Table {self.table_name} cannot be asked without credentials ({error}). Give this "
                "process a role, or sign in."
            ) from error
        if not isinstance(error, ClientError):
            return Reply(Outcome.UNKNOWN, reason=f"{type(error).__name__}: {error}")
        code = error_code(error)
        if code == CONDITION_FAILED:
            old = cast("Mapping[str, object] | None", error.response.get("Item"))
            return Reply(Outcome.REFUSED, self._decode(old))
        if code in PASSING:
            return Reply(Outcome.RETRY, reason=str(error))
        if code in FINAL:
            raise ConfigurationError(
                f"Table {self.table_name} refuses requests ({error}). Check {what_to_check(error)}."
            ) from error
        return Reply(Outcome.UNKNOWN, reason=str(error))

    def not_described(self, error: BotoCoreError | ClientError, region: str) -> None:
        """Takes the contract's word where describing the table is not permitted.

        Args:
            error: What the client raised.
            region: Where it asked.

        Raises:
            ConfigurationError: If the table does not exist, or the credentials are wrong.
            StoreUnavailableError: If it cannot be reached.
        """
        code = error_code(error) if isinstance(error, ClientError) else ""
        if code in NOT_PERMITTED:
            return
        if code == "ResourceNotFoundException":
            raise ConfigurationError(
                f"Table {self.table_name} does not exist in {region}. Deploy the stack, or load "
                "its contract."
            ) from error
        self.failed(error)
        raise StoreUnavailableError(
            f"Table {self.table_name} could not be described: {error}."
        ) from error

    def check_attempts(self, config: Config) -> None:
        """Refuses a client that repeats requests by itself.

        Args:
            config: The client's configuration.

        Raises:
            ConfigurationError: If it makes more than one attempt per request: a late repetition
                is a write that nobody expects any more.
        """
        # Config takes its options by name at run time; its stubs do not list them as attributes.
        retries = cast("Mapping[str, int | str] | None", getattr(config, "retries", None))
        options = retries or {}
        total = options.get("total_max_attempts")
        attempts = (
            1 + int(options.get("max_attempts", _LEGACY_RETRIES)) if total is None else int(total)
        )
        if attempts != 1:
            raise ConfigurationError(
                f"The DynamoDB client for table {self.table_name} makes up to {attempts} attempts "
                "per request; it must make 1, because the protocols repeat requests themselves. "
                "Make it with holdfast.coordination.dynamodb_client(), or for asyncio with "
                "holdfast.coordination.aio_dynamodb.async_dynamodb_client()."
            )

    def check_description(self, answer: "DescribeTableOutputTypeDef") -> None:
        """Refuses a table that is deployed otherwise than the contract says.

        Args:
            answer: What DescribeTable returned.

        Raises:
            ConfigurationError: If the table's last writer wins, or its key is another.
        """
        table = answer["Table"]
        mode = table.get("MultiRegionConsistency", "EVENTUAL")
        replicas = sorted(replica.get("RegionName", "?") for replica in table.get("Replicas", []))
        if replicas and mode != "STRONG":
            raise ConfigurationError(
                f"Table {self.table_name} is replicated to {', '.join(replicas)} with consistency "
                f"{mode}, so two regions can each grant the same lease. It must be STRONG, which "
                "can only be chosen while a table is empty and has no replicas: make a new one."
            )
        key = [(part["AttributeName"], part["KeyType"]) for part in table.get("KeySchema", [])]
        if key != [(self._key, "HASH")]:
            raise ConfigurationError(
                f"Table {self.table_name} has the key {key}; it must be {self._key} (HASH) alone. "
                "Pass the table's partition key as key_attribute."
            )

    def _keep_key_out(self, key: str, names: Collection[str]) -> None:
        if self._key in names:
            raise ConfigurationError(
                f"Item {key} has an attribute {self._key}, which is the key of table "
                f"{self.table_name} and would move the item. Name the attribute otherwise."
            )

    def _decode(self, attributes: Mapping[str, object] | None) -> Item | None:
        if attributes is None:
            return None
        return {
            name: _decode_value(name, cast("Mapping[str, object]", value))
            for name, value in attributes.items()
            if name != self._key
        }


def _decode_value(name: str, encoded: Mapping[str, object]) -> Value:
    match encoded:
        case {"BOOL": bool(value)} | {"S": str(value)} | {"B": bytes(value)}:
            return value
        # Large numbers may come back as 1E+40.
        case {"N": str(digits)} if (given := Decimal(digits)) == given.to_integral_value():
            return int(given)
        case _:
            raise ConfigurationError(
                f"Attribute {name} holds {encoded!r}; records of this store hold text, whole "
                "numbers, booleans and bytes. Keep other items in another table."
            )
