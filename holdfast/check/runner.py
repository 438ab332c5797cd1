"""Speaks Pulumi's analyzer protocol to a policy pack, as the engine would in a preview.

Guarantees:
    Fail closed. A pack that crashes, hangs, or skips a policy because a value is unknown makes
    the check raise: it is never a pass.

Does not guarantee:
    Remediations: what a ``remediate`` policy would change stays as it is, and the violation
    counts as mandatory.
"""

import re
import sys
from collections.abc import Callable, Generator, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from queue import SimpleQueue
from typing import TypeVar

import grpc
from google.protobuf import empty_pb2
from google.protobuf.message import Message
from pulumi.runtime.proto import analyzer_pb2

from holdfast.check.masking import Masking
from holdfast.check.model import Finding, Level, Policy, Report
from holdfast.check.process import PackProcess, started
from holdfast.check.requests import (
    Subject,
    analyze_request,
    configure_request,
    environment,
    is_judged,
    stack_request,
)
from holdfast.check.settings import configured, missing
from holdfast.errors import PolicyRunError
from holdfast.graph import STACK_TYPE, Graph, Node
from holdfast.graph import run as run_graph
from holdfast.graph.project import read_config, read_project

_Answer = TypeVar("_Answer", bound=Message)
_Settings = Mapping[str, analyzer_pb2.PolicyConfig]
_Found = tuple[Node | None, analyzer_pb2.AnalyzeDiagnostic]

_SWITCH_S = 0.0001

# What the SDK reports, as an advisory note, when a policy touches an unknown value.
_SKIPPED = re.compile(r"can't run policy '(?P<policy>[^']*)' .*during preview: (?P<why>.*)")
_FIX = re.compile(r"\s*\bFix: (?P<fix>.*?)\s*$", re.DOTALL)
_LEVELS = {
    analyzer_pb2.ADVISORY: Level.ADVISORY,
    analyzer_pb2.MANDATORY: Level.MANDATORY,
    # The engine counts a violation that is left after remediation as mandatory.
    analyzer_pb2.REMEDIATE: Level.MANDATORY,
}


def run(graph: Graph, pack: Path, *, timeout_s: float = 120) -> Report:
    """Runs every policy of a pack over a graph.

    Args:
        graph: What to check, usually a preview.
        pack: Directory that holds the pack's ``PulumiPolicy.yaml``.
        timeout_s: How long the pack may take to start, and again for each of its answers.

    Returns:
        What it found, sorted.

    Raises:
        PolicyRunError: If the pack does not start, crashes, takes too long, has no policy, or
            leaves a policy out. That is a failed check.
    """
    subject = Subject(
        project=graph.project, stack=graph.stack, preview=graph.preview, config=graph.config
    )
    with _judging(pack, subject, timeout_s) as judge:
        for node in graph.in_dependency_order():
            judge.look(node)
        return judge.report(graph)


def run_stack(
    project: Path,
    stack: str,
    pack: Path,
    *,
    config: Mapping[str, str] | None = None,
    timeout_s: float = 120,
) -> Report:
    """Previews a stack in process and checks it, while the program runs.

    Args:
        project: Directory that holds ``Pulumi.yaml``.
        stack: Stack name.
        pack: Directory that holds the pack's ``PulumiPolicy.yaml``.
        config: Values that win over the stack file's; see ``holdfast.graph.run``.
        timeout_s: How long the program may take, the pack to start, and each of its answers.

    Returns:
        The same report as ``run`` gives over that graph.

    Raises:
        GraphError: If the program does not give a graph.
        PolicyRunError: As ``run`` does.
    """
    found = read_project(project)
    settings = read_config(found, stack, config or {})
    shown = {key: text for key, text in settings.values.items() if key not in settings.secrets}
    subject = Subject(project=found.name, stack=stack, preview=True, config=shown)
    with _judging(pack, subject, timeout_s) as judge:
        graph = run_graph(project, stack, config=config, on_node=judge.look, timeout_s=timeout_s)
        return judge.report(graph)


