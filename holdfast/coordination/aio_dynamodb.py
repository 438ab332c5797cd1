"""The DynamoDB store for asyncio; needs ``holdfast[aio]``."""

from holdfast.coordination.stores.aio_dynamodb import (
    AsyncDynamoDbStore,
    async_dynamodb_client,
)

__all__ = [
    "AsyncDynamoDbStore",
    "async_dynamodb_client",
]
