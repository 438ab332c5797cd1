"""Edits that give somebody what they must not have, or take from the switch what it needs."""

from typing import Final

from tests.policies.edits.iam_holders import HOLDER_EDITS
from tests.policies.edits.iam_permissions import PERMISSION_EDITS
from tests.policies.edits.iam_switch import SWITCH_EDITS
from tests.policies.edits.iam_trust import OPEN_EDITS, TRUST_EDITS
from tests.policies.shipped import Harm

IAM_EDITS: Final[tuple[Harm, ...]] = (
    *PERMISSION_EDITS,
    *HOLDER_EDITS,
    *TRUST_EDITS,
    *OPEN_EDITS,
    *SWITCH_EDITS,
)
