"""Made-up histories: one of a platform that keeps its promises, and ways to spoil it."""

from collections.abc import Callable

from holdfast.contract import Objectives
from holdfast.drills.history import (
    AnyEvent,
    Effect,
    Evidence,
    Fault,
    Health,
    History,
    Leader,
    Memory,
    Outcome,
    Plan,
    Readback,
    Request,
    StaleWrite,
    Store,
    Territory,
    Transfer,
)

LOST = "us-east-1"
KILLED_S = 10.0
RESTORED_S = 80.0
BACK_S = 50.0
END_S = 120.0
PER_S = 4


def a_plan() -> Plan:
    return Plan(
        drill="region-loss",
        stack="prod",
        mutant=None,
        seed=1,
        rate_per_s=2 * PER_S,
        requests=int(2 * PER_S * END_S),
        timeout_s=2,
        affected="us",
        lost_region=LOST,
        audited={"us": "us-west-2", "eu": "eu-central-1"},
        lost_at_s=KILLED_S,
        back_at_s=RESTORED_S,
        duration_s=END_S,
        dns_ttl_s=10,
        objectives=Objectives(rto_s=60, rpo_s=5, kill_s=10, rollback_s=30),
        territories={
            "us": Territory(
                hostname="us.example.org",
                serving=(LOST, "us-west-2"),
                witness="us-east-2",
                resources=("us-coordination", "us-state"),
            ),
            "eu": Territory(
                hostname="eu.example.org",
                serving=("eu-central-1", "eu-west-1"),
                witness="eu-west-3",
                resources=("eu-coordination", "eu-state"),
            ),
        },
        evidence=tuple(Evidence),
    )


def requests() -> list[Request]:
    """Both jurisdictions' users; those of the US fail from the loss until ``BACK_S``."""
    made: list[Request] = []
    for number in range(int(END_S * PER_S)):
        due_s = number / PER_S
        for jurisdiction in ("us", "eu"):
            lost = jurisdiction == "us" and KILLED_S <= due_s < BACK_S
            before = due_s < KILLED_S
            region = "eu-west-1" if jurisdiction == "eu" else (LOST if before else "us-west-2")
            made.append(
                Request(
                    user=f"{jurisdiction}-{number % 8}",
                    tenant="acme" if jurisdiction == "us" else "initech",
                    jurisdiction=jurisdiction,
                    location="new-york",
                    task=f"{jurisdiction}{number}",
                    due_s=due_s,
                    sent_s=due_s,
                    end_s=due_s + (2.0 if lost else 0.05),
                    region=LOST if lost else region,
                    outcome=Outcome.FAILED if lost else Outcome.OK,
                    reason="timeout" if lost else None,
                    bytes_sent=300,
                )
            )
    return made


def a_good_history() -> History:
    """A platform that keeps every promise."""
    asked = requests()
    served = [request for request in asked if request.outcome is Outcome.OK]
    events: list[AnyEvent] = [
        *asked,
        Fault(action="kill", region=LOST, start_s=KILLED_S, done_s=KILLED_S + 0.2),
        Fault(action="restore", region=LOST, start_s=RESTORED_S, done_s=RESTORED_S + 3),
        Health(at_s=0, region=LOST, healthy=True),
        Health(at_s=KILLED_S + 30, region=LOST, healthy=False),
        Memory(at_s=1, pss_bytes=500_000_000),
        StaleWrite(region=LOST, task="us39", token=1),
        Transfer(resource="eu-state", source="eu-west-1", target="eu-central-1", bytes_sent=4_000),
        Transfer(resource="us-state", source="us-west-2", target=LOST, bytes_sent=6_000),
    ]
    for second in range(int(END_S)):
        over = second > KILLED_S + 11
        events.append(
            Leader(
                at_s=second,
                jurisdiction="us",
                region="us-west-2" if over else LOST,
                token=2 if over else 1,
            )
        )
        events.append(Leader(at_s=second, jurisdiction="eu", region="eu-west-1", token=1))
    for index, request in enumerate(served):
        late = request.due_s > KILLED_S - 1
        ours = request.jurisdiction == "us"
        leader = ("us-west-2" if late else LOST) if ours else "eu-west-1"
        events.append(
            Effect(
                jurisdiction=request.jurisdiction,
                page=f"{request.tenant}-page",
                index=index,
                task=request.task,
                region=leader,
                token=2 if ours and late else 1,
            )
        )
        if request.region == LOST:
            events += [
                Readback(
                    at_s=KILLED_S + 5,
                    store=store,
                    jurisdiction="us",
                    task=request.task,
                    region="us-west-2",
                    visible=True,
                )
                for store in Store
            ]
        if ours:
            events.append(
                Readback(
                    at_s=END_S + 1,
                    store=Store.COORDINATION,
                    jurisdiction="us",
                    task=request.task,
                    region="us-west-2",
                    visible=True,
                )
            )
    return History(a_plan(), tuple(events))


def changed(
    history: History, change: Callable[[AnyEvent], AnyEvent | None], *added: AnyEvent
) -> History:
    """A history with every event changed, dropped (None) or kept, and others added."""
    kept = [change(event) for event in history.events]
    return history.with_events([*(event for event in kept if event is not None), *added])


def kept(event: AnyEvent) -> AnyEvent:
    return event
