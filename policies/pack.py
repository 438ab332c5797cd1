"""Serves the rules as a CrossGuard policy pack."""

from collections.abc import Iterable, Mapping
from typing import Final

import pulumi_policy as sdk

from policies.checklist import (
    closed_world,
    contract,
    cost_limits,
    encryption,
    environment,
    exposure,
    ingress,
    limiter,
    network,
    objectives,
    observability,
    retention,
    routing,
    state_safety,
)
from policies.checklist.disaster_recovery import alarms as disaster_recovery_alarms
from policies.checklist.disaster_recovery import stores as disaster_recovery
from policies.checklist.identity import permissions, trust
from policies.checklist.kill_switch import alarms as kill_switch_alarms
from policies.checklist.kill_switch import responder
from policies.checklist.kill_switch import switch as kill_switch
from policies.checklist.residency import flows, inference, reach
from policies.checklist.residency import stores as residency
from policies.core.contract import environment_of, tag_of
from policies.core.properties import Properties
from policies.core.rule import ChecklistItem, Rule, Severity, Violation
from policies.core.subjects import Resource, Stack
from policies.explain import explained
from policies.waivers import (
    WAIVERS,
    Waiver,
    today,
    waived,
    wrong_waivers,
)

NAME: Final = "holdfast"
"""Name of the pack in reports and in the engine."""

RULES: Final[tuple[Rule, ...]] = (
    *residency.RULES,
    *reach.RULES,
    *inference.RULES,
    *permissions.RULES,
    *trust.RULES,
    *kill_switch.RULES,
    *responder.RULES,
    *kill_switch_alarms.RULES,
    *state_safety.RULES,
    *disaster_recovery.RULES,
    *disaster_recovery_alarms.RULES,
    *observability.RULES,
    *cost_limits.RULES,
    *objectives.RULES,
    *environment.RULES,
    *closed_world.RULES,
    *contract.RULES,
    *limiter.RULES,
    *encryption.RULES,
    *retention.RULES,
    *exposure.RULES,
    *ingress.RULES,
    *network.RULES,
    *flows.RULES,
    *routing.RULES,
)
"""Every rule of the pack."""

_SEVERITIES: Final = {
    Severity.MEDIUM: sdk.Severity.MEDIUM,
    Severity.HIGH: sdk.Severity.HIGH,
    Severity.CRITICAL: sdk.Severity.CRITICAL,
}


def serve() -> None:
    """Serves the pack until the engine ends this process."""
    sdk.PolicyPack(
        name=NAME,
        policies=[*(policy_of(rule, WAIVERS) for rule in RULES), *_on_waivers(WAIVERS)],
        enforcement_level=sdk.EnforcementLevel.MANDATORY,
    )


def policy_of(rule: Rule, waivers: tuple[Waiver, ...]) -> sdk.Policy:
    """A rule in the SDK's terms. Violations that a waiver accepts are not reported."""

    def report(
        found: Iterable[tuple[str, Violation]],
        environment: str | None,
        say: sdk.ReportViolation,
    ) -> None:
        for urn, violation in found:
            if not any(one.covers(rule, urn, environment, today()) for one in waivers):
                say(str(violation), urn or None)

    def on_resource(args: sdk.ResourceValidationArgs, say: sdk.ReportViolation) -> None:
        resource = _resource(args)
        report(((args.urn, found) for found in rule.judge(resource)), tag_of(resource), say)

    def on_stack(args: sdk.StackValidationArgs, say: sdk.ReportViolation) -> None:
        stack = stack_of(args.resources)
        report(rule.judge_stack(stack), environment_of(stack), say)

    framework = sdk.PolicyComplianceFramework(name="; ".join(rule.frameworks))
    if rule.on_resource is not None:
        return sdk.ResourceValidationPolicy(
            name=rule.id,
            description=rule.description,
            validate=on_resource,
            severity=_SEVERITIES[rule.severity],
            framework=framework,
            tags=[rule.item.value],
            remediation_steps=explained(rule.explanation, rule.item, rule.id),
        )
    return sdk.StackValidationPolicy(
        name=rule.id,
        description=rule.description,
        validate=on_stack,
        severity=_SEVERITIES[rule.severity],
        framework=framework,
        tags=[rule.item.value],
        remediation_steps=explained(rule.explanation, rule.item, rule.id),
    )


def stack_of(resources: Iterable[sdk.PolicyResource]) -> Stack:
    """The SDK's resources as rules see them, sorted by URN and linked to each other.

    The SDK makes resources of its own for each policy of one request. They hold the same
    messages, by which a stack is known again, with all that rules have computed from it.
    """
    given = sorted(resources, key=lambda resource: resource.urn)
    if not (_LAST and _is_of(_LAST[0], given)):
        _LAST[:] = [_made_of(given)]
    return _LAST[0]


_LAST: Final[list[Stack]] = []
"""The stack that was judged last; one at most."""


def _is_of(stack: Stack, given: list[sdk.PolicyResource]) -> bool:
    return len(stack.resources) == len(given) and all(
        known.properties.is_of(_properties(resource.props))
        for known, resource in zip(stack.resources, given, strict=True)
    )


def _made_of(given: list[sdk.PolicyResource]) -> Stack:
    links: dict[str, dict[str, tuple[Resource, ...]]] = {}
    found: dict[str, Resource] = {}
    for resource in given:
        links[resource.urn] = {}
        found[resource.urn] = _resource(resource, links[resource.urn])
    for resource in given:
        for name, others in resource.property_dependencies.items():
            links[resource.urn][name] = tuple(found[other.urn] for other in others)
    return Stack(resources=tuple(found.values()))


def _resource(
    given: sdk.ResourceValidationArgs | sdk.PolicyResource,
    references: Mapping[str, tuple[Resource, ...]] | None = None,
) -> Resource:
    return Resource(
        urn=given.urn,
        type=given.resource_type,
        name=given.name,
        properties=_properties(given.props),
        protect=given.opts.protect,
        ignored=tuple(given.opts.ignore_changes),
        provider=None if given.provider is None else _properties(given.provider.props),
        references={} if references is None else references,
    )


def _properties(given: object) -> Properties:
    if not isinstance(given, Properties):
        raise TypeError(
            "the SDK decoded a resource itself; call policies.core.lazy.install() first"
        )
    return given


def _on_waivers(waivers: tuple[Waiver, ...]) -> list[sdk.Policy]:
    """Two policies about the waivers: they are in order, and they are seen."""

    def in_order(args: sdk.StackValidationArgs, say: sdk.ReportViolation) -> None:
        for violation in wrong_waivers(waivers, RULES, stack_of(args.resources), today()):
            say(str(violation), None)

    def seen(args: sdk.StackValidationArgs, say: sdk.ReportViolation) -> None:
        stack = stack_of(args.resources)
        for waiver in waivers:
            for rule in RULES:
                for urn, violation in waived(waiver, rule, stack, today()):
                    say(f"{waiver}. It accepts: {violation.found}", urn or None)

    return [
        sdk.StackValidationPolicy(
            name="waivers-in-order",
            description="A waiver names one resource, a reason and an owner, and is still needed.",
            validate=in_order,
            severity=sdk.Severity.HIGH,
            tags=[ChecklistItem.WAIVERS.value],
        ),
        sdk.StackValidationPolicy(
            name="waivers-in-force",
            description="A violation of this resource is accepted for a while.",
            validate=seen,
            enforcement_level=sdk.EnforcementLevel.ADVISORY,
            severity=sdk.Severity.MEDIUM,
            tags=[ChecklistItem.WAIVERS.value],
        ),
    ]
