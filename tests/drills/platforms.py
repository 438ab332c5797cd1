"""Made-up platforms: of a given shape, and of any shape that a contract can have."""

from collections.abc import Mapping, Sequence

from hypothesis import strategies as st

from holdfast.contract import (
    Bucket,
    Consistency,
    Environment,
    Ingress,
    Jurisdiction,
    KillSwitch,
    Limiter,
    Mode,
    Objectives,
    Platform,
    Region,
    Role,
    Table,
)
from holdfast.twin.locations import REGIONS
from tests.contract.platforms import behaviour

OBJECTIVES = Objectives(rto_s=60, rpo_s=5, kill_s=10, rollback_s=30)


def a_home(
    name: str,
    serving: Sequence[str],
    *,
    witness: str | None = None,
    passive: bool = False,
    consistency: Consistency = Consistency.STRONG,
    held_in: Sequence[str] | None = None,
) -> Jurisdiction:
    """A jurisdiction whose home is the first of its regions."""
    held = tuple(serving if held_in is None else held_in)
    roles = dict.fromkeys(serving, Role.ACTIVE)
    if passive:
        roles = dict.fromkeys(serving, Role.STANDBY) | {serving[0]: Role.PRIMARY}
    return Jurisdiction(
        name=name,
        hostname=f"{name}.agents.example.org",
        dns_ttl_s=10,
        regions={
            region: Region(
                name=region,
                role=roles[region],
                ingress=Ingress(hostname=f"lb.{region}", port=443, health_path="/healthz"),
                limiter=Limiter(host="h", port=1, tls=True, secret_arn="arn"),
                bucket=Bucket(name=f"b-{region}"),
            )
            for region in sorted(serving)
        },
        witness=witness,
        coordination=Table(
            name=f"{name}-coordination", consistency=consistency, regions=held, witness=witness
        ),
        state=Table(name=f"{name}-state", consistency=Consistency.EVENTUAL, regions=held),
        kill_switch=KillSwitch(
            table=f"{name}-coordination", key="kill", role_arn="arn", topic_arns={}
        ),
        agent_role_arn="arn",
    )


def a_platform(
    *homes: Jurisdiction,
    tenants: Mapping[str, str] | None = None,
    objectives: Objectives = OBJECTIVES,
) -> Platform:
    """A platform of some jurisdictions, each the home of one tenant unless told otherwise."""
    passive = any(region.role is Role.PRIMARY for home in homes for region in home.regions.values())
    return Platform(
        project="p",
        stack="made-up",
        environment=Environment.PROD,
        mode=Mode.ACTIVE_PASSIVE if passive else Mode.ACTIVE_ACTIVE,
        objectives=objectives,
        agents=behaviour(Environment.PROD),
        monthly_budget_usd=1000,
        jurisdictions={home.name: home for home in homes},
        tenants={f"t-{home.name}": home.name for home in homes} if tenants is None else tenants,
    )


@st.composite
def platforms(draw: st.DrawFn) -> Platform:
    """Any platform that a contract can describe, useful or not."""
    names = draw(st.lists(st.sampled_from(("us", "eu", "ap", "uk", "sa")), max_size=4, unique=True))
    left = draw(st.permutations([*sorted(REGIONS), "xx-nowhere-1"]))
    homes: list[Jurisdiction] = []
    for name in names:
        serving = [left.pop() for _ in range(draw(st.integers(0, 4)))]
        witness = left.pop() if draw(st.booleans()) else None
        homes.append(
            a_home(
                name,
                serving,
                witness=witness,
                passive=bool(serving) and draw(st.booleans()),
                consistency=draw(
                    st.sampled_from([Consistency.STRONG] * 5 + [Consistency.EVENTUAL])
                ),
                held_in=serving[: draw(st.integers(1, 4))] if serving else None,
            )
        )
    tenants = draw(
        st.dictionaries(
            st.from_regex(r"[a-z]{1,6}", fullmatch=True), st.sampled_from(names), max_size=8
        )
        if names
        else st.just({})
    )
    if draw(st.booleans()):
        tenants = tenants | {f"t-{name}": name for name in names}
    objectives = Objectives(
        rto_s=draw(st.floats(1, 5000)), rpo_s=draw(st.floats(0, 60)), kill_s=10, rollback_s=30
    )
    return a_platform(*homes, tenants=tenants, objectives=objectives)


def stacks_like() -> st.SearchStrategy[Platform]:
    """Platforms as stack files make them: two or three regions that serve, three votes."""
    shapes = {
        "us": ("us-east-1", "us-east-2", "us-west-2"),
        "eu": ("eu-west-1", "eu-west-3", "eu-central-1"),
        "ap": ("ap-northeast-1", "ap-northeast-2", "ap-northeast-3"),
    }

    @st.composite
    def one(draw: st.DrawFn) -> Platform:
        names = draw(st.lists(st.sampled_from(sorted(shapes)), min_size=1, unique=True))
        passive = draw(st.booleans())
        homes: list[Jurisdiction] = []
        for name in names:
            votes = draw(st.permutations(shapes[name]))
            witness = votes.pop() if passive or draw(st.booleans()) else None
            homes.append(a_home(name, votes, witness=witness, passive=passive))
        count = draw(st.integers(1, 30))
        tenants = {f"t{number}-{name}": name for name in names for number in range(count)}
        objectives = OBJECTIVES.model_copy(update={"rto_s": draw(st.floats(17, 3000))})
        return a_platform(*homes, tenants=tenants, objectives=objectives)

    return one()