def policies_of(pack: Path, *, timeout_s: float = 120) -> tuple[Policy, ...]:
    """What a pack asks for, by its own word. Nothing is checked.

    Args:
        pack: Directory that holds the pack's ``PulumiPolicy.yaml``.
        timeout_s: How long the pack may take to start, and again to answer.

    Returns:
        Its policies, sorted by name; those that are disabled are left out.

    Raises:
        PolicyRunError: If the pack does not start, crashes or takes too long.
    """
    nothing = Subject(project="none", stack="none", preview=True, config={})
    with started(pack.resolve(), environment(nothing), timeout_s) as process:
        info = _Analyzer(process, timeout_s).info()
    return _policies(info, configured(info))


@contextmanager
def _judging(pack: Path, subject: Subject, timeout_s: float) -> Generator["_Judge"]:
    with (
        # The pack ends first: whatever the thread asks of it then fails, and the thread ends too.
        ThreadPoolExecutor(1, "holdfast-check") as thread,
        _answers_are_heard(),
        started(pack.resolve(), environment(subject), timeout_s) as process,
    ):
        judge = _Judge(_Analyzer(process, timeout_s), thread, subject)
        try:
            yield judge
        finally:
            judge.close()


@contextmanager
def _answers_are_heard() -> Generator[None]:
    """Lets the thread that waits for the pack go on soon after each answer.

    The program computes without a pause meanwhile, and Python lets a thread that computes go on
    for 5 ms before another one has its turn: with hundreds of answers, a tenth of a check.
    """
    before_s = sys.getswitchinterval()
    sys.setswitchinterval(_SWITCH_S)
    try:
        yield
    finally:
        sys.setswitchinterval(before_s)


class _Judge:
    """Shows a pack one resource after the other, beside the program that registers them."""

    def __init__(self, analyzer: "_Analyzer", thread: ThreadPoolExecutor, subject: Subject) -> None:
        self._analyzer = analyzer
        self._waiting = SimpleQueue[Node | None]()
        self._judged = thread.submit(self._judge, subject)

    def look(self, node: Node) -> None:
        """Takes a resource, after its provider; does not wait for what the pack says of it."""
        self._waiting.put(node)

    def close(self) -> None:
        """There are no more resources."""
        self._waiting.put(None)

    def report(self, graph: Graph) -> Report:
        """What the pack says of all resources that it was shown, and of the whole stack.

        Raises:
            PolicyRunError: As ``run`` does.
        """
        self.close()
        info, settings, found = self._judged.result()
        found += [(None, diagnostic) for diagnostic in self._analyzer.stack(graph)]
        masking = Masking(graph)
        findings = (_finding(graph, diagnostic, node, masking) for node, diagnostic in found)
        return Report(
            project=graph.project,
            stack=graph.stack,
            pack=info.name,
            resources=sum(map(is_judged, graph.nodes)),
            policies=_policies(info, settings),
            findings=tuple(sorted(findings, key=_order)),
        )

    def _judge(self, subject: Subject) -> tuple[analyzer_pb2.AnalyzerInfo, _Settings, list[_Found]]:
        info = self._analyzer.info()
        settings = self._analyzer.configure(info)
        self._analyzer.configure_stack(subject)
        known: dict[str, Node] = {}
        found: list[_Found] = []
        while (node := self._waiting.get()) is not None:
            known[node.urn] = node
            if is_judged(node):
                said = self._analyzer.analyze(node, known)
                found += [(node, diagnostic) for diagnostic in said]
        return info, settings, found


