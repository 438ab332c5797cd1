"""Functions that a program may call while it runs, answered by the twin."""

from collections.abc import Callable, Mapping

from holdfast.errors import UnsupportedResourceError
from holdfast.twin.provider.cloud import Site
from holdfast.twin.provider.values import Doc, Object


def _caller_identity(site: Site, args: Doc) -> Object:
    del args
    answer = site.call("sts", "get_caller_identity")
    return {
        "accountId": answer.text("Account"),
        "arn": answer.text("Arn"),
        "userId": answer.text("UserId"),
        "id": answer.text("Account"),
    }


def _region(site: Site, args: Doc) -> Object:
    name = args.maybe_text("region") or args.maybe_text("name") or site.region
    return {
        "region": name,
        "name": name,
        "id": name,
        "description": name,
        "endpoint": f"ec2.{name}.amazonaws.com",
    }


def _availability_zones(site: Site, args: Doc) -> Object:
    there = site.at(args.maybe_text("region") or site.region)
    wanted = args.maybe_text("state")
    zones = [
        zone
        for zone in there.call("ec2", "describe_availability_zones").docs("AvailabilityZones")
        if wanted is None or zone.maybe_text("State") == wanted
    ]
    zones.sort(key=lambda zone: zone.text("ZoneName"))
    return {
        **args.members,
        "id": there.region,
        "region": there.region,
        "names": [zone.text("ZoneName") for zone in zones],
        "zoneIds": [zone.maybe_text("ZoneId") or "" for zone in zones],
        "groupNames": [there.region],
    }


def _partition(site: Site, args: Doc) -> Object:
    del site, args
    return {
        "id": "aws",
        "partition": "aws",
        "dnsSuffix": "amazonaws.com",
        "reverseDnsPrefix": "com.amazonaws",
    }


def _random_password(site: Site, args: Doc) -> Object:
    there = site.at(args.maybe_text("region") or site.region)
    names = {
        "excludeCharacters": "ExcludeCharacters",
        "excludeLowercase": "ExcludeLowercase",
        "excludeNumbers": "ExcludeNumbers",
        "excludePunctuation": "ExcludePunctuation",
        "excludeUppercase": "ExcludeUppercase",
        "includeSpace": "IncludeSpace",
        "passwordLength": "PasswordLength",
        "requireEachIncludedType": "RequireEachIncludedType",
    }
    given = {name: args.raw(key) for key, name in names.items()}
    answer = there.call("secretsmanager", "get_random_password", **given)
    password = answer.text("RandomPassword")
    return {**args.members, "id": password, "randomPassword": password, "region": there.region}


FUNCTIONS: Mapping[str, Callable[[Site, Doc], Object]] = {
    "aws:index/getAvailabilityZones:getAvailabilityZones": _availability_zones,
    "aws:index/getCallerIdentity:getCallerIdentity": _caller_identity,
    "aws:index/getPartition:getPartition": _partition,
    "aws:index/getRegion:getRegion": _region,
    "aws:secretsmanager/getRandomPassword:getRandomPassword": _random_password,
}
"""Functions by token."""

_TAKEN: Mapping[str, frozenset[str]] = {
    "aws:index/getAvailabilityZones:getAvailabilityZones": frozenset({"region", "state"}),
    "aws:index/getRegion:getRegion": frozenset({"region", "name"}),
    "aws:secretsmanager/getRandomPassword:getRandomPassword": frozenset(
        {
            "excludeCharacters",
            "excludeLowercase",
            "excludeNumbers",
            "excludePunctuation",
            "excludeUppercase",
            "includeSpace",
            "passwordLength",
            "region",
            "requireEachIncludedType",
        }
    ),
}
"""Arguments that are heeded. Others would change the answer on AWS."""


def invoke(site: Site, token: str, args: Doc) -> Object:
    """The answer of a function.

    Raises:
        UnsupportedResourceError: If the twin does not answer it, or not with these arguments.
    """
    function = FUNCTIONS.get(token)
    if function is None:
        raise UnsupportedResourceError(
            f"the twin does not answer the function {token}; it answers "
            f"{', '.join(sorted(FUNCTIONS))}. Give the program what it asks for as a setting."
        )
    given = {key for key, value in args.members.items() if value is not None}
    extra = sorted(given - _TAKEN.get(token, frozenset()))
    if extra:
        raise UnsupportedResourceError(
            f"the twin's {token} does not heed {', '.join(extra)}; it takes "
            f"{', '.join(sorted(_TAKEN.get(token, frozenset()))) or 'no arguments'}"
        )
    return function(site, args)
