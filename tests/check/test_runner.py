import os
import time
from pathlib import Path

import pytest

from holdfast.check import Level, run, run_stack
from holdfast.errors import GraphError, PolicyRunError
from holdfast.graph import Graph, Source
from holdfast.graph import run as run_graph
from tests.check.packs import NAMED, one, pack
from tests.graph.projects import project

TOPICS = """
    import pulumi
    import pulumi_aws as aws

    first = aws.sns.Topic("first", name="a")
    aws.sns.Topic("second")
    aws.sns.Topic("third", name=first.arn)
    aws.ssm.Parameter("p", type="SecureString", value=pulumi.Output.secret("hush"))
"""

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> Graph:
    return run_graph(project(tmp_path_factory.mktemp("demo"), TOPICS), "dev")


def test_findings_carry_level_place_message_and_fix(graph: Graph, tmp_path: Path) -> None:
    report = run(graph, pack(tmp_path, NAMED))
    mandatory, advisory = report.findings
    assert (mandatory.policy, mandatory.level) == ("named", Level.MANDATORY)
    assert mandatory.urn == "urn:pulumi:dev::demo::aws:sns/topic:Topic::second"
    assert mandatory.source == Source("app/__main__.py", 6)
    assert mandatory.message == "found no name."
    assert mandatory.fix == "give it a name."
    assert mandatory.severity == "high"
    assert (advisory.policy, advisory.level) == ("few", Level.ADVISORY)
    assert [policy.name for policy in report.policies] == ["few", "named"]
    assert not report.passed
    assert report.exit_code == 1


def test_checking_a_stack_is_the_same_as_checking_its_graph(graph: Graph, tmp_path: Path) -> None:
    body = """
        def one(args, report):
            provider = args.provider
            shown = None if provider is None else (provider.urn, dict(provider.props))
            report(f"{args.name} {args.opts.parent} {shown}")
    """
    path = one(tmp_path, body)
    report = run(graph, path)
    assert run_stack(graph.root, graph.stack, path) == report
    topics = [finding for finding in report.findings if ":sns/" in finding.urn]
    assert len(topics) == 3
    assert all("pulumi:providers:aws::default" in topic.message for topic in topics)


def test_a_resource_is_judged_while_the_program_still_runs(tmp_path: Path) -> None:
    seen = tmp_path / "seen"
    body = f"""
        def one(args, report):
            if args.name == "early":
                open({str(seen)!r}, "w").close()
    """
    waiting = f"""
        import time
        from pathlib import Path

        import pulumi_aws as aws

        def wait(_name):
            for _ in range(600):
                if Path({str(seen)!r}).exists():
                    return
                time.sleep(0.1)
            raise ValueError("nobody looked")

        aws.sns.Topic("early", name="a").name.apply(wait)
    """
    path = one(tmp_path / "pack", body)
    assert run_stack(project(tmp_path / "demo", waiting), "dev", path).passed


def test_a_program_that_fails_does_not_wait_for_a_pack_that_hangs(tmp_path: Path) -> None:
    seen = tmp_path / "seen"
    body = f"""
        import time

        def one(args, report):
            open({str(seen)!r}, "w").close()
            time.sleep(600)
    """
    failing = f"""
        import time
        from pathlib import Path

        import pulumi_aws as aws

        def fail(_name):
            while not Path({str(seen)!r}).exists():
                time.sleep(0.1)
            raise ValueError("no")

        aws.sns.Topic("early", name="a").name.apply(fail)
    """
    begin = time.monotonic()
    with pytest.raises(GraphError, match="ValueError: no"):
        run_stack(project(tmp_path / "demo", failing), "dev", one(tmp_path / "pack", body))
    assert time.monotonic() - begin < 60


