"""Holdfast: the home that LLM agents need to survive losing a region.

Agents import from here; platform engineers use the ``holdfast`` command. The runtime part
(``contract``, ``coordination``, ``control``, ``oversight``, ``testing``) never imports Pulumi.
"""

from holdfast.namesake import DISTRIBUTION as DISTRIBUTION
from holdfast.namesake import refuse as _refuse

_refuse()
