"""The gate: every harmful edit is found by its rule, where it is; the shipped stacks are clean."""

import re
from fnmatch import fnmatchcase

import pytest

from tests.policies.edits.adversary import ADVERSARY_EDITS
from tests.policies.edits.alarms import ALARM_EDITS
from tests.policies.edits.contract import CONTRACT_EDITS
from tests.policies.edits.data import DATA_EDITS
from tests.policies.edits.dns import DNS_EDITS
from tests.policies.edits.iam import IAM_EDITS
from tests.policies.edits.items import ITEM_EDITS
from tests.policies.edits.network import NETWORK_EDITS
from tests.policies.edits.residency import RESIDENCY_EDITS
from tests.policies.edits.world import WORLD_EDITS
from tests.policies.shipped import STACKS, Harm, findings, graph_of

HARMS: tuple[Harm, ...] = (
    *ADVERSARY_EDITS,
    *ALARM_EDITS,
    *CONTRACT_EDITS,
    *DATA_EDITS,
    *DNS_EDITS,
    *IAM_EDITS,
    *ITEM_EDITS,
    *NETWORK_EDITS,
    *RESIDENCY_EDITS,
    *WORLD_EDITS,
)


@pytest.mark.slow
@pytest.mark.parametrize("stack", STACKS)
def test_a_shipped_stack_has_no_findings(stack: str) -> None:
    assert findings(graph_of(stack)) == ()


@pytest.mark.slow
@pytest.mark.gate
@pytest.mark.parametrize("harm", HARMS, ids=lambda harm: re.sub(r"\W+", "-", harm.name))
def test_a_harmful_edit_is_found_by_its_rule_where_it_is(harm: Harm) -> None:
    found = findings(harm.edit(graph_of(harm.stack)))
    assert [one for one in found if one.rule == harm.rule and fnmatchcase(one.resource, harm.at)], (
        found or "nothing was found"
    )
