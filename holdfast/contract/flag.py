"""What a kill flag consists of, for who permits writing it and who writes it."""

from typing import Final

FLAG_ATTRIBUTES: Final = ("by", "epoch", "reason", "state")
"""What the flag's item says beside its key, once somebody has armed or tripped it.

A deployment makes the item with its key alone, which counts as tripped: only people arm.
"""
