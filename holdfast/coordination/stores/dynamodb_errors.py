"""What DynamoDB's errors mean for a request, and what of it is to be changed."""

from botocore.exceptions import (
    ClientError,
    LoginError,
    NoCredentialsError,
    PartialCredentialsError,
    SSOError,
)

CONDITION_FAILED = "ConditionalCheckFailedException"
NO_CREDENTIALS = (NoCredentialsError, PartialCredentialsError, SSOError, LoginError)
NOT_PERMITTED = frozenset({"AccessDeniedException", "UnauthorizedOperation"})

PASSING = frozenset(
    {
        "ReplicatedWriteConflictException",
        "TransactionConflictException",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "ThrottlingException",
    }
)
"""Refused before anything was written, and worth another try."""

_INVALID = "ValidationException"
FINAL = frozenset(
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
"""No repetition will help until somebody changes something. Some are answers of the security token
service, which a client asks for credentials first."""

# Words of DynamoDB's, and what to look at where an answer holds some of them. The service words
# some answers otherwise than DynamoDB Local does.
_CAUSES = (
    (
        ("Invalid ConditionExpression", "Invalid FilterExpression"),
        "the condition, of which 4,096 bytes and 300 operators are taken at most",
    ),
    (
        ("Invalid UpdateExpression",),
        "the changes of the update, of which 4,096 bytes are taken at most",
    ),
    (
        ("empty string value", "key values must be under", "Size of hashkey"),
        "the key: 1 to 2,048 bytes of UTF-8",
    ),
    (
        ("required keys", "does not match the schema", "Missing the key", "part of the key"),
        "key_attribute: it must name the table's partition key, and no attribute of an item",
    ),
    (("Type mismatch for key",), "the table's partition key: its type must be S"),
    (("Item size",), "the size of the item: 400 KB at most, names included"),
    (
        ("digits", "Number overflow"),
        "the numbers: 38 significant digits at most, and less than 10 to the power of 126",
    ),
    (
        ("incorrect data type",),
        "the attributes that are added to: what stands in the item is no number",
    ),
    (
        ("attribute name", "Attribute name"),
        "the names of attributes: 1 to 65,535 bytes of UTF-8",
    ),
)


def error_code(error: ClientError) -> str:
    """What DynamoDB calls an error, such as ``ThrottlingException``.

    Args:
        error: The error.
    """
    return error.response.get("Error", {}).get("Code", "")


def what_to_check(error: ClientError) -> str:
    """What must be changed before a request that was refused for good can succeed.

    Args:
        error: An error whose code is in ``FINAL``.
    """
    if error_code(error) != _INVALID:
        return "its name, the region, the credentials and the permissions of this process"
    message = error.response.get("Error", {}).get("Message", "")
    for words, check in _CAUSES:
        if any(each in message for each in words):
            return check
    return "what DynamoDB names in its answer"
