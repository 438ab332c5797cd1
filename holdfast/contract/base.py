"""What every part of the contract is made of."""

from enum import StrEnum

from pydantic import BaseModel, ConfigDict


class Environment(StrEnum):
    """The four kinds of environment, from the freest to the strictest."""

    DEV = "dev"
    TEST = "test"
    STAGING = "staging"
    PROD = "prod"


class Frozen(BaseModel):
    """Base of every part of the contract: immutable, and closed to unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")
