"""The stack file, read once: one object in, one frozen and typed object out.

Nothing else reads ``pulumi.Config``. What the file does not say, its environment's profile
says (``infra/environments.py``).

Guarantees:
    Settings that parsed can be built: every jurisdiction has exactly three votes under one law,
    every tenant a home, users are led away within the promised time, and nothing contradicts
    the environment. Every problem of a file is reported at once.

Does not guarantee:
    That the account has the regions enabled, the domain delegated, or the principals created.
"""

import json
from collections.abc import Iterator, Mapping
from functools import partial
from ipaddress import IPv4Network
from typing import Annotated, Self, TypeGuard

import pulumi
from pydantic import (
    AfterValidator,
    BaseModel,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from holdfast.contract import Environment, Mode, Objectives
from holdfast.errors import ConfigurationError
from infra import reports, rules
from infra.environments import PROFILES, contradictions
from infra.problems import Problem, refusal, refuse
from infra.reports import KEY_ALIAS
from infra.sections import (
    AgentNetwork,
    Agents,
    Ahead,
    Retention,
    Routing,
    Section,
    Sizes,
    ahead_of,
    matching,
)

NAMESPACE = "holdfast"
KEY = "platform"
ROOT = f"{NAMESPACE}:{KEY}"
"""Where the object stands in a stack file, under ``config``."""


def _is_no_agent(principal: str, info: ValidationInfo) -> str:
    ahead = ahead_of(info)
    if ahead is not None:
        refuse(*rules.principal_problems(principal, ahead.prefix))
    return principal


Domain = Annotated[
    str,
    matching(
        r"(?=.{4,200}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])",
        "a domain name in lower case, such as agents.example.com",
    ),
]
Principal = Annotated[
    str,
    matching(
        r"(arn:aws:iam::[0-9]{12}:)?(role|user)/[A-Za-z0-9_+=,.@*/-]{1,512}",
        "role/NAME or user/NAME, with or without arn:aws:iam::ACCOUNT: before it",
    ),
    AfterValidator(_is_no_agent),
]
Email = Annotated[str, matching(r"[^@\s]+@[^@\s]+\.[^@\s]+", "an address such as a@example.com")]
Tenant = Annotated[
    str,
    matching(
        r"[a-z][a-z0-9-]{0,62}",
        "up to 63 lower-case letters, digits and hyphens, the first a letter",
    ),
]


class Promises(Objectives, Section):
    """What the platform promises when things go wrong. All in seconds; see the contract."""

    model_config = Section.model_config

    @field_validator("rpo_s")
    @classmethod
    def _is_not_nothing(cls, value: float) -> float:
        refuse(*rules.rpo_problems(value))
        return value


class JurisdictionSettings(Section):
    """Where a jurisdiction's data lives.

    Attributes:
        name: The key that it stands under: the legal area.
        home: Region that owns the data: the primary in active-passive mode.
        replicas: The other serving regions, in any order.
        witness: Region of the third vote where ``replicas`` names only one region.
    """

    name: str = Field(alias="$name")  # reports.KEY_ALIAS; type checkers want a literal
    home: str
    replicas: Annotated[tuple[str, ...], Field(min_length=1, max_length=2)]
    witness: str | None = None

    @field_validator("name")
    @classmethod
    def _is_a_legal_area(cls, value: str) -> str:
        refuse(*rules.jurisdiction_name_problems(value))
        return value

    @field_validator("home", "witness")
    @classmethod
    def _lies_under_its_law(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is not None:
            refuse(*rules.region_problems(value, info.data.get("name")))
        return value

    @field_validator("replicas")
    @classmethod
    def _lie_under_its_law(cls, value: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        refuse(
            *(
                problem.under([str(position)])
                for position, region in enumerate(value)
                for problem in rules.region_problems(region, info.data.get("name"))
            )
        )
        return value

    @model_validator(mode="after")
    def _has_three_votes(self, info: ValidationInfo) -> Self:
        ahead = ahead_of(info)
        refuse(
            *rules.vote_problems(
                home=self.home,
                replicas=self.replicas,
                witness=self.witness,
                active_passive=ahead is not None and ahead.active_passive,
            )
        )
        return self


class Settings(Section):
    """A stack file that can be built.

    Attributes:
        project: Name of the platform, the prefix of every physical name.
        stack: Name of the Pulumi stack.
        environment: Which profile applies.
        mode: How the regions of each jurisdiction share the work.
        domain: Domain whose subdomains, one per jurisdiction, users resolve.
        objectives: What the platform promises under failure.
        jurisdictions: By legal area.
        tenants: Home jurisdiction by tenant.
        kill_principals: Who may trip the kill switch: IAM roles and users, as full ARNs or as
            ``role/NAME`` in the platform's own account; ``*`` stands for any characters.
        alarm_emails: Who is told when an alarm goes off.
        monthly_budget_usd: Spending per month at which those people are told.
        network: Address pool that the regions' networks are cut from.
        agent_network: Where agents run, and how they reach AWS and their model.
        agents: How agents behave.
        sizes: What each region gets.
        retention: How long things are kept.
        routing: How fast users are led away from a failing region.
        decommission: Whether deletion protection is off, so that the stack can be destroyed.
    """

    project: str
    stack: str
    environment: Environment
    mode: Mode
    domain: Domain
    objectives: Promises
    jurisdictions: Annotated[
        Mapping[str, JurisdictionSettings],
        Field(min_length=1, max_length=rules.MOST_JURISDICTIONS),
    ]
    tenants: Mapping[Tenant, str]
    kill_principals: Annotated[
        tuple[Principal, ...], Field(min_length=1, max_length=rules.MOST_PRINCIPALS)
    ]
    alarm_emails: Annotated[tuple[Email, ...], Field(max_length=rules.MOST_EMAILS)]
    monthly_budget_usd: Annotated[int, Field(ge=1)]
    network: IPv4Network
    agent_network: AgentNetwork
    agents: Agents
    sizes: Sizes
    retention: Retention
    routing: Routing
    decommission: bool = False

    @field_validator("environment")
    @classmethod
    def _is_what_the_stack_is_called(cls, value: Environment, info: ValidationInfo) -> Environment:
        ahead = ahead_of(info)
        refuse(*rules.stack_problems(value, "" if ahead is None else ahead.stack))
        return value

    @field_validator("tenants")
    @classmethod
    def _have_homes(cls, value: Mapping[str, str], info: ValidationInfo) -> Mapping[str, str]:
        ahead = ahead_of(info)
        if ahead is not None and ahead.jurisdictions is not None:
            refuse(*rules.tenant_problems(value, ahead.jurisdictions))
        return value

    @field_validator("alarm_emails")
    @classmethod
    def _are_told_once(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        refuse(*rules.email_problems(value))
        return value

    @field_validator("network")
    @classmethod
    def _holds_every_region(cls, value: IPv4Network) -> IPv4Network:
        refuse(*rules.network_problems(value))
        return value

    @model_validator(mode="after")
    def _fits_into_a_parameter(self) -> Self:
        refuse(
            *rules.contract_problems(
                self.tenants,
                serving=[1 + len(found.replicas) for found in self.jurisdictions.values()],
                names=self.project + self.stack,
            )
        )
        return self


def load() -> Settings:
    """Reads the settings of the stack that the running Pulumi program deploys.

    Raises:
        ConfigurationError: If the stack has no platform object, or it is refused.
    """
    try:
        document: object = pulumi.Config(NAMESPACE).get_object(KEY)
    except (pulumi.ConfigTypeError, RecursionError):
        document = None
    if not _is_object(document):
        raise ConfigurationError(
            f"Pulumi.{pulumi.get_stack()}.yaml has no object {ROOT} under `config`. Allowed is "
            "one object per stack file; start from Pulumi.dev.yaml."
        )
    return parse(document, pulumi.get_stack(), pulumi.get_project())


def parse(document: Mapping[str, object], stack: str, project: str = NAMESPACE) -> Settings:
    """Turns a platform object into settings.

    Args:
        document: The object, as JSON or YAML gives it.
        stack: Name of the stack that it belongs to.
        project: Name of the platform, the prefix of every physical name.

    Raises:
        ConfigurationError: Names every problem of the object at once, each with its key path,
            the value given, what is allowed and the fix.
    """
    settings = examine(document, stack, project)
    if isinstance(settings, Settings):
        return settings
    raise refusal(f"Pulumi.{stack}.yaml", ROOT, settings)


def examine(
    document: Mapping[str, object], stack: str, project: str = NAMESPACE
) -> Settings | tuple[Problem, ...]:
    """Like ``parse``, but returns the problems of a document that is refused."""
    ahead = _read_ahead(document, stack, project)
    unfit = (*rules.name_problems(stack=stack, project=project), *_said_again(document))
    complete = {
        **_with_defaults(document),
        **_with_their_names(document),
        "project": project,
        "stack": stack,
    }
    try:
        settings = Settings.model_validate_json(json.dumps(complete, default=str), context=ahead)
    except ValidationError as error:
        return (*unfit, *reports.problems(error, Settings, hidden=_GIVEN))
    return unfit or settings


_GIVEN = frozenset({"project", "stack"})
"""Fields that Pulumi gives and a file must not repeat."""


def _said_again(document: Mapping[str, object]) -> Iterator[Problem]:
    """Keys of the file that repeat, and so could contradict, what is known without them."""
    for key in sorted(_GIVEN & set(document)):
        yield reports.unknown(key, document[key], reports.keys_of(Settings) - _GIVEN)
    jurisdictions = document.get("jurisdictions")
    for name, entry in jurisdictions.items() if _is_object(jurisdictions) else ():
        if _is_object(entry) and KEY_ALIAS in entry:
            allowed = reports.keys_of(JurisdictionSettings)
            again = reports.unknown(KEY_ALIAS, entry[KEY_ALIAS], allowed)
            yield again.under(("jurisdictions", name))


def _declared(document: Mapping[str, object]) -> Environment | None:
    given = document.get("environment")
    return next((environment for environment in Environment if environment == given), None)


def _read_ahead(document: Mapping[str, object], stack: str, project: str) -> Ahead:
    environment = _declared(document)
    objectives = document.get("objectives")
    rto_s = objectives.get("rto_s") if _is_object(objectives) else None
    jurisdictions = document.get("jurisdictions")
    return Ahead(
        stack=stack,
        judge=_nothing if environment is None else partial(contradictions, environment),
        active_passive=document.get("mode") == Mode.ACTIVE_PASSIVE,
        rto_s=_positive(rto_s),
        jurisdictions=tuple(jurisdictions) if _is_object(jurisdictions) and jurisdictions else None,
        prefix=f"{project}-{stack}-",
    )


def _positive(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value if value > 0 else None


def _nothing(section: type[BaseModel], key: str, value: object) -> tuple[Problem, ...]:
    del section, key, value  # nothing can contradict an environment that is not known
    return ()


def _is_object(value: object) -> TypeGuard[Mapping[str, object]]:
    return isinstance(value, Mapping)


def _with_defaults(document: Mapping[str, object]) -> dict[str, object]:
    # Without a known environment, prod's defaults let the rest of the file be judged.
    profile = PROFILES[_declared(document) or Environment.PROD]
    defaults: dict[str, object] = {
        "network": str(profile.network),
        "agent_network": profile.agent_network.value,
        "alarm_emails": [],
    }
    for section in ("agents", "sizes", "retention", "routing"):
        defaults[section] = getattr(profile, section).model_dump(mode="json")
    return {**defaults, **{key: _merged(defaults.get(key), document[key]) for key in document}}


def _with_their_names(document: Mapping[str, object]) -> dict[str, object]:
    given = document.get("jurisdictions")
    if not _is_object(given):
        return {}
    named = {
        name: {**entry, KEY_ALIAS: name} if _is_object(entry) else entry
        for name, entry in given.items()
    }
    return {"jurisdictions": named}


def _merged(default: object, given: object) -> object:
    if not _is_object(default) or not _is_object(given):
        return given
    return {**default, **{key: _merged(default.get(key), value) for key, value in given.items()}}