class _Analyzer:
    """The protocol's calls, each one bounded, and none of its failures silent."""

    def __init__(self, process: PackProcess, timeout_s: float) -> None:
        self._process = process
        self._timeout_s = timeout_s

    def info(self) -> analyzer_pb2.AnalyzerInfo:
        return self._call(
            "GetAnalyzerInfo", empty_pb2.Empty(), analyzer_pb2.AnalyzerInfo.FromString
        )

    def configure(self, info: analyzer_pb2.AnalyzerInfo) -> _Settings:
        settings = configured(info)
        if all(one.enforcementLevel == analyzer_pb2.DISABLED for one in settings.values()):
            raise PolicyRunError(
                f"the policy pack {self._process.path} has no policy that is not disabled. "
                f"Allowed is one or more; a check that cannot fail is a defect."
            )
        lacking = "; ".join(missing(info, settings))
        if lacking:
            raise PolicyRunError(
                f"the policy pack {self._process.path} is not configured: {lacking}. Give the "
                f"property a default in its schema, or a value in the pack's `initial_config`."
            )
        request = analyzer_pb2.ConfigureAnalyzerRequest(policyConfig=settings)
        self._call("Configure", request, empty_pb2.Empty.FromString)
        return settings

    def configure_stack(self, subject: Subject) -> None:
        self._call(
            "ConfigureStack",
            configure_request(subject),
            analyzer_pb2.AnalyzerStackConfigureResponse.FromString,
        )

    def analyze(
        self, node: Node, known: Mapping[str, Node]
    ) -> Iterable[analyzer_pb2.AnalyzeDiagnostic]:
        return self._analyze("Analyze", analyze_request(node, known))

    def stack(self, graph: Graph) -> Iterable[analyzer_pb2.AnalyzeDiagnostic]:
        return self._analyze("AnalyzeStack", stack_request(graph))

    def _analyze(self, method: str, request: Message) -> Iterable[analyzer_pb2.AnalyzeDiagnostic]:
        answer = self._call(method, request, analyzer_pb2.AnalyzeResponse.FromString)
        for diagnostic in answer.diagnostics:
            skipped = _SKIPPED.search(diagnostic.message)
            if skipped is not None:
                raise self._process.explain(
                    f"the policy {skipped['policy']} was skipped: {skipped['why']}. Allowed are "
                    f"policies that judge every resource; make it report the unknown value."
                )
        return answer.diagnostics

    def _call(self, method: str, request: Message, decode: Callable[[bytes], _Answer]) -> _Answer:
        # The SDK's own stub is untyped; this is what it does.
        call = self._process.channel.unary_unary(
            f"/pulumirpc.Analyzer/{method}",
            request_serializer=_encode,
            response_deserializer=decode,
        )
        try:
            return call(request, timeout=self._timeout_s)
        except grpc.RpcError as error:
            raise self._process.explain(_why(method, error, self._timeout_s)) from error


def _encode(request: Message) -> bytes:
    return request.SerializeToString()


def _why(method: str, error: grpc.RpcError, timeout_s: float) -> str:
    if not isinstance(error, grpc.Call):
        return f"the policy pack failed in {method}: {error}."
    if error.code() is grpc.StatusCode.DEADLINE_EXCEEDED:
        return f"the policy pack did not answer {method} within {timeout_s} s."
    return f"the policy pack failed in {method}: {error.details()}."


def _finding(
    graph: Graph,
    diagnostic: analyzer_pb2.AnalyzeDiagnostic,
    node: Node | None,
    masking: Masking,
) -> Finding:
    # What concerns the whole stack, the engine reports on the stack's own resource.
    root = "".join(found.urn for found in graph.of_type(STACK_TYPE))
    urn = node.urn if node is not None else diagnostic.urn or root
    said = diagnostic.message.removeprefix(diagnostic.description).strip()
    message = masking.masked(said)
    fix = _FIX.search(message)
    known = graph.by_urn.get(urn)
    return Finding(
        policy=diagnostic.policyName,
        level=_LEVELS.get(diagnostic.enforcementLevel, Level.MANDATORY),
        severity=_severity(diagnostic.severity),
        urn=urn,
        message=message if fix is None else message[: fix.start()],
        fix="" if fix is None else fix["fix"],
        source=None if known is None else known.source,
    )


def _policies(info: analyzer_pb2.AnalyzerInfo, settings: _Settings) -> tuple[Policy, ...]:
    return tuple(
        _policy(policy, settings[policy.name].enforcementLevel)
        for policy in sorted(info.policies, key=lambda policy: policy.name)
        if settings[policy.name].enforcementLevel != analyzer_pb2.DISABLED
    )


def _policy(
    info: analyzer_pb2.PolicyInfo, level: analyzer_pb2.EnforcementLevel.ValueType
) -> Policy:
    return Policy(
        name=info.name,
        description=info.description,
        level=_LEVELS.get(level, Level.MANDATORY),
        severity=_severity(info.severity),
        frameworks=info.framework.name,
        explanation=info.remediation_steps,
        tags=tuple(info.tags),
    )


def _severity(severity: analyzer_pb2.PolicySeverity.ValueType) -> str:
    name = analyzer_pb2.PolicySeverity.Name(severity).removeprefix("POLICY_SEVERITY_").lower()
    return "" if name == "unspecified" else name


def _order(finding: Finding) -> tuple[bool, str, str, str]:
    return finding.level is not Level.MANDATORY, finding.policy, finding.urn, finding.message
