"""What holds of every tool over a store in memory holds over DynamoDB."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LEAST_REQUESTS = 5_000


@pytest.mark.slow
@pytest.mark.java
def test_the_whole_suite_is_answered_by_dynamodb_as_by_memory(dynamodb_local: int) -> None:
    suite = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "tests/coordination", "-m", "not slow", "-q"),
            *("-p", "tests.coordination.shadow", "-p", "no:cacheprovider"),
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
