"""A program that says whether its writes carry a fence. Run by a test, in a process of its own."""

import sys

from holdfast.coordination import Fence, Update
from holdfast.coordination.stores.store import Always

if __name__ == "__main__":
    print(sys.argv[1:])  # noqa: T201 - the test reads it
    request = Update(key="k", when=Always())
    print("unguarded" if Fence(1).guard(request) == request else "guarded")  # noqa: T201
