"""Stacks with one mistake in the kill switch: the rule that finds it, where, and what it says."""

from holdfast.graph import UNKNOWN
from policies.core.kinds import (
    GROUP_POLICY,
    POLICY,
    POLICY_ATTACHMENT,
    ROLE_ATTACHMENT,
    ROLE_ATTACHMENTS_EXCLUSIVE,
    USER_POLICY,
)
from tests.policies.changes import (
    ABSENT,
    TABLE_ARN,
    agents_may,
    attached,
    flag_says,
    named_principal,
    relinked,
    second_flag,
    subscribed,
    switch_may,
    trip,
    trust,
    writing,
    written_again,
)
from tests.policies.specs import (
    ACCOUNT,
    Spec,
    alarms_may,
    changed,
    compliant,
    copy_statement,
    document,
    guard_statement,
    key_policy,
    tags,
    trip_statement,
    use_statement,
    without,
)

SWITCH_MUTANTS: list[tuple[str, dict[str, Spec], str, str]] = [
    ("kill-switch-present", without("flag"), "coordination", "no item 'kill'"),
    ("kill-switch-present", without("switch"), "coordination", "no role"),
    (
        "kill-switch-present",
        changed("switch", "tags", tags("kill-switch", "us")),
        "coordination",
        "no role",
    ),
    (
        "kill-switch-present",
        changed("coordination", "replicas.0.consistencyMode", "EVENTUAL"),
        "coordination",
        "EVENTUAL",
    ),
    ("kill-switch-present", changed("flag", "item", '{"pk":{"S":"x"}}'), "coord", "no item"),
    ("kill-switch-present", changed("flag", "item", '["kill"]'), "coord", "no item"),
    ("kill-switch-present", changed("flag", "item", '{"pk":"kill"}'), "coord", "no item"),
    ("kill-switch-present", changed("flag", "region", "us-east-1"), "coord", "no item"),
    ("kill-switch-present", second_flag(), "second", "has 1 votes"),
    ("kill-switch-reachable", trust(Principal={}), "switch", "nobody outside"),
    ("kill-switch-reachable", trust(Principal="*", Condition={}), "switch", "everybody"),
    ("kill-switch-reachable", trust(Condition={}), "switch", "everybody"),
    ("kill-switch-reachable", trust(Principal={"AWS": ACCOUNT}, Condition={}), "sw", "everybody"),
    *(
        ("kill-switch-reachable", trust(Condition=condition), "switch", "everybody")
        for condition in (
            {"ArnNotLike": {"aws:PrincipalArn": ["arn:aws:iam::*:role/intern"]}},
            {"ArnLikeIfExists": {"aws:PrincipalArn": ["arn:aws:iam::*:role/oncall"]}},
            {"StringEquals": {"aws:PrincipalOrgID": ["o-example"]}},
        )
    ),
    ("kill-switch-reachable", trust(Action="sts:TagSession"), "switch", "nobody outside"),
    ("kill-switch-reachable", trust(NotPrincipal={"AWS": "*"}), "switch", "everybody except"),
    ("kill-switch-reachable", trust(Effect="Deny"), "switch", "a Deny may keep"),
    (
        "kill-switch-reachable",
        named_principal("arn:aws:iam::*:role/p-eu-*"),
        "switch",
        "p-eu-agents",
    ),
    ("kill-switch-reachable", named_principal("*"), "switch", "p-eu-agents"),
    (
        "kill-switch-reachable",
        trust(Principal={"AWS": f"arn:aws:iam::{ACCOUNT}:role/p-eu-agents"}),
        "switch",
        "p-eu-agents",
    ),
    (
        "kill-switch-reachable",
        trust(Principal={"Service": "pods.eks.amazonaws.com"}),
        "switch",
        "Service",
    ),
    ("kill-switch-only-trips", trip(NotAction="s3:*"), "switch", "says what it does not cover"),
    (
        "kill-switch-only-trips",
        changed(
            "switch-policy",
            "policy",
            document(
                {**trip_statement(), "Action": "dynamodb:GetItem"},
                {**trip_statement(), "Action": "dynamodb:UpdateItem", "Resource": TABLE_ARN},
            ),
        ),
        "switch",
        "not allowed in eu-central-1",
    ),
    ("kill-switch-only-trips", without("flag"), "switch", "no item 'kill'"),
    ("kill-switch-only-trips", trip(Action=["dynamodb:*"]), "switch", "dynamodb:\\*"),
    ("kill-switch-only-trips", trip(Action="*"), "switch", "\\* is allowed"),
    (
        "kill-switch-only-trips",
        trip(Action=["dynamodb:UpdateItem", "dynamodb:DeleteItem"]),
        "switch",
        "DeleteItem is allowed",
    ),
    ("kill-switch-only-trips", trip(Condition={}), "switch", "items other than"),
    (
        "kill-switch-only-trips",
        trip(Condition={"Null": {"dynamodb:LeadingKeys": ["false"]}}),
        "switch",
        "items other than",
    ),
    (
        "kill-switch-only-trips",
        trip(Condition={"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["kill"]}}),
        "switch",
        "items other than",
    ),
    (
        "kill-switch-only-trips",
        trip(Condition={"StringEquals": {"dynamodb:LeadingKeys": ["kill"]}}),
        "switch",
        "items other than",
    ),
    *(
        ("kill-switch-only-trips", writing(*limit), "switch", found)
        for *limit, found in (
            ("ForAllValues:StringEquals", "by", "pk", "reason", "state", "without epoch"),
            ("ForAnyValue:StringEquals", "epoch", "pk", "state", "attributes other than"),
        )
    ),
    *(
        ("kill-switch-only-trips", trip(Resource=pattern), "switch", "is allowed")
        for pattern in (
            "*",
            f"arn:aws:dynamodb:*:{ACCOUNT}:table/p-eu-coordination",
            f"arn:aws:dynamodb:eu-west-?:{ACCOUNT}:table/p-eu-coordination",
        )
    ),
    ("kill-switch-only-trips", trip(Resource=[f"{TABLE_ARN}x"]), "switch", "nationx"),
    ("kill-switch-only-trips", trip(Resource=[TABLE_ARN]), "switch", "not allowed in eu-cen"),
    (
        "kill-switch-only-trips",
        trip(Action=["dynamodb:UpdateItem", "kms:Decrypt"]),
        "switch",
        "kms:Decrypt is allowed outside",
    ),
    ("kill-switch-only-trips", without("switch-policy"), "switch", "not allowed in"),
    ("kill-switch-only-trips", trip(Effect="Deny"), "switch", "a Deny may keep"),
    *(
        ("kill-switch-only-trips", attached(token, at, to), "attach", "another policy")
        for token, at, to in (
            (ROLE_ATTACHMENT, "role", "p-eu-kill-switch"),
            (ROLE_ATTACHMENTS_EXCLUSIVE, "roleName", "p-eu-kill-switch"),
            (POLICY_ATTACHMENT, "roles", ["p-eu-agents", "p-eu-kill-switch"]),
        )
    ),
    (
        "kill-switch-only-trips",
        trip(
            Action=["dynamodb:UpdateItem", "kms:Decrypt"],
            Condition={
                **trip_statement()["Condition"],
                "StringNotEquals": {"kms:ViaService": ["dynamodb.eu-west-1.amazonaws.com"]},
            },
        ),
        "switch",
        "kms:Decrypt is allowed outside",
    ),
    (
        "kill-switch-only-trips",
        trip(
            Action=["dynamodb:UpdateItem", "kms:Decrypt"],
            Condition={
                **trip_statement()["Condition"],
                "StringEquals": {
                    "kms:ViaService": ["dynamodb.eu-west-1.amazonaws.com", "s3.amazonaws.com"]
                },
            },
        ),
        "switch",
        "kms:Decrypt is allowed outside",
    ),
    ("kill-switch-only-trips", switch_may(trip_statement()), "switch", "asks for, is not allowed"),
    *(
        (
            "kill-switch-only-trips",
            trip(Condition={**trip_statement()["Condition"], operator: {key: value}}),
            "switch",
            f"a condition on {key.lower()}",
        )
        for operator, key, value in (
            ("IpAddress", "aws:SourceIp", "192.0.2.0/24"),
            ("DateLessThan", "aws:CurrentTime", "2020-01-01T00:00:00Z"),
            ("StringEquals", "aws:RequestedRegion", "eu-west-1"),
        )
    ),
    (
        "kill-switch-plain",
        changed("switch", "permissionsBoundary", "arn:aws:iam::aws:policy/ReadOnlyAccess"),
        "switch",
        "permissionsBoundary",
    ),
    *(
        (
            rule,
            attached(token, at, to, f"arn:aws:iam::aws:policy/{policy}"),
            "attachment",
            found,
        )
        for rule, token, at, to, policy, found in (
            (
                "kill-switch-guarded",
                ROLE_ATTACHMENT,
                "role",
                "p-eu-agents",
                "AmazonDynamoDBFullAccess",
                "policyArn: p-eu-agents may do dynamodb",
            ),
            (
                "kill-switch-guarded",
                ROLE_ATTACHMENTS_EXCLUSIVE,
                "roleName",
                "p-eu-agents",
                "PowerUserAccess",
                "policyArns\\[0\\]: p-eu-agents may do dynamodb",
            ),
            (
                "kill-switch-guarded",
                POLICY_ATTACHMENT,
                "roles",
                ["p-eu-agents"],
                "AdministratorAccess",
                "p-eu-agents may do dynamodb",
            ),
            (
                "kill-switch-attached",
                POLICY_ATTACHMENT,
                "roles",
                ["p-eu-agents"],
                "SomeNewAccess",
                "nobody judges .*SomeNewAccess",
            ),
        )
    ),
    (
        "kill-switch-guarded",
        changed(
            "agents",
            "inlinePolicies",
            [{"policy": document({**use_statement(), "Action": "dynamodb:Delete*"})}],
        ),
        "agents",
        "inlinePolicies\\[0\\].policy.Statement\\[0\\]: p-eu-agents may do dynamodb:DeleteItem",
    ),
    (
        "kill-switch-guarded",
        changed("agents", "managedPolicyArns", ["arn:aws:iam::aws:policy/AdministratorAccess"]),
        "agents",
        "managedPolicyArns\\[0\\]: p-eu-agents may do dynamodb",
    ),
    (
        "kill-switch-attached",
        changed("agents", "managedPolicyArns", ["arn:aws:iam::aws:policy/SomeNewAccess"]),
        "agents",
        "nobody judges",
    ),
    (
        "kill-switch-guarded-inside",
        changed("agents", "managedPolicyArns", [UNKNOWN]),
        "agents",
        "undetermined",
    ),
    *(
        (
            "kill-switch-guarded",
            {**compliant(), "policy": Spec(token, inputs)},
            "policy",
            "the item 'kill' included",
        )
        for token in (USER_POLICY, GROUP_POLICY)
        for inputs in ({"policy": document(use_statement())},)
    ),
    (
        "kill-switch-only-trips",
        changed("key-home", "policy", document(copy_statement())),
        "key-home",
        "does not let switch decrypt",
    ),
    ("kill-switch-final", written_again(), "flag", "write the flag again"),
    ("kill-switch-final", flag_says(state={"S": "armed"}), "flag", "writes state of the flag"),
    ("kill-switch-final", flag_says(epoch={"N": "1"}), "flag", "writes epoch of the flag"),
    (
        "kill-switch-plain",
        changed("switch", "inlinePolicies", [{"policy": document()}]),
        "switch",
        "inlinePolicies",
    ),
    (
        "kill-switch-plain",
        changed("switch", "managedPolicyArns", ["arn:aws:iam::aws:policy/AdministratorAccess"]),
        "switch",
        "managedPolicyArns",
    ),
    *(
        ("kill-switch-guarded", agents_may(*statements), "agents-policy", said)
        for statements, said in (
            ((use_statement(),), "PutItem.* on p-eu-coordination in eu-central-1"),
            (({**use_statement(), "Resource": "*"},), "UpdateItem"),
            (({**use_statement(), "Action": "dynamodb:*"}, guard_statement()), "DeleteItem"),
            (({**use_statement(), "Resource": "arn:aws:dynamodb:*:*:table/p-*"},), "PutItem"),
            (({"Effect": "Allow", "NotAction": "s3:*", "Resource": "*"},), "and more on p-eu"),
            (({"Effect": "Allow", "Action": "*", "NotResource": "arn:aws:s3:::b"},), "and more"),
            ((use_statement(), {**guard_statement(), "Resource": TABLE_ARN}), "in eu-central-1"),
            (
                (use_statement(), {**guard_statement(), "Action": "dynamodb:PutItem"}),
                "UpdateItem on p-eu",
            ),
            (
                (
                    use_statement(),
                    {
                        **guard_statement(),
                        "Condition": {
                            **guard_statement()["Condition"],
                            "Bool": {"aws:SecureTransport": ["false"]},
                        },
                    },
                ),
                "PutItem",
            ),
            (
                (
                    use_statement(),
                    {
                        **guard_statement(),
                        "Condition": {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["x"]}},
                    },
                ),
                "PutItem",
            ),
        )
    ),
    (
        "kill-switch-guarded",
        {**compliant(), "policy": Spec(POLICY, {"policy": document(use_statement())})},
        "policy",
        "the item 'kill' included",
    ),
    ("kill-switch-alarm", without("alarm-eu-central-1"), "coordination", "no alarm in .*Tripped"),
    ("kill-switch-alarm", without("silence-eu-west-1"), "coordination", "no alarm in .*Read"),
    ("kill-switch-alarm", changed("alarm-eu-west-1", "alarmActions", []), "alarm", "no topic"),
    ("kill-switch-alarm", changed("alarm-eu-west-1", "actionsEnabled", value=False), "al", "off"),
    (
        "kill-switch-alarm",
        relinked("alarm-eu-west-1", "alarmActions", "topic-eu-central-1"),
        "alarm",
        "no topic of its region",
    ),
    *(
        ("kill-switch-alarm", changed(name, path, value), name, found)
        for name, path, value, found in (
            ("alarm-eu-west-1", "metricName", "CPUUtilization", "^metricName: .*another metric"),
            ("alarm-eu-west-1", "namespace", "AWS/EC2", "^namespace: .*another metric"),
            ("alarm-eu-west-1", "region", "eu-west-3", "^region: .*another metric"),
            ("alarm-eu-west-1", "threshold", 2, "^threshold: it does not go off"),
            ("alarm-eu-west-1", "threshold", ABSENT, "undetermined"),
            ("alarm-eu-west-1", "comparisonOperator", "LessThanThreshold", "^comparisonOp"),
            ("alarm-eu-west-1", "comparisonOperator", "GreaterThanThreshold", "does not go off"),
            ("alarm-eu-west-1", "dimensions.Region", "us-east-1", r"^dimensions\.Region"),
            ("alarm-eu-west-1", "dimensions.Jurisdiction", "us", r"^dimensions\.Jurisdiction"),
            ("alarm-eu-west-1", "dimensions.Platform", ABSENT, r"^dimensions\.Platform"),
            ("alarm-eu-west-1", "dimensions.Platform", "q-s", r"^dimensions\.Platform"),
            ("silence-eu-west-1", "dimensions", ABSENT, r"^dimensions\.Platform"),
            ("silence-eu-west-1", "treatMissingData", "notBreaching", "^treatMissingData: it does"),
            ("silence-eu-west-1", "treatMissingData", ABSENT, "^treatMissingData: it does not"),
            ("silence-eu-west-1", "period", 3600, "^period: it does not go off"),
            ("alarm-eu-west-1", "evaluationPeriods", 60, "^evaluationPeriods: it does not"),
        )
    ),
    *(
        ("kill-switch-announced", specs, where, found)
        for specs, where, found in (
            (changed("topic-eu-west-1", "policy", document()), "topic", "policy does not let"),
            (changed("topic-eu-west-1", "policy", alarms_may("sns:Subscribe")), "topic", "not let"),
            (changed("topic-eu-west-1", "kmsMasterKeyId", "alias/aws/sns"), "topic", "not of this"),
            (changed("key-home", "policy", key_policy("kms:Decrypt")), "key-home", "Generate"),
        )
    ),
    (
        "kill-switch-subscribed",
        subscribed(f"arn:aws:sns:eu-central-1:{ACCOUNT}:stop-eu-west-1"),
        "topic-eu-west-1",
        "nobody",
    ),
    ("kill-switch-subscribed", without("subscription-eu-west-1"), "topic-eu-west-1", "nobody"),
]
