"""The process that owns a running twin, and what it does with its children.

Run as ``python -m holdfast.twin.supervisor``; others speak to it through
:class:`holdfast.twin.client.Twin`.
"""
