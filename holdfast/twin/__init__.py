"""The embedded cloud: several AWS regions as processes on this machine.

``holdfast.twin.client.Twin`` is the handle that everything else holds: it starts the
supervisor, which owns one emulator process and one Valkey per region, the agents that run
there, and the DNS resolver with its health checks.

Nothing is imported here, so that a region's process carries no more than it needs.
"""
