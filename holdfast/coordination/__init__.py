"""Who may act: leases, elections and the fence, over one conditional store.

:class:`Election` for work that one process at a time must do, :class:`Lock` for a short piece of
it; either way, pass ``lease.token`` to a :class:`Fence` with every write of that work.
:class:`LeaseObserver` for processes that only want to know who leads. :class:`VersionedState` for
records that several change by what is there, :class:`Once` for events that may be delivered twice.
Each has its ``Async`` twin.

What needs an extra to be imported stands in its own module: ``aio_dynamodb`` (``holdfast[aio]``),
``postgresql`` and ``listing_postgresql`` (``holdfast[postgresql]``).
"""

from holdfast.coordination.aio_election import AsyncElection, Leadership
from holdfast.coordination.aio_idempotency import AsyncOnce
from holdfast.coordination.aio_lock import AsyncLock
from holdfast.coordination.aio_partitions import AsyncPartitions
from holdfast.coordination.clock import Clock, SystemClock
from holdfast.coordination.deliveries import (
    KafkaMessage,
    SqsAnswer,
    SqsRecord,
    handle_kafka,
    handle_kafka_async,
    handle_sqs,
    handle_sqs_async,
)
from holdfast.coordination.dynamodb import DynamoDbStore, dynamodb_client
from holdfast.coordination.election import Election
from holdfast.coordination.fence import Fence
from holdfast.coordination.health import Health, LeaseEvent
from holdfast.coordination.home import AsyncHomeStore, HomeStore, move_home, move_home_async
from holdfast.coordination.idempotency import Once
from holdfast.coordination.lease import Lease
from holdfast.coordination.lease_core import LeaseCore, StopReason
from holdfast.coordination.listing_dynamodb import AsyncDynamoDbListing, DynamoDbListing
from holdfast.coordination.lock import Lock
from holdfast.coordination.memory import AsyncMemoryStore, MemoryStore
from holdfast.coordination.metrics import CoordinationMetrics
from holdfast.coordination.observer import AsyncLeaseObserver, LeaseObserver
from holdfast.coordination.observer_core import Sighting, Standing
from holdfast.coordination.outbox import AsyncOutbox, Message, Outbox, Outgoing, Relayed
from holdfast.coordination.partitions import Partitions
from holdfast.coordination.reconcile import (
    AsyncView,
    Drift,
    Report,
    View,
    reconcile,
    reconcile_async,
)
from holdfast.coordination.reconcile_job import (
    AsyncReconciliationJob,
    Checkpoint,
    ReconciliationJob,
)
from holdfast.coordination.store import (
    AsyncConditionalStore,
    ConditionalStore,
    Delete,
    Get,
    Item,
    Outcome,
    Put,
    Reply,
    Request,
    Update,
    Value,
)
from holdfast.coordination.sweep import Swept, sweep_events, sweep_events_async
from holdfast.coordination.timing import LeaseTiming
from holdfast.coordination.versioned import AsyncVersionedState, VersionedState
from holdfast.coordination.versioned_core import Retry, Schema

__all__ = [
    "AsyncConditionalStore",
    "AsyncDynamoDbListing",
    "AsyncElection",
    "AsyncHomeStore",
    "AsyncLeaseObserver",
    "AsyncLock",
    "AsyncMemoryStore",
    "AsyncOnce",
    "AsyncOutbox",
    "AsyncPartitions",
    "AsyncReconciliationJob",
    "AsyncVersionedState",
    "AsyncView",
    "Checkpoint",
    "Clock",
    "ConditionalStore",
    "CoordinationMetrics",
    "Delete",
    "Drift",
    "DynamoDbListing",
    "DynamoDbStore",
    "Election",
    "Fence",
    "Get",
    "Health",
    "HomeStore",
    "Item",
    "KafkaMessage",
    "Leadership",
    "Lease",
    "LeaseCore",
    "LeaseEvent",
    "LeaseObserver",
    "LeaseTiming",
    "Lock",
    "MemoryStore",
    "Message",
    "Once",
    "Outbox",
    "Outcome",
    "Outgoing",
    "Partitions",
    "Put",
    "ReconciliationJob",
    "Relayed",
    "Reply",
    "Report",
    "Request",
    "Retry",
    "Schema",
    "Sighting",
    "SqsAnswer",
    "SqsRecord",
    "Standing",
    "StopReason",
    "Swept",
    "SystemClock",
    "Update",
    "Value",
    "VersionedState",
    "View",
    "dynamodb_client",
    "handle_kafka",
    "handle_kafka_async",
    "handle_sqs",
    "handle_sqs_async",
    "move_home",
    "move_home_async",
    "reconcile",
    "reconcile_async",
    "sweep_events",
    "sweep_events_async",
]
