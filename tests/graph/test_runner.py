import asyncio
import importlib.util
import marshal
import os
import py_compile
import shutil
import signal
import sys
import threading
from collections.abc import Mapping
from pathlib import Path

import pytest

from holdfast.errors import GraphError, TwinError
from holdfast.graph import (
    UNKNOWN,
    Node,
    Realised,
    Registration,
    Secret,
    Source,
    Value,
    contains_unknown,
    run,
)
from tests.graph.projects import EVERYTHING, EVERYTHING_CONFIG, project


class Deployer:
    """Makes every resource, and remembers in which order."""

    def __init__(self) -> None:
        self.made: list[Registration] = []
        self.threads: set[int] = set()
        self._lock = threading.Lock()

    def register(self, registration: Registration) -> Realised:
        with self._lock:
            self.made.append(registration)
            self.threads.add(threading.get_ident())
        arn = f"arn:{registration.name}"
        return Realised(id=f"id-{registration.name}", outputs={**registration.inputs, "arn": arn})

    def invoke(
        self, token: str, args: Mapping[str, Value], *, region: str | None
    ) -> Mapping[str, Value]:
        return {"accountId": "000000000000", "token": token, "region": args.get("region", region)}


class Failing(Deployer):
    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error

    def register(self, registration: Registration) -> Realised:
        del registration
        raise self.error


TABLE = """
    import pulumi
    import pulumi_aws as aws

    key = aws.kms.Key("key")
    table = aws.dynamodb.Table(
        "table",
        name="t",
        hash_key="pk",
        server_side_encryption={"enabled": True, "kms_key_arn": key.arn},
    )
    pulumi.export("arn", table.arn)
"""


def test_a_graph_says_where_the_program_creates_each_resource(tmp_path: Path) -> None:
    graph = run(project(tmp_path, TABLE), "dev")
    (table,) = graph.of_type("aws:dynamodb/table:Table")
    assert table.source == Source("app/__main__.py", 6)


def test_a_preview_knows_what_the_program_gave_and_nothing_else(tmp_path: Path) -> None:
    graph = run(project(tmp_path, TABLE), "dev")
    (table,) = graph.of_type("aws:dynamodb/table:Table")
    assert table.inputs["name"] == "t"
    assert table.inputs["serverSideEncryption"] == {"enabled": True, "kmsKeyArn": UNKNOWN}
    assert table.id is UNKNOWN
    assert graph.outputs == {"arn": UNKNOWN}


def test_a_deploying_provider_sees_known_values_in_dependency_order(tmp_path: Path) -> None:
    deployer = Deployer()
    graph = run(project(tmp_path, TABLE), "dev", provider=deployer)
    assert [made.name for made in deployer.made] == ["key", "table"]
    assert not contains_unknown(deployer.made[1].inputs)
    assert deployer.made[1].dependencies == (graph.of_type("aws:kms/key:Key")[0].urn,)
    assert graph.outputs == {"arn": "arn:table"}
    assert threading.get_ident() not in deployer.threads


def test_a_second_run_of_the_same_project_gives_the_same_graph(tmp_path: Path) -> None:
    root = project(tmp_path, EVERYTHING, config=EVERYTHING_CONFIG)
    assert run(root, "dev") == run(root, "dev")


def test_projects_with_modules_of_the_same_name_do_not_see_each_other(tmp_path: Path) -> None:
    program = """
        import pulumi
        import parts

        pulumi.export("who", parts.WHO)
    """
    before = set(sys.modules)
    found: list[object] = []
    for who in ("a", "b", "a"):
        root = project(tmp_path / who, program, files={"app/parts.py": f"WHO = {who!r}\n"})
        found.append(run(root, "dev").outputs["who"])
    assert found == ["a", "b", "a"]
    assert "parts" not in set(sys.modules) - before


def _with_parts(directory: Path) -> tuple[Path, Path]:
    program = "import parts\nimport pulumi\n\npulumi.export('who', parts.WHO)\n"
    root = project(directory, program, files={"app/parts.py": "WHO = 'a'\n"})
    return root, root / "app" / "parts.py"