def test_a_proxy_does_not_stand_between_us_and_the_pack(
    graph: Graph, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    assert not run(graph, pack(tmp_path, NAMED)).passed


def test_rules_keep_their_words_whatever_python_is_told_to_leave_out(
    graph: Graph, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONOPTIMIZE", "2")
    body = """
    def one(args, report):
        'What I ask.'
        if one.__doc__ is None:
            report("found no words")
    """
    assert run(graph, one(tmp_path, body)).passed


def test_a_program_that_fails_ends_the_pack_too(tmp_path: Path) -> None:
    body = f"""
        import os
        open({str(tmp_path / "partial")!r}, "w").write(str(os.getpid()))
        os.rename({str(tmp_path / "partial")!r}, {str(tmp_path / "pid")!r})

        def one(args, report):
            pass
    """
    slow = f"""
        import time
        from pathlib import Path

        for _ in range(600):
            if Path({str(tmp_path / "pid")!r}).exists():
                raise ValueError("no")
            time.sleep(0.1)
    """
    with pytest.raises(GraphError, match="ValueError: no"):
        run_stack(project(tmp_path / "demo", slow), "dev", one(tmp_path / "pack", body))
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


def test_advisory_findings_do_not_fail_a_check(graph: Graph, tmp_path: Path) -> None:
    body = "def one(args, report):\n    report('hm')"
    report = run(graph, one(tmp_path, body, "ADVISORY"))
    assert report.findings
    assert report.exit_code == 0


def test_equal_graphs_give_equal_reports(graph: Graph, tmp_path: Path) -> None:
    path = pack(tmp_path, NAMED)
    assert run(graph, path) == run(graph, path)


def test_a_policy_that_skips_an_unknown_value_is_a_failed_check(
    graph: Graph, tmp_path: Path
) -> None:
    body = """
        def one(args, report):
            if args.resource_type == "aws:sns/topic:Topic":
                args.props.get("name")
    """
    with pytest.raises(PolicyRunError, match=r"the policy one was skipped: .*name"):
        run(graph, one(tmp_path, body))


def test_a_policy_that_raises_is_a_failed_check(graph: Graph, tmp_path: Path) -> None:
    with pytest.raises(PolicyRunError, match=r"failed in Analyze: .*boom"):
        run(graph, one(tmp_path, "def one(args, report):\n    raise ValueError('boom')"))


def test_a_pack_that_dies_is_a_failed_check(graph: Graph, tmp_path: Path) -> None:
    body = "def one(args, report):\n    import os\n    os._exit(7)"
    with pytest.raises(PolicyRunError, match="failed in Analyze"):
        run(graph, one(tmp_path, body))


def test_a_pack_that_hangs_is_a_failed_check_within_the_time_limit(
    graph: Graph, tmp_path: Path
) -> None:
    body = "def one(args, report):\n    import time\n    time.sleep(60)"
    begin = time.monotonic()
    with pytest.raises(PolicyRunError, match="did not answer Analyze within"):
        run(graph, one(tmp_path, body), timeout_s=8)
    assert time.monotonic() - begin < 45


def test_a_pack_that_does_not_start_says_what_it_printed(graph: Graph, tmp_path: Path) -> None:
    with pytest.raises(PolicyRunError, match="ended before it was ready"):
        run(graph, pack(tmp_path, "raise SystemExit('no such thing')"))


def test_a_pack_that_never_gets_ready_is_a_failed_check(graph: Graph, tmp_path: Path) -> None:
    with pytest.raises(PolicyRunError, match="was not ready in time"):
        run(graph, pack(tmp_path, "import time\ntime.sleep(60)"), timeout_s=1)


def test_a_pack_that_prints_before_its_port_is_refused(graph: Graph, tmp_path: Path) -> None:
    with pytest.raises(PolicyRunError, match="printed 'hello'"):
        run(graph, pack(tmp_path, f"print('hello')\n{NAMED}".replace("\n    ", "\n")))


def test_a_directory_without_a_pack_says_so(graph: Graph, tmp_path: Path) -> None:
    with pytest.raises(PolicyRunError, match=r"holds no PulumiPolicy\.yaml"):
        run(graph, tmp_path)


def test_the_pack_is_gone_afterwards_even_when_it_ignores_being_asked(
    graph: Graph, tmp_path: Path
) -> None:
    body = f"""
        import os, signal
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        open({str(tmp_path / "partial")!r}, "w").write(str(os.getpid()))
        os.rename({str(tmp_path / "partial")!r}, {str(tmp_path / "pid")!r})

        def one(args, report):
            raise ValueError("boom")
    """
    with pytest.raises(PolicyRunError):
        run(graph, one(tmp_path / "pack", body))
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


CONFIGURED = """
    from pulumi_policy import PolicyConfigSchema

    def one(args, report):
        if args.name == "first":
            report(f"at most {{dict(args.get_config())}}")

    PolicyPack(
        name="configured",
        initial_config={config},
        policies=[
            ResourceValidationPolicy(
                name="one",
                description="One rule.",
                validate=one,
                enforcement_level=EnforcementLevel.{level},
                config_schema=PolicyConfigSchema(
                    properties={{"most": {{"type": "integer", "default": 5}}, "least": {{}}}},
                    required={required},
                ),
            ),
            StackValidationPolicy(name="two", description="Two.", validate=lambda *_: None),
        ],
    )
"""


@pytest.mark.parametrize(
    ("config", "level", "expected"),
    [
        ("{}", "MANDATORY", (Level.MANDATORY, "at most {'most': 5.0}")),
        ("{'one': EnforcementLevel.ADVISORY}", "MANDATORY", (Level.ADVISORY, "{'most': 5.0}")),
        ("{'all': EnforcementLevel.MANDATORY}", "ADVISORY", (Level.MANDATORY, "{'most': 5.0}")),
        (
            "{'one': {'enforcementLevel': EnforcementLevel.MANDATORY, 'most': 9, 'least': 1}}",
            "ADVISORY",
            (Level.MANDATORY, "'most': 9.0"),
        ),
        ("{'one': EnforcementLevel.DISABLED}", "MANDATORY", None),
    ],
)
def test_a_pack_is_configured_as_the_engine_configures_it(
    graph: Graph,
    tmp_path: Path,
    config: str,
    level: str,
    expected: tuple[Level, str] | None,
) -> None:
    report = run(graph, pack(tmp_path, CONFIGURED.format(config=config, level=level, required=[])))
    if expected is None:
        assert report.findings == ()
        assert [policy.name for policy in report.policies] == ["two"]
        return
    (finding,) = report.findings
    assert finding.level is expected[0]
    assert expected[1] in finding.message
    assert report.policies[0].level is expected[0]


def test_a_pack_whose_configuration_is_not_whole_is_a_failed_check(
    graph: Graph, tmp_path: Path
) -> None:
    path = pack(tmp_path, CONFIGURED.format(config={}, level="MANDATORY", required=["least"]))
    with pytest.raises(PolicyRunError, match=r"one needs the property least"):
        run(graph, path)


def test_a_pack_with_every_policy_disabled_is_a_failed_check(graph: Graph, tmp_path: Path) -> None:
    config = "{'all': EnforcementLevel.DISABLED}"
    path = pack(tmp_path, CONFIGURED.format(config=config, level="MANDATORY", required=[]))
    with pytest.raises(PolicyRunError, match="has no policy"):
        run(graph, path)


def test_what_policies_print_does_not_stop_them(graph: Graph, tmp_path: Path) -> None:
    body = "def one(args, report):\n    print('x' * 100_000)\n    report('seen')"
    assert run(graph, one(tmp_path, body), timeout_s=20).findings


LOOKED_UP = """
    import pulumi
    import pulumi_aws as aws

    aws.sns.Topic("ours", opts=pulumi.ResourceOptions(aliases=[pulumi.Alias(name="before")]))
    aws.sns.Topic.get("theirs", "arn:aws:sns:eu-west-1:123456789012:theirs")
"""
SEEN = """
    def one(args, report):
        if args.resource_type == "aws:sns/topic:Topic":
            report(f"{args.name} {args.opts.aliases}")

    def few(args, report):
        report(" ".join(r.name for r in args.resources if "Topic" in r.resource_type))

    PolicyPack(
        name="seen",
        policies=[
            ResourceValidationPolicy(name="one", description="One.", validate=one),
            StackValidationPolicy(name="few", description="Few.", validate=few),
        ],
    )
"""


def test_what_a_program_only_looks_up_is_not_judged_as_under_the_engine(tmp_path: Path) -> None:
    graph = run_graph(project(tmp_path / "demo", LOOKED_UP), "dev")
    report = run(graph, pack(tmp_path / "pack", SEEN))
    assert [finding.message for finding in report.findings] == ["ours", "ours []"]
    assert report.resources == len(graph.nodes) - 1


def test_a_policy_that_tries_to_remediate_counts_as_mandatory(graph: Graph, tmp_path: Path) -> None:
    body = "def one(args, report):\n    report('wrong')"
    report = run(graph, one(tmp_path, body, "REMEDIATE"))
    assert {finding.level for finding in report.findings} == {Level.MANDATORY}
