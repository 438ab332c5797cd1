"""How agents behave in an environment: one column of the matrix, and what no column may say.

Guarantees:
    A column that is freer than its environment allows makes no ``Platform``: an agent that is
    given one does not start.

Does not guarantee:
    That agents behave so. It is what they are told, and what gates and budgets enforce.
"""

from collections.abc import Iterator, Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from holdfast.contract.base import Environment, Frozen


class Tools(StrEnum):
    """What agents act on the world with."""

    STUBS = "stubs"
    MOCKED = "mocked-and-repeatable"
    SANDBOX = "real-in-a-sandbox"
    GUARDED = "real-behind-safety-checks"


class Data(StrEnum):
    """What the platform's stores hold."""

    MADE_UP = "made-up"
    FIXED = "fixed"
    ANONYMISED = "anonymised-real-shape"
    REAL = "real"


class SafetyChecks(StrEnum):
    """How the gate between deciding and acting behaves."""

    OPTIONAL = "optional"
    AS_PROD = "as-prod"
    FAIL_CLOSED = "all-on-fail-closed"


class Approvals(StrEnum):
    """Who approves an action that needs approval."""

    SKIPPED = "skipped"
    MOCKED = "mocked"
    HUMANS = "real-humans"


class TokenBudget(StrEnum):
    """How many tokens agents may spend, and what happens at the end of them."""

    LOOSE = "loose"
    TIGHT = "tight-and-enforced"
    PRODUCTION = "production"


class Rollback(StrEnum):
    """How a bad release is taken back."""

    NOT_APPLICABLE = "not-applicable"
    REDEPLOY = "minutes-by-redeploy"
    FLAG = "seconds-by-flag"


class Model(Frozen):
    """The model that agents call.

    Attributes:
        id: Bedrock model id, with its version.
        fallback: Model that takes over when the first fails; None for none.
        mocked: Whether a local fake answers in its place.
    """

    id: str
    fallback: str | None = None
    mocked: bool = False


class Behaviour(Frozen):
    """How agents behave: their column of the environment matrix.

    Attributes:
        model: What they call.
        tools: What they act with.
        data: What they act on.
        safety_checks: How their actions are checked.
        approvals: Who approves them.
        token_budget: What they may spend.
        rollback: How a bad release of them is taken back.
    """

    model: Model
    tools: Tools
    data: Data
    safety_checks: SafetyChecks
    approvals: Approvals
    token_budget: TokenBudget
    rollback: Rollback


_CHECKED: Final = (SafetyChecks.AS_PROD, SafetyChecks.FAIL_CLOSED)
_NOT_REAL: Final = (Data.MADE_UP, Data.FIXED, Data.ANONYMISED)

ALLOWED: Final[Mapping[Environment, Mapping[str, tuple[StrEnum, ...]]]] = MappingProxyType(
    {
        Environment.DEV: {
            "tools": (Tools.STUBS, Tools.MOCKED),
            "data": (Data.MADE_UP, Data.FIXED),
        },
        Environment.TEST: {
            "tools": (Tools.STUBS, Tools.MOCKED),
            "data": (Data.MADE_UP, Data.FIXED),
            "safety_checks": _CHECKED,
            "approvals": (Approvals.MOCKED, Approvals.HUMANS),
            "token_budget": (TokenBudget.TIGHT, TokenBudget.PRODUCTION),
        },
        Environment.STAGING: {
            "tools": (Tools.STUBS, Tools.MOCKED, Tools.SANDBOX),
            "data": _NOT_REAL,
            "safety_checks": _CHECKED,
            "approvals": (Approvals.MOCKED, Approvals.HUMANS),
            "token_budget": (TokenBudget.TIGHT, TokenBudget.PRODUCTION),
            "rollback": (Rollback.REDEPLOY, Rollback.FLAG),
        },
        Environment.PROD: {
            "tools": (Tools.GUARDED,),
            "data": (Data.REAL,),
            "safety_checks": (SafetyChecks.FAIL_CLOSED,),
            "approvals": (Approvals.HUMANS,),
            "token_budget": (TokenBudget.PRODUCTION,),
            "rollback": (Rollback.FLAG,),
        },
    }
)
"""What an environment allows at most, by field. A field that is not named may say anything.

A runtime's table and no copy of ``infra/environments.py``: that says what a team's environments
are, and this what no team can make them without changing what its agents run.
"""


def contradictions(environment: Environment, agents: Behaviour) -> Iterator[str]:
    """What a column says that its environment does not allow, each a sentence's beginning.

    Args:
        environment: The environment that the platform says it is.
        agents: Its column.
    """
    for field, allowed in ALLOWED[environment].items():
        given: StrEnum = getattr(agents, field)
        if given not in allowed:
            yield f"agents.{field} is {given} in {environment}; allowed is {' or '.join(allowed)}"
    if environment is Environment.PROD and agents.model.mocked:
        yield "agents.model.mocked is true in prod; allowed is false"
    if environment is Environment.PROD and agents.model.fallback in {None, agents.model.id}:
        yield "agents.model.fallback names no other model in prod; allowed is one to fall back to"


DECLARATIONS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "HOLDFAST_TOOLS": "tools",
        "HOLDFAST_DATA": "data",
        "HOLDFAST_SAFETY_CHECKS": "safety_checks",
        "HOLDFAST_APPROVALS": "approvals",
        "HOLDFAST_TOKEN_BUDGET": "token_budget",
        "HOLDFAST_ROLLBACK": "rollback",
    }
)
"""Variables in which an image or a manifest says what it was made for, with the field of each."""


def misplaced(agents: Behaviour, declared: Mapping[str, str]) -> Iterator[str]:
    """What a process says that it was made for, and its platform is not. Silence says nothing.

    Args:
        agents: What the platform's contract says.
        declared: The environment of the process.
    """
    for variable, field in DECLARATIONS.items():
        given, told = declared.get(variable), getattr(agents, field)
        if given is not None and given != told:
            yield f"{variable} is {given}, and the contract says {told}"
    model = declared.get("HOLDFAST_MODEL")
    if model is not None and model not in {agents.model.id, agents.model.fallback}:
        yield f"HOLDFAST_MODEL is {model}, and the contract says {agents.model.id}"