@pytest.mark.parametrize("cached_by", ["us", "Python"])
def test_a_program_s_own_modules_are_run_as_they_are_written_now(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cached_by: str
) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    root, parts = _with_parts(tmp_path)
    long_ago = parts.stat().st_mtime
    if cached_by == "Python":
        py_compile.compile(str(parts), doraise=True)
    else:
        assert run(root, "dev").outputs["who"] == "a"
    parts.write_text("WHO = 'b'\n")
    os.utime(parts, (long_ago, long_ago))
    assert run(root, "dev").outputs["who"] == "b"


def test_a_program_s_own_modules_are_compiled_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    root, parts = _with_parts(tmp_path)
    run(root, "dev")
    cache = Path(importlib.util.cache_from_source(str(parts)))
    # Of another value than the source, so that it shows which of both is run.
    cached = cache.read_bytes()
    cache.write_bytes(cached[:16] + marshal.dumps(compile("WHO = 'cached'", str(parts), "exec")))
    assert run(root, "dev").outputs["who"] == "cached"
    for broken in (cached[:16] + b"?", cached[:20], b"", cached[:16] + marshal.dumps("text")):
        cache.write_bytes(broken)
        assert run(root, "dev").outputs["who"] == "a"
        assert cache.read_bytes() == cached


def test_a_program_that_was_copied_with_its_caches_is_told_of_where_it_lies_now(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    program = "import parts\n"
    topic = "import pulumi_aws as aws\n\naws.sns.Topic('t')\n"
    root = project(tmp_path / "here", program, files={"app/parts.py": topic})
    run(root, "dev")
    there = tmp_path / "there"
    shutil.copytree(root, there)
    assert list(there.rglob("*.pyc"))
    assert run(there, "dev").of_type("aws:sns/topic:Topic")[0].source == Source("app/parts.py", 3)


def test_nothing_is_written_beside_a_program_where_python_writes_no_bytecode(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    root, _ = _with_parts(tmp_path)
    run(root, "dev")
    assert not list(root.rglob("__pycache__"))


def test_installed_packages_that_a_program_imports_are_compiled_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    packages = tmp_path / "site-packages"
    packages.mkdir()
    (packages / "holdfast_test_heavy.py").write_text("WEIGHT = 1\n")
    monkeypatch.setattr(sys, "path", [str(packages), *sys.path])
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    run(project(tmp_path / "demo", "import holdfast_test_heavy\n"), "dev")
    sys.modules.pop("holdfast_test_heavy")
    assert list(packages.glob("__pycache__/holdfast_test_heavy.*.pyc"))


def test_a_run_leaves_the_process_as_it_was(tmp_path: Path) -> None:
    program = """
        import os
        import sys

        os.environ["HOLDFAST_TEST_LEAK"] = "1"
        sys.path.append("/nowhere")
        assert sys.argv == [os.getcwd()]
        assert sys.path[0] == os.getcwd()
    """
    before = list(sys.path), list(sys.argv), Path.cwd()
    run(project(tmp_path, program), "dev")
    assert (sys.path, sys.argv, Path.cwd()) == before
    assert "HOLDFAST_TEST_LEAK" not in os.environ


def test_an_exception_names_its_place_and_message(tmp_path: Path) -> None:
    root = project(
        tmp_path, "import pulumi\n\n\ndef f():\n    raise ValueError('too small')\nf()\n"
    )
    with pytest.raises(GraphError, match=r"app/__main__.py:5: ValueError: too small"):
        run(root, "dev")


def test_what_a_program_tells_its_user_is_told_without_a_place(tmp_path: Path) -> None:
    program = "import pulumi\nraise pulumi.RunError('name a region')\n"
    with pytest.raises(GraphError, match=r"^name a region$"):
        run(project(tmp_path, program), "dev")


def test_an_exception_inside_an_apply_names_its_place(tmp_path: Path) -> None:
    program = """
        import pulumi
        import pulumi_aws as aws

        def explode(name):
            raise RuntimeError("no")

        topic = aws.sns.Topic("t", name="n")
        aws.sns.Topic("u", name=topic.name.apply(explode))
    """
    with pytest.raises(GraphError, match=r"app/__main__.py:6: .*no"):
        run(project(tmp_path, program), "dev")


def test_an_exception_inside_a_transform_is_one_sentence_with_its_place(tmp_path: Path) -> None:
    program = """
        import pulumi
        import pulumi_aws as aws

        def explode(args):
            raise RuntimeError("no: not this")

        aws.sns.Topic("t", opts=pulumi.ResourceOptions(transforms=[explode]))
    """
    with pytest.raises(GraphError) as caught:
        run(project(tmp_path, program), "dev")
    assert str(caught.value) == (
        "app/__main__.py:6: a transform of aws:sns/topic:Topic 't' failed: no: not this"
    )


def test_a_program_that_exits_with_a_failure_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(GraphError, match="SystemExit: 3"):
        run(project(tmp_path, "import sys\nsys.exit(3)\n"), "dev")


@pytest.mark.parametrize("code", [0, 3])
def test_an_exit_inside_an_apply_is_an_error_because_the_graph_is_not_whole(
    tmp_path: Path, code: int
) -> None:
    program = f"""
        import sys
        import pulumi_aws as aws

        topic = aws.sns.Topic("t", name="n")
        topic.name.apply(lambda _: sys.exit({code}))
        aws.sns.Topic("u", name=topic.name)
    """
    with pytest.raises(GraphError, match=rf"app/__main__.py:6: .*SystemExit: {code}"):
        run(project(tmp_path, program), "dev")


def test_a_duplicate_urn_names_both_places(tmp_path: Path) -> None:
    program = """
        import pulumi_aws as aws

        aws.sns.Topic("t")
        aws.sns.Topic("t")
    """
    with pytest.raises(GraphError, match="registered twice") as caught:
        run(project(tmp_path, program), "dev")
    assert "app/__main__.py:4" in str(caught.value)
    assert "app/__main__.py:5" in str(caught.value)


def test_a_program_that_never_ends_is_an_error_within_the_time_limit(tmp_path: Path) -> None:
    program = """
        import asyncio
        import pulumi
        import pulumi_aws as aws

        aws.sns.Topic("t", name=pulumi.Output.from_input(asyncio.Future()))
    """
    with pytest.raises(GraphError, match=r"did not end within 0.5 s"):
        run(project(tmp_path, program), "dev", timeout_s=0.5)


INTERRUPTED = """
    import asyncio
    import os
    import signal
    import pulumi
    import pulumi_aws as aws

    aws.sns.Topic("t", name=pulumi.Output.from_input(asyncio.Future()))
    try:
        os.kill(os.getpid(), signal.SIGINT)
    except {caught}:
        pass
"""


@pytest.mark.parametrize("caught", ["ValueError", "BaseException"])
def test_ctrl_c_ends_a_program_that_outwaits_or_swallows_it(tmp_path: Path, caught: str) -> None:
    with pytest.raises(KeyboardInterrupt):
        run(project(tmp_path, INTERRUPTED.format(caught=caught)), "dev", timeout_s=20)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_ctrl_c_that_got_lost_at_the_very_end_is_raised_all_the_same(tmp_path: Path) -> None:
    program = INTERRUPTED.format(caught="BaseException").replace("asyncio.Future()", "'t'")
    with pytest.raises(KeyboardInterrupt):
        run(project(tmp_path, program), "dev")


def test_a_provider_s_own_error_reaches_the_caller_unchanged(tmp_path: Path) -> None:
    with pytest.raises(TwinError, match="no room"):
        run(project(tmp_path, TABLE), "dev", provider=Failing(TwinError("no room")))


def test_any_other_error_of_a_provider_names_the_resource_and_its_place(tmp_path: Path) -> None:
    with pytest.raises(GraphError, match=r"app/__main__.py:5: aws:kms/key:Key key .*KeyError"):
        run(project(tmp_path, TABLE), "dev", provider=Failing(KeyError("x")))


def test_an_error_that_the_program_swallows_still_fails_the_run(tmp_path: Path) -> None:
    program = """
        import pulumi_aws as aws

        try:
            aws.ec2.get_ami(most_recent=True)
        except Exception:
            pass
    """
    with pytest.raises(GraphError, match="aws:ec2/getAmi:getAmi"):
        run(project(tmp_path, program), "dev")


def test_a_function_without_a_placeholder_says_which_ones_there_are(tmp_path: Path) -> None:
    program = "import pulumi_aws as aws\naws.ec2.get_vpc(default=True)\n"
    with pytest.raises(GraphError, match="Allowed are aws:index/getAvailabilityZones"):
        run(project(tmp_path, program), "dev")


def test_placeholders_answer_for_the_region_that_is_asked(tmp_path: Path) -> None:
    program = """
        import pulumi
        import pulumi_aws as aws

        pulumi.export("account", aws.get_caller_identity().account_id)
        pulumi.export("own", aws.get_region().region)
        pulumi.export("other", aws.get_availability_zones(region="eu-west-3").names)
    """
    graph = run(project(tmp_path, program, config="config: {aws:region: eu-west-1}\n"), "dev")
    assert graph.outputs == {
        "account": "123456789012",
        "own": "eu-west-1",
        "other": ["eu-west-3a", "eu-west-3b", "eu-west-3c"],
    }


HOOKED = """
    import pulumi
    import pulumi_aws as aws

    around = pulumi.ResourceHook(
        "around", lambda _: None, opts=pulumi.ResourceHookOptions(on_dry_run={always})
    )
    failed = pulumi.ErrorHook("failed", lambda _: False)
    aws.sns.Topic("t", opts=pulumi.ResourceOptions(
        hooks=pulumi.ResourceHookBinding(after_create=[around], on_error=[failed])))
"""


def test_hooks_that_an_engine_would_not_run_in_a_preview_do_not_stop_one(tmp_path: Path) -> None:
    graph = run(project(tmp_path, HOOKED.format(always=False)), "dev")
    assert len(graph.of_type("aws:sns/topic:Topic")) == 1


def test_hooks_that_nobody_would_run_are_refused_by_name(tmp_path: Path) -> None:
    program = HOOKED.format(always=True)
    with pytest.raises(GraphError, match=r"Topic 't' has the hooks around, which only"):
        run(project(tmp_path / "a", program), "dev")
    with pytest.raises(GraphError, match=r"Topic 't' has the hooks around, failed, which only"):
        run(project(tmp_path / "b", program), "dev", provider=Deployer())


def test_secrets_stay_secret_through_resources_and_outputs(tmp_path: Path) -> None:
    graph = run(project(tmp_path, EVERYTHING, config=EVERYTHING_CONFIG), "dev")
    (parameter,) = graph.of_type("aws:ssm/parameter:Parameter")
    assert parameter.inputs["value"] == Secret("hush")
    assert graph.outputs["token"] == Secret("hush")
    assert "hush" not in repr(parameter)


def test_a_child_is_protected_by_its_parent_unless_it_says_otherwise(tmp_path: Path) -> None:
    graph = run(project(tmp_path, EVERYTHING, config=EVERYTHING_CONFIG), "dev")
    protected = {node.name: node.options.protect for node in graph.nodes}
    assert protected["o"]
    assert protected["o-inner"]
    assert not protected["o-free"]


def test_a_urn_carries_the_chain_of_its_parents_types(tmp_path: Path) -> None:
    graph = run(project(tmp_path, EVERYTHING, config=EVERYTHING_CONFIG), "dev")
    chain = "demo:out:Outer$demo:in:Inner$aws:sns/topic:Topic"
    assert f"urn:pulumi:dev::demo::{chain}::o-inner" in graph.by_urn


RENAMED = """
    import pulumi
    import pulumi_aws as aws


    class Home(pulumi.ComponentResource):
        def __init__(self, name, opts=None):
            super().__init__("demo:index:Home", name, None, opts)
            pulumi.ComponentResource(
                "demo:index:Room", f"{name}-room", None, pulumi.ResourceOptions(parent=self)
            )
            aws.sns.Topic("fixed", opts=pulumi.ResourceOptions(
                parent=self, aliases=[pulumi.Alias(name="before")]))
            aws.sns.Topic(f"{name}-topic", opts=pulumi.ResourceOptions(parent=self))


    Home("new", opts=pulumi.ResourceOptions(aliases=[
        pulumi.Alias(name="old"), pulumi.Alias(type_="demo:index:House")]))
"""


def test_the_children_of_what_was_renamed_were_named_after_it_before(tmp_path: Path) -> None:
    graph = run(project(tmp_path, RENAMED), "dev")
    aliases = {node.name: set(node.options.aliases) for node in graph.nodes}
    start = "urn:pulumi:dev::demo::"
    assert aliases["new"] == {f"{start}demo:index:Home::old", f"{start}demo:index:House::new"}
    # A name that begins with the parent's began with the parent's former one.
    assert aliases["new-room"] == {
        f"{start}demo:index:Home$demo:index:Room::old-room",
        f"{start}demo:index:House$demo:index:Room::new-room",
    }
    assert aliases["new-topic"] == {
        f"{start}demo:index:Home$aws:sns/topic:Topic::old-topic",
        f"{start}demo:index:House$aws:sns/topic:Topic::new-topic",
    }
    assert aliases["fixed"] == {
        f"{start}demo:index:{kind}$aws:sns/topic:Topic::{name}"
        for kind, name in (
            ("Home", "before"),
            ("Home", "fixed"),
            ("House", "before"),
            ("House", "fixed"),
        )
    }


def test_a_resource_lies_in_its_own_region_or_in_its_provider_s(tmp_path: Path) -> None:
    graph = run(project(tmp_path, EVERYTHING, config=EVERYTHING_CONFIG), "dev")
    regions = {node.name: node.region for node in graph.nodes if node.provider}
    assert regions["table"] == "eu-west-1"
    assert regions["queue"] == "eu-central-1"
    assert regions["key"] == "eu-west-1"


def test_a_looked_up_resource_is_external(tmp_path: Path) -> None:
    program = 'import pulumi_aws as aws\naws.s3.Bucket.get("b", "my-bucket")\n'
    graph = run(project(tmp_path, program), "dev")
    (bucket,) = graph.of_type("aws:s3/bucket:Bucket")
    assert bucket.external
    assert bucket.id == "my-bucket"


def test_dependency_order_puts_parents_and_dependencies_first(tmp_path: Path) -> None:
    graph = run(project(tmp_path, EVERYTHING, config=EVERYTHING_CONFIG), "dev")
    seen: set[str] = set()
    for node in graph.in_dependency_order():
        assert {node.parent, node.provider, *node.dependencies} - {None} <= seen
        seen.add(node.urn)


def test_each_resource_is_told_once_and_after_what_it_needs(tmp_path: Path) -> None:
    told: list[Node] = []
    root = project(tmp_path, EVERYTHING, config=EVERYTHING_CONFIG)
    graph = run(root, "dev", on_node=told.append)
    assert sorted(node.urn for node in told) == [node.urn for node in graph.nodes]
    seen: set[str] = set()
    for node in told:
        assert {node.parent, node.provider, *node.dependencies} - {None} <= seen
        assert node.inputs == graph.by_urn[node.urn].inputs
        assert node.options == graph.by_urn[node.urn].options
        seen.add(node.urn)


def test_resources_before_a_failure_are_told(tmp_path: Path) -> None:
    told: list[str] = []
    program = """
        import pulumi_aws as aws

        def fail(_name):
            raise ValueError("no")

        aws.sns.Topic("first", name="a").name.apply(fail)
    """
    with pytest.raises(GraphError, match="ValueError: no"):
        run(project(tmp_path, program), "dev", on_node=lambda node: told.append(node.name))
    assert "first" in told


async def _inside(root: Path) -> None:
    run(root, "dev")


def test_running_inside_an_event_loop_is_refused_with_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(GraphError, match=r"asyncio\.to_thread"):
        asyncio.run(_inside(project(tmp_path, TABLE)))
