"""What resources say themselves of who may use them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from policies.core.kinds import BUCKET, KEY, REPLICA_KEY, TOPIC
from policies.core.properties import Undetermined
from policies.core.subjects import Resource, Stack
from policies.iam.account import Document
from policies.iam.documents import statements
from policies.iam.resources import QUEUE

BUCKET_POLICY: Final = "aws:s3/bucketPolicy:BucketPolicy"
QUEUE_POLICY: Final = "aws:sqs/queuePolicy:QueuePolicy"

PLACES: Final[Mapping[str, tuple[str, str]]] = {
    KEY: ("", KEY),
    REPLICA_KEY: ("", REPLICA_KEY),
    TOPIC: ("", TOPIC),
    BUCKET_POLICY: ("bucket", BUCKET),
    QUEUE_POLICY: ("queueUrl", QUEUE),
}
"""Types that have a policy, with the property that names its subject and the subject's type.

What else has one is refused by its type, so that nobody's access stands in two places.
"""


@dataclass(frozen=True, kw_only=True)
class ResourcePolicies:
    """All policies of a stack's resources.

    Attributes:
        documents: Those that can be read.
        unknown: Those that cannot: the resource, and the path.
    """

    documents: tuple[Document, ...]
    unknown: tuple[tuple[Resource, str], ...]

    def of(self, subjects: Sequence[Resource]) -> tuple[Document, ...]:
        """The policies of some resources."""
        return tuple(one for one in self.documents if one.subject in subjects)


@lru_cache(maxsize=2)
def resource_policies(stack: Stack) -> ResourcePolicies:
    """The policies of a stack's resources, gathered once for all rules."""
    documents: list[Document] = []
    unknown: list[tuple[Resource, str]] = []
    for resource in stack.of_type(*PLACES):
        if not resource.properties.is_given("policy"):
            continue
        try:
            said = statements(resource.properties, "policy")
        except Undetermined as missing:
            unknown.append((resource, missing.path))
            continue
        documents += [
            Document(resource=resource, at="policy", statements=said, subject=subject)
            for subject in _subjects(resource, stack)
        ]
    return ResourcePolicies(documents=tuple(documents), unknown=tuple(unknown))


def _subjects(resource: Resource, stack: Stack) -> tuple[Resource, ...]:
    names, kind = PLACES[resource.type]
    if not names:
        return (resource,)
    try:
        return stack.targets(resource, names, kind) or (resource,)
    except Undetermined:
        return (resource,)
