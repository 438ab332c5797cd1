"""From a drill and a platform's contract to a plan, or to the reasons why there is none. Pure.

It is asked twice: of the contract that a stack is going to have, before anything is started, and
of the one that was deployed.
"""

from collections.abc import Iterator

from holdfast.contract import Platform
from holdfast.drills.application import Agents
from holdfast.drills.casting import Cast, Misfit, cast
from holdfast.drills.checks import Check
from holdfast.drills.drill import Drill, Timing
from holdfast.drills.history import Evidence, Plan, Territory
from holdfast.drills.mutants import Mutant

_UNSEEN = {
    Evidence.OTHERS: "the platform has one jurisdiction",
    Evidence.LEADER: "the agents' file names no record of a leader",
    Evidence.COORDINATION: "the agents' file names no record in the coordination table",
    Evidence.STATE: "the agents' file names no record in the state table",
    Evidence.EFFECTS: "the agents' file names no ledger of effects",
    Evidence.STALE_WRITES: "the agents' file says of no log line that a stale write was refused",
}
"""Why there is nothing to be seen of a kind."""


def plan_of(
    drill: type[Drill], platform: Platform, *, agents: Agents, mutant: Mutant | None
) -> Plan | Misfit:
    """What a drill is going to do on a platform, or why it does not fit it.

    Args:
        drill: What is to be rehearsed.
        platform: On what. What only its deployment can tell does not matter here.
        agents: Who runs on it.
        mutant: The mistake that is built in, or None.
    """
    found = cast(drill.loss.role, platform)
    timing = drill.loss.timing(platform.objectives.rto_s, drill.workload.timeout_s)
    if isinstance(found, Misfit) or isinstance(timing, str):
        reasons = found.reasons if isinstance(found, Misfit) else ()
        return Misfit((*reasons, *((timing,) if isinstance(timing, str) else ())))
    plan = _plan(drill, platform, found, timing, agents=agents, mutant=mutant)
    unfit = (
        tuple(_unfit_mutant(drill, mutant, platform, plan=plan, agents=agents)) if mutant else ()
    )
    return Misfit(unfit) if unfit else plan


def not_asked(check: Check, plan: Plan) -> str | None:
    """Why a check is not asked of a plan's history, or None where it is."""
    unseen = sorted(check.needs - set(plan.evidence))
    return "; ".join(_UNSEEN[kind] for kind in unseen) or None


def _plan(
    drill: type[Drill],
    platform: Platform,
    found: Cast,
    timing: Timing,
    *,
    agents: Agents,
    mutant: Mutant | None,
) -> Plan:
    workload = drill.workload
    rate_per_s = workload.rate_per_s * len(platform.jurisdictions)
    others = {Evidence.OTHERS} if len(platform.jurisdictions) > 1 else set[Evidence]()
    return Plan(
        drill=drill.name,
        stack=platform.stack,
        mutant=None if mutant is None else mutant.name,
        seed=workload.seed,
        rate_per_s=rate_per_s,
        requests=int(rate_per_s * timing.duration_s),
        timeout_s=workload.timeout_s,
        affected=found.affected,
        lost_region=found.lost_region,
        audited=found.audited,
        lost_at_s=timing.lost_at_s,
        back_at_s=timing.back_at_s,
        duration_s=timing.duration_s,
        dns_ttl_s=max(one.dns_ttl_s for one in platform.jurisdictions.values()),
        objectives=platform.objectives,
        territories={
            name: Territory(
                hostname=one.hostname,
                serving=tuple(sorted(one.regions)),
                witness=one.witness,
                resources=(
                    one.coordination.name,
                    one.state.name,
                    *(region.bucket.name for _, region in sorted(one.regions.items())),
                ),
            )
            for name, one in sorted(platform.jurisdictions.items())
        },
        evidence=tuple(sorted(agents.evidence | others)),
    )


def _unfit_mutant(
    drill: type[Drill], mutant: Mutant, platform: Platform, *, plan: Plan, agents: Agents
) -> Iterator[str]:
    """Why a mistake cannot be built in here, or would not be found out for its own reason."""
    unfit = mutant.unfit(platform, agents.command)
    if unfit is not None:
        yield f"the mistake {mutant.name} {unfit}"
    for check in drill.checks:
        reason = not_asked(check, plan)
        if check.name in mutant.breaks and reason is not None:
            yield f"the mistake {mutant.name} breaks {check.name}, which is not asked: {reason}"
