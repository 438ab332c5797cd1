"""Requests and replies as DynamoDB puts them. Pure: shared by the sync and async adapters."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, cast

from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    LoginError,
    NoCredentialsError,
    ParamValidationError,
    PartialCredentialsError,
    SSOError,
)

from holdfast.contract import Consistency, Table
from holdfast.coordination.stores.store import (
    Absent,
    AllOf,
    Always,
    AnyOf,
    AtMost,
    Condition,
    Delete,
    Equals,
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
        AttributeValueTypeDef,
        DeleteItemInputTypeDef,
        DescribeTableOutputTypeDef,
        GetItemInputTypeDef,
        PutItemInputTypeDef,
        UpdateItemInputTypeDef,
    )

CONDITION_FAILED = "ConditionalCheckFailedException"
# What botocore's legacy mode does for DynamoDB when nobody says otherwise.
_LEGACY_RETRIES = 9
_NOT_PERMITTED = frozenset({"AccessDeniedException", "UnauthorizedOperation"})

# Refused before anything was written, and worth another try.
_PASSING = frozenset(
    {
        "ReplicatedWriteConflictException",
        "TransactionConflictException",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "ThrottlingException",
    }
)
_INVALID = "ValidationException"
# No repetition will help until somebody changes something. Some are answers of the security token
# service, which a client asks for credentials first.
_FINAL = frozenset(
    {
        "AccessDenied",
        "AccessDeniedException",
        "ExpiredToken",
        "ExpiredTokenException",
        "InvalidClientTokenId",
        "InvalidIdentityToken",
        "InvalidSignatureException",
        "MissingAuthenticationTokenException",
        "ResourceNotFoundException",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
        _INVALID,
    }
)
_NO_CREDENTIALS = (NoCredentialsError, PartialCredentialsError, SSOError, LoginError)


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
            "Key": {self._key: _encode_value(request.key)},
            "ConsistentRead": True,
        }

    def put(self, request: Put) -> "PutItemInputTypeDef":
        """Parameters of PutItem.

        Args:
            request: The request.

        Raises:
            ConfigurationError: If the item has an attribute named as the table's key.
        """
        if self._key in request.item:
            raise ConfigurationError(
                f"Item {request.key} has an attribute {self._key}, which is the key of table "
                f"{self.table_name} and would move the item. Name the attribute otherwise."
            )
        names = _Names()
        expression = _condition(request.when, names)
        parameters: PutItemInputTypeDef = {
            "TableName": self._table.name,
            "Item": {self._key: _encode_value(request.key), **_encode(request.item)},
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }
        if expression:
            parameters["ConditionExpression"] = expression
            parameters["ExpressionAttributeNames"] = names.names
        if names.values:
            parameters["ExpressionAttributeValues"] = names.values
        return parameters

    def update(self, request: Update) -> "UpdateItemInputTypeDef":
        """Parameters of UpdateItem.

        Args:
            request: The request.
        """
        names = _Names()
        expression = _condition(request.when, names)
        sets = [f"{names.name(k)} = {names.value(v)}" for k, v in request.assign.items()]
        adds = [f"{names.name(k)} {names.value(v)}" for k, v in request.add.items()]
        removes = [names.name(k) for k in request.remove]
        clauses = {"SET": sets, "ADD": adds, "REMOVE": removes}
        parameters: UpdateItemInputTypeDef = {
            "TableName": self._table.name,
            "Key": {self._key: _encode_value(request.key)},
            "ReturnValues": "ALL_NEW",
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }
        # DynamoDB refuses an expression, and names, that are there and empty.
        if changes := [f"{word} {', '.join(parts)}" for word, parts in clauses.items() if parts]:
            parameters["UpdateExpression"] = " ".join(changes)
        if expression:
            parameters["ConditionExpression"] = expression
        if names.names:
            parameters["ExpressionAttributeNames"] = names.names
        if names.values:
            parameters["ExpressionAttributeValues"] = names.values
        return parameters

    def delete(self, request: Delete) -> "DeleteItemInputTypeDef":
        """Parameters of DeleteItem.

        Args:
            request: The request.
        """
        names = _Names()
        expression = _condition(request.when, names)
        parameters: DeleteItemInputTypeDef = {
            "TableName": self._table.name,
            "Key": {self._key: _encode_value(request.key)},
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }
        if expression:
            parameters["ConditionExpression"] = expression
            parameters["ExpressionAttributeNames"] = names.names
        if names.values:
            parameters["ExpressionAttributeValues"] = names.values
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
        if isinstance(error, _NO_CREDENTIALS):
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
        if code in _PASSING:
            return Reply(Outcome.RETRY, reason=str(error))
        if code in _FINAL:
            check = "its name, the region, the credentials and the permissions of this process"
            if code == _INVALID:
                check = (
                    "the key (2,048 bytes at most), the size of the item (400 KB at most, names "
                    "included) and key_attribute"
                )
            raise ConfigurationError(
                f"Table {self.table_name} refuses requests ({error}). Check {check}."
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
        if code in _NOT_PERMITTED:
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

    def _decode(self, attributes: Mapping[str, object] | None) -> Item | None:
        if attributes is None:
            return None
        return {
            name: _decode_value(name, cast("Mapping[str, object]", value))
            for name, value in attributes.items()
            if name != self._key
        }


def error_code(error: ClientError) -> str:
    """What DynamoDB calls an error, such as ``ThrottlingException``.

    Args:
        error: The error.
    """
    return error.response.get("Error", {}).get("Code", "")


class _Names:
    """Placeholders, so that no attribute's name can be a reserved word."""

    def __init__(self) -> None:
        self.names: dict[str, str] = {}
        self.values: dict[str, AttributeValueTypeDef] = {}

    def name(self, attribute: str) -> str:
        for placeholder, known in self.names.items():
            if known == attribute:
                return placeholder
        placeholder = f"#n{len(self.names)}"
        self.names[placeholder] = attribute
        return placeholder

    def value(self, value: Value) -> str:
        placeholder = f":v{len(self.values)}"
        self.values[placeholder] = _encode_value(value)
        return placeholder


