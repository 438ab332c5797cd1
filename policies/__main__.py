"""Serves the pack to Pulumi's engine, or to ``holdfast check``."""

# The pack's port is the first thing that the engine reads from standard output, so nothing may
# print before it.
from policies.core import lazy
from policies.pack import serve

lazy.install()
serve()
