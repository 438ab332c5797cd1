"""Parameters: the contract, where the processes of a region read it."""

from typing import Final

from policies.world.kind import ANSWER, LABEL, PRICE, TAGS, Kind, alike

PARAMETER: Final = Kind(
    type="aws:ssm/parameter:Parameter",
    judged={
        "keyId": "parameter-encrypted",
        "name": "contract-parameter",
        "region": "residency-region",
        "type": "parameter-encrypted",
        "value": "contract-parameter",
    },
    neutral={
        "tags": TAGS,
        "description": LABEL,
        "tier": PRICE,
        "overwrite": "it decides over parameters that are there before the first deployment",
    },
    refused={
        "arn": ANSWER,
        **alike("the contract is a text: leave it out", "allowedPattern", "dataType"),
        **alike(
            "a preview and the engine's state have to show what is written: use `value`",
            "insecureValue",
            "valueWo",
            "valueWoVersion",
        ),
    },
)

KINDS: Final = (PARAMETER,)