def _condition(condition: Condition, names: _Names) -> str:
    """The expression of a condition; empty where it always holds."""
    needed = _needed(condition)
    return "" if isinstance(needed, Always) else _expression(needed, names)


def _needed(condition: Condition) -> Condition:
    """The same condition without parts that always hold, for which DynamoDB has no expression."""
    match condition:
        case AllOf(conditions):
            parts = tuple(map(_needed, conditions))
            kept = tuple(part for part in parts if not isinstance(part, Always))
            return AllOf(kept) if kept else Always()
        case AnyOf(conditions):
            parts = tuple(map(_needed, conditions))
            return Always() if any(isinstance(part, Always) for part in parts) else AnyOf(parts)
        case _:
            return condition


def _expression(condition: Condition, names: _Names) -> str:
    match condition:
        case Always():
            return ""
        case Absent(attribute):
            return f"attribute_not_exists({names.name(attribute)})"
        case Equals(attribute, value):
            return f"{names.name(attribute)} = {names.value(value)}"
        case AtMost(attribute, bound):
            return f"{names.name(attribute)} <= {names.value(bound)}"
        case AllOf(conditions):
            return "(" + " AND ".join(_expression(each, names) for each in conditions) + ")"
        case AnyOf(conditions):
            return "(" + " OR ".join(_expression(each, names) for each in conditions) + ")"


def _encode(item: Item) -> "dict[str, AttributeValueTypeDef]":
    return {name: _encode_value(value) for name, value in item.items()}


def _encode_value(value: Value) -> "AttributeValueTypeDef":
    match value:
        case bool():
            return {"BOOL": value}
        case int():
            return {"N": str(value)}
        case str():
            return {"S": _utf8(value)}
        case bytes():
            return {"B": value}


def _utf8(text: str) -> str:
    """The same text. DynamoDB has no answer that says what is wrong with any other."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ConfigurationError(
            f"A text holds half a surrogate pair, {text[error.start]!r}, at {error.start}, which "
            "DynamoDB cannot store. Leave it out, or store bytes."
        ) from error
    return text


def _decode_value(name: str, encoded: Mapping[str, object]) -> Value:
    match encoded:
        case {"BOOL": bool(value)} | {"S": str(value)} | {"B": bytes(value)}:
            return value
        case {"N": str(digits)} if digits.removeprefix("-").isdecimal():
            return int(digits)
        case _:
            raise ConfigurationError(
                f"Attribute {name} holds {encoded!r}; records of this store hold text, whole "
                "numbers, booleans and bytes. Keep other items in another table."
            )
