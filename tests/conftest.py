"""What holds for every test."""

import signal

from hypothesis import settings

# These machines are shared and noisy: how long an example takes says nothing about the code.
settings.register_profile("holdfast", deadline=None)
settings.load_profile("holdfast")

# A shell starts what runs in its background with Ctrl-C ignored, and so would every process that
# a test starts and interrupts.
signal.signal(signal.SIGINT, signal.default_int_handler)
