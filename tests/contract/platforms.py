"""A small platform in two jurisdictions, for tests."""

from holdfast.contract import (
    Approvals,
    Behaviour,
    Bucket,
    Consistency,
    Data,
    Environment,
    Ingress,
    Jurisdiction,
    KillSwitch,
    Limiter,
    Mode,
    Model,
    Objectives,
    Platform,
    Region,
    Role,
    Rollback,
    SafetyChecks,
    Table,
    TokenBudget,
    Tools,
)


def platform(environment: Environment = Environment.PROD) -> Platform:
    return Platform(
        project="demo",
        stack="prod",
        environment=environment,
        mode=Mode.ACTIVE_ACTIVE,
        objectives=Objectives(rto_s=60, rpo_s=1, kill_s=5, rollback_s=30),
        agents=behaviour(environment),
        monthly_budget_usd=1000,
        jurisdictions={
            "us": _jurisdiction("us", ("us-east-1", "us-west-2"), "us-east-2"),
            "eu": _jurisdiction("eu", ("eu-west-1", "eu-central-1"), "eu-west-3"),
        },
        tenants={"acme": "us", "bolt": "eu"},
    )


def behaviour(environment: Environment) -> Behaviour:
    """What every environment allows, and in production the only thing that it does."""
    real = environment is Environment.PROD
    return Behaviour(
        model=Model(id="a-model", fallback="another"),
        tools=Tools.GUARDED if real else Tools.STUBS,
        data=Data.REAL if real else Data.MADE_UP,
        safety_checks=SafetyChecks.FAIL_CLOSED,
        approvals=Approvals.HUMANS,
        token_budget=TokenBudget.PRODUCTION,
        rollback=Rollback.FLAG,
    )


def _jurisdiction(name: str, regions: tuple[str, ...], witness: str) -> Jurisdiction:
    return Jurisdiction(
        agent_role_arn="arn:aws:iam::000000000000:role/agents",
        name=name,
        hostname=f"{name}.agents.example",
        dns_ttl_s=10,
        regions={region: _region(region) for region in regions},
        witness=witness,
        coordination=Table(
            name=f"{name}-coordination",
            consistency=Consistency.STRONG,
            regions=regions,
            witness=witness,
        ),
        state=Table(name=f"{name}-state", consistency=Consistency.EVENTUAL, regions=regions),
        kill_switch=KillSwitch(
            table=f"{name}-coordination",
            key="kill",
            role_arn="arn:aws:iam::000000000000:role/kill",
            topic_arns={},
        ),
    )


def _region(name: str) -> Region:
    return Region(
        name=name,
        role=Role.ACTIVE,
        ingress=Ingress(hostname=f"{name}.example", port=443, health_path="/healthz"),
        limiter=Limiter(host="limiter.example", port=6379, tls=True, secret_arn="arn:secret"),
        bucket=Bucket(name=f"{name}-bucket"),
    )
