"""What cloudsplaining calls dangerous, beside what the rules find.

parliament would be a third opinion; it needs ``pkg_resources``, which setuptools no longer has.
"""

import json
from typing import Any

import pytest
from cloudsplaining.scan.policy_document import PolicyDocument
from cloudsplaining.shared import constants

from policies.checklist.identity.judging import judged
from tests.policies.changes import agents_may
from tests.policies.shipped import STACKS, graph_of
from tests.policies.specs import guard_statement, stack_of, use_statement

_EXPOSING = (
    *constants.ACTIONS_THAT_RETURN_CREDENTIALS,
    *constants.READ_ONLY_DATA_EXFILTRATION_ACTIONS,
)
# A token to pull images with: whoever starts agents needs one.
_PULLING = {"ecr:getauthorizationtoken", "ecr-public:getauthorizationtoken"}
_ESCALATING = constants.PRIVILEGE_ESCALATION_METHODS


def _found(*actions: str) -> list[str]:
    """Rules that find something where agents may do some actions everywhere."""
    statement = {"Effect": "Allow", "Action": [*actions], "Resource": "*"}
    return [*judged(stack_of(agents_may(use_statement(), guard_statement(), statement)))]


@pytest.mark.parametrize("method", sorted(_ESCALATING))
def test_every_way_to_more_permissions_that_others_know_is_found(method: str) -> None:
    assert _found(*_ESCALATING[method])


@pytest.mark.parametrize("action", sorted(set(_EXPOSING) - _PULLING))
def test_whatever_others_say_gives_data_or_credentials_away_is_found(action: str) -> None:
    assert _found(action)


@pytest.mark.slow
@pytest.mark.parametrize("stack", STACKS)
def test_others_find_nothing_in_the_policies_of_a_shipped_stack(stack: str) -> None:
    for node in graph_of(stack).of_type("aws:iam/rolePolicy:RolePolicy"):
        document: dict[str, Any] = json.loads(str(node.inputs["policy"]))
        opinion = PolicyDocument(document)
        assert not opinion.allows_privilege_escalation
        assert not opinion.allows_data_exfiltration_actions
        assert not opinion.permissions_management_without_constraints
        assert not opinion.credentials_exposure
        assert not opinion.infrastructure_modification
        assert not opinion.service_wildcard
