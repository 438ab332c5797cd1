"""The model call, faked: as slow as a real one, and always the same answer to the same prompt.

Put your model client here. It needs no network and no key, so that a drill costs nothing.
"""

import hashlib
import time

THINKING_S = 1.0


def complete(prompt: str) -> str:
    """Answers a prompt after about a second.

    Args:
        prompt: Anything.

    Returns:
        Twelve hexadecimal digits, a function of the prompt alone.
    """
    time.sleep(THINKING_S)
    return hashlib.sha256(prompt.encode()).hexdigest()[:12]
