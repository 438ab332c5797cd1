"""The orchestrator: takes tasks in every region, carries each out once, from one leader.

A task is acknowledged when its record and its place in the queue are in the jurisdiction's
strongly consistent table, so that any region can carry it out. One leader per jurisdiction works
through the queue: it asks a model, then appends what it decided to the tenant's ledger, an effect
that cannot be taken back. The ledger's fence refuses a leader that was replaced while it was
thinking.

Read in this order: ``service`` (HTTP), ``desk`` (accepting), ``executor`` (leading), ``ledger``
(the effect).

Guarantees:
    A task that was acknowledged takes effect exactly once, whichever regions are lost on the way,
    as long as two of the coordination table's three regions are there.

Does not guarantee:
    When: after the loss of the leader, not before another one leads. Nor that the working copy in
    the state table, which is last writer wins, survives the loss of the region that wrote it.
"""
