"""What a stack may hold: of each resource type, an answer for each of its properties.

::

    Kind(
        type="aws:s3/bucketVersioning:BucketVersioning",
        judged={"versioningConfiguration.status": "bucket-versioned"},
        neutral={**alike("a name AWS resolves", "bucket")},
        refused={"mfa": "a deployment has no second factor"},
    )

Paths name properties as the engine does, with ``[]`` for the entries of a list. A refused path
takes in all that lies below it; what is judged or neutral is named to its last part, so that a
property which a new SDK brings has no answer until somebody gives it one.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

_INDEX: Final = re.compile(r"\[[0-9]+\]")

LABEL: Final = "it names or describes, and nothing behaves by it"
TAGS: Final = "labels; rules that go by one of them ask for it themselves"
FIXED: Final = "AWS makes the resource anew when it changes, and the engine shows that"
SETTING: Final = "AWS refuses it in another region than that of what it belongs to"
PRICE: Final = "size and price, which the budget bounds"
MORE: Final = "it can only keep more than is asked for"
ANSWER: Final = "AWS answers it, and takes no value"
ELSEWHERE: Final = "a resource of its own says it, which rules read"


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One resource type, and what its properties are to the checklist.

    Attributes:
        type: Type token.
        judged: The rule that a property can make fail, by path.
        neutral: Why a property needs no judging, by path.
        refused: Why a property may not be given, by path.
        ignorable: Why the engine may leave a property as it is, by path.
    """

    type: str
    judged: Mapping[str, str] = field(default_factory=dict[str, str])
    neutral: Mapping[str, str] = field(default_factory=dict[str, str])
    refused: Mapping[str, str] = field(default_factory=dict[str, str])
    ignorable: Mapping[str, str] = field(default_factory=dict[str, str])

    @cached_property
    def open_paths(self) -> frozenset[str]:
        """Paths that may be given."""
        return frozenset({*self.judged, *self.neutral})

    @cached_property
    def parents(self) -> frozenset[str]:
        """Paths of the objects that hold something which may be given or is refused."""
        paths = {*self.open_paths, *self.refused}
        return frozenset(parent for path in paths for parent in _parents(path))

    def refusal(self, path: str) -> str | None:
        """Why a path may not be given, also as part of a larger one."""
        for known in (path, *_parents(path)):
            if known in self.refused:
                return self.refused[known]
        return None


def alike(answer: str, *paths: str) -> dict[str, str]:
    """One answer for several paths."""
    return dict.fromkeys(paths, answer)


def below(parent: str, **answers: str) -> dict[str, str]:
    """Answers for the parts of an object, by their names."""
    return {f"{parent}.{name}": answer for name, answer in answers.items()}


def generic(path: str) -> str:
    """A path of a resource as tables write it: ``replicas[0].regionName`` has no number."""
    return _INDEX.sub("[]", path)


def _parents(path: str) -> Iterator[str]:
    while "." in path:
        path = path.rpartition(".")[0]
        yield path.removesuffix("[]")
