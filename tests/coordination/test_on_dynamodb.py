"""What holds of every tool over a store in memory holds over DynamoDB."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LEAST_REQUESTS = 5_000
# After the fork the child asks the same memory; a table is nobody's copy.
IN_MEMORY_ONLY = (
    "tests/coordination/leases/test_lock.py"
    "::test_a_forked_process_that_leaves_the_block_does_not_release_the_lock"
)


@pytest.mark.slow
@pytest.mark.java
@pytest.mark.alone
def test_the_whole_suite_passes_where_dynamodb_answers_for_memory(dynamodb_local: int) -> None:
    suite = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "tests/coordination", "-m", "not slow", "-q"),
            *("-p", "tests.coordination.shadow", "-p", "no:cacheprovider"),
            f"--deselect={IN_MEMORY_ONLY}",
        ],
        cwd=ROOT,
        env={**os.environ, "SHADOW_PORT": str(dynamodb_local)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert suite.returncode == 0, suite.stdout
    asked = re.search(r"^requests to DynamoDB: (\d+)$", suite.stdout, re.MULTILINE)
    assert asked is not None
    assert int(asked[1]) >= LEAST_REQUESTS
