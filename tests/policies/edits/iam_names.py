"""What the shipped prod stack calls things, for edits of what may be done to them."""

from typing import Final

ACCOUNT: Final = "123456789012"
STRANGER: Final = "999999999999"
AGENTS: Final = "aws:iam/rolePolicy:RolePolicy::eu-agents"
COPYING: Final = "aws:iam/rolePolicy:RolePolicy::eu-store-replication"
SWITCH: Final = "aws:iam/rolePolicy:RolePolicy::eu-kill-switch"
AGENTS_ROLE: Final = "aws:iam/role:Role::eu-agents"
SWITCH_ROLE: Final = "aws:iam/role:Role::eu-kill-switch"
COPYING_ROLE: Final = "aws:iam/role:Role::eu-store-replication"
KEY: Final = "aws:kms/key:Key::eu-keys-eu-west-1"
TOPIC: Final = "aws:sns/topic:Topic::eu-kill-switch-eu-west-1"
BUCKET_POLICY: Final = "aws:s3/bucketPolicy:BucketPolicy::eu-store-eu-west-1"
TABLE: Final = f"arn:aws:dynamodb:eu-west-1:{ACCOUNT}:table/holdfast-prod-eu-coordination"
STATE: Final = f"arn:aws:dynamodb:eu-west-1:{ACCOUNT}:table/holdfast-prod-eu-state"
ROOT: Final = f"arn:aws:iam::{ACCOUNT}:root"
RESPONDER: Final = f"arn:aws:iam::{ACCOUNT}:role/holdfast-prod-eu-kill-switch"
FLAG: Final = {"ForAnyValue:StringEquals": {"dynamodb:LeadingKeys": ["kill"]}}

BUCKET: Final = f"arn:aws:s3:::holdfast-prod-eu-west-1-objects-{ACCOUNT}"
SECRETS: Final = f"arn:aws:secretsmanager:eu-west-1:{ACCOUNT}"
KMS: Final = f"arn:aws:kms:eu-west-1:{ACCOUNT}"
SSM: Final = f"arn:aws:ssm:eu-west-1:{ACCOUNT}"
CLOUDWATCH: Final = f"arn:aws:cloudwatch:eu-west-1:{ACCOUNT}"
SNS: Final = f"arn:aws:sns:eu-west-1:{ACCOUNT}"
BEDROCK: Final = f"arn:aws:bedrock:eu-west-1:{ACCOUNT}"
EU_AGENTS: Final = f"arn:aws:iam::{ACCOUNT}:role/holdfast-prod-eu-agents"
US_AGENTS: Final = f"arn:aws:iam::{ACCOUNT}:role/holdfast-prod-us-agents"
AUD: Final = {"token.actions.githubusercontent.com:aud": "sts.amazonaws.com"}
WEB: Final = "sts:AssumeRoleWithWebIdentity"


GUARDED: Final = "kill-switch-guarded"
CONTROL: Final = "identity-control-plane"
STORES: Final = "state-safety-stores-guarded"
KEYS: Final = "state-safety-keys-guarded"
ALARMS: Final = "observability-alarms-guarded"
ABROAD: Final = "residency-permission"
MANAGED: Final = "arn:aws:iam::aws:policy/"
