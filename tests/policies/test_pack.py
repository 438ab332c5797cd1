"""The pack as it is served: over a graph, and under Pulumi's real engine."""

import importlib
from pathlib import Path

import pulumi_policy.policy
import pytest

from holdfast.check import Finding, Level, Report, run
from holdfast.check.masking import Masking
from holdfast.graph import run as run_graph
from policies.core import lazy
from policies.pack import RULES
from tests.graph.engine import engine, needs_engine, preview
from tests.graph.projects import project

ROOT = Path(__file__).parents[2]
PACK = ROOT / "policies"

# A platform as somebody could really ship it by mistake: a replica in London, no kill switch,
# and a region and a replica that come from what does not exist yet.
BROKEN = """
    import pulumi
    import pulumi_aws as aws

    tags = {"holdfast:jurisdiction": "eu", "holdfast:environment": "prod"}
    other = aws.sns.Topic("other", name="n", region="eu-west-1", tags=tags)
    aws.dynamodb.Table(
        "table",
        name="t",
        region="eu-west-1",
        hash_key="pk",
        replicas=[{"region_name": "eu-west-2"}],
        tags=tags,
    )
    aws.sqs.Queue("queue", region=other.region, tags={"holdfast:jurisdiction": other.arn})
    aws.ssm.Parameter(
        "parameter",
        type="SecureString",
        region=pulumi.Output.secret("hush-1"),
        value=pulumi.Output.secret("hush-2"),
        tags=tags,
    )
    aws.s3.Bucket("bucket", bucket="b", region="us-east-1")
"""

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return project(tmp_path_factory.mktemp("broken"), BROKEN)


@pytest.fixture(scope="module")
def report(broken: Path) -> Report:
    return run(run_graph(broken, "dev"), PACK)


def _of(report: Report, policy: str) -> list[Finding]:
    return [finding for finding in report.findings if finding.policy == policy]


def _subjects(report: Report, policy: str) -> list[str]:
    return [finding.urn.rpartition("::")[2] for finding in _of(report, policy)]


def test_every_rule_is_served_and_is_mandatory(report: Report) -> None:
    served = {policy.name: policy for policy in report.policies}
    assert {rule.id for rule in RULES} <= set(served)
    assert all(served[rule.id].level is Level.MANDATORY for rule in RULES)
    assert all(served[rule.id].description.endswith(".") for rule in RULES)


def test_what_is_broken_is_found_with_its_line_and_a_fix(report: Report) -> None:
    (replica,) = _of(report, "residency-replica")
    assert replica.urn.endswith("::table")
    assert "eu-west-2" in replica.message
    assert str(replica.source) == "app/__main__.py:7"
    assert replica.fix
    assert _subjects(report, "kill-switch-present")
    assert _subjects(report, "residency-tag") == ["bucket", "queue"]


def test_an_unknown_value_is_a_mandatory_finding_of_every_rule_that_needs_it(
    report: Report,
) -> None:
    for policy in ("residency-tag", "residency-region", "kill-switch-present"):
        (found,) = [item for item in _of(report, policy) if item.urn.endswith("::queue")]
        assert found.message.startswith("tags.holdfast:jurisdiction: undetermined")
        assert found.level is Level.MANDATORY


def test_no_finding_shows_the_value_of_a_secret_property(report: Report) -> None:
    assert "hush-2" not in repr(report)


@pytest.mark.parametrize("stack", ["dev", "test", "staging", "prod"])
def test_our_own_stacks_keep_the_checklist(stack: str) -> None:
    assert run(run_graph(ROOT, stack), PACK).findings == ()


def test_a_pack_on_an_sdk_that_decodes_in_another_way_does_not_start(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delattr(pulumi_policy.policy, "unknown_checking_proxy")
    with pytest.raises(RuntimeError, match="unknown_checking_proxy"):
        lazy.install()
    importlib.reload(lazy)


@pytest.mark.engine
@needs_engine
def test_the_real_engine_finds_the_same(broken: Path, report: Report, tmp_path: Path) -> None:
    with engine(broken, "dev", tmp_path / "engine") as environment:
        real = preview(
            "dev", tmp_path / "engine", environment, "--policy-pack", str(PACK), "--diff"
        )
    descriptions = {policy.name: policy.description for policy in report.policies}
    # The engine shows what a pack says as it is; the check masks the secrets in it.
    masking = Masking(run_graph(broken, "dev"))
    theirs = {
        (urn, policy, level, masking.masked(message.removeprefix(descriptions[policy]).strip()))
        for urn, policy, level, message in real.violations
    }
    ours = {
        (
            finding.urn,
            finding.policy,
            finding.level.value,
            f"{finding.message} Fix: {finding.fix}",
        )
        for finding in report.findings
    }
    assert ours == theirs
    assert real.exit_code != 0


@pytest.mark.engine
@needs_engine
@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_the_real_engine_passes_our_own_stacks(stack: str, tmp_path: Path) -> None:
    with engine(ROOT, stack, tmp_path / "engine") as environment:
        real = preview(stack, tmp_path / "engine", environment, "--policy-pack", str(PACK))
    assert real.exit_code == 0, real.output
    assert real.violations == ()
