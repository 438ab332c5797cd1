"""Who may act: leases, elections and the fence, over one conditional store.

:class:`Election` for work that one process at a time must do, :class:`Lock` for a short piece of
it; either way, pass ``lease.token`` to a :class:`Fence` with every write of that work.
:class:`LeaseObserver` for processes that only want to know who leads. :class:`VersionedState` for
records that several change by what is there, :class:`Once` for events that may be delivered twice.
Each has its ``Async`` twin.

Beside this module six others are public: ``store`` has the conditions of a write, ``program`` the
protocols that users write, ``reconcile`` the views that it compares. What needs an extra to be
imported stands in its own: ``aio_dynamodb`` (``holdfast[aio]``), ``postgresql`` and
``listing_postgresql`` (``holdfast[postgresql]``). All else lies in five rooms: ``stores``,
``drivers`` and ``leases``, each on the one before, then ``records`` and ``home`` on those.
"""

from holdfast.coordination.drivers.clock import Clock, SystemClock
from holdfast.coordination.drivers.timing import LeaseTiming
from holdfast.coordination.home.home import AsyncHomeStore, HomeStore, move_home, move_home_async
from holdfast.coordination.leases.aio_election import AsyncElection, Leadership
from holdfast.coordination.leases.aio_lock import AsyncLock
from holdfast.coordination.leases.aio_partitions import AsyncPartitions
from holdfast.coordination.leases.election import Election
from holdfast.coordination.leases.fence import Fence
from holdfast.coordination.leases.health import Health, LeaseEvent
from holdfast.coordination.leases.lease import Lease
from holdfast.coordination.leases.lease_core import LeaseCore, StopReason
from holdfast.coordination.leases.lock import Lock
from holdfast.coordination.leases.metrics import CoordinationMetrics
from holdfast.coordination.leases.observer import AsyncLeaseObserver, LeaseObserver
from holdfast.coordination.leases.observer_core import Sighting, Standing
from holdfast.coordination.leases.partitions import Partitions

# From its public module: whoever imported that later would put it in this function's place.
from holdfast.coordination.reconcile import (
    AsyncView,
    Drift,
    Report,
    View,
    reconcile,
    reconcile_async,
)
from holdfast.coordination.records.aio_idempotency import AsyncOnce
from holdfast.coordination.records.deliveries import (
    KafkaMessage,
    SqsAnswer,
    SqsRecord,
    handle_kafka,
    handle_kafka_async,
    handle_sqs,
    handle_sqs_async,
)
from holdfast.coordination.records.idempotency import Once
from holdfast.coordination.records.outbox import AsyncOutbox, Message, Outbox, Outgoing, Relayed
from holdfast.coordination.records.reconcile_job import (
    AsyncReconciliationJob,
    Checkpoint,
    ReconciliationJob,
)
from holdfast.coordination.records.sweep import Swept, sweep_events, sweep_events_async
from holdfast.coordination.records.versioned import AsyncVersionedState, VersionedState
from holdfast.coordination.records.versioned_core import Retry, Schema
from holdfast.coordination.stores.dynamodb import DynamoDbStore, dynamodb_client
from holdfast.coordination.stores.listing_dynamodb import AsyncDynamoDbListing, DynamoDbListing
from holdfast.coordination.stores.memory import AsyncMemoryStore, MemoryStore
from holdfast.coordination.stores.store import (
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
