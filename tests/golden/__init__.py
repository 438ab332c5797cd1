"""What each stack registers, kept as text and reviewed like code.

``make golden`` writes the files anew; without it, ``test_golden.py`` fails when they differ.
"""

from pathlib import Path

from holdfast.graph import run, to_golden

ROOT = Path(__file__).parents[2]
STACKS = ("dev", "test", "staging", "prod")


def file_of(stack: str) -> Path:
    """Where a stack's golden graph stands."""
    return Path(__file__).parent / f"{stack}.json"


def regenerated(stack: str) -> str:
    """A stack's graph as its program registers it now."""
    return to_golden(run(ROOT, stack))
