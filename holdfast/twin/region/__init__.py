"""One AWS region of the twin: an emulator process and what the emulator lacks.

``python -m holdfast.twin.region --config FILE`` serves ministack's AWS APIs on the region's
loopback address and adds, in the same process, replication between regions: strongly consistent
DynamoDB tables by per-item consensus, eventually consistent ones and S3 buckets by queues, and
an ElastiCache that is the region's Valkey.

Guarantees:
    An acknowledged write to a table or bucket, and an acknowledged change of anything else's
    configuration, survives the death of this process (not of the machine). A write to a strongly
    consistent table is acknowledged only when two of its three regions hold it.

Does not guarantee:
    Survival of messages, stream records, metrics and logs of the last second before such a death;
    IAM permissions (nobody is refused for want of one), throttling, quotas, or AWS's delays of
    control-plane calls: a table is ACTIVE when the call that made it returns.
"""
