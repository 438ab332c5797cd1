"""The pre-production checklist as a CrossGuard pack.

Guarantees:
    Every rule ends in compliant, violation or undetermined, and undetermined fails like a
    violation: a value that is unknown before deployment never lets a mandatory rule pass.

Does not guarantee:
    Anything about resources outside the stack, or changed by hand after it was deployed.

Run it with ``holdfast check -s STACK``, or with ``pulumi preview --policy-pack policies``.
"""
