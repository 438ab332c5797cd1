"""Text with names in braces, such as ``{region}``, for files in which people write templates.

Not ``str.format``: a template comes from a file, and may reach no attribute and no index.
"""

import re
from collections.abc import Collection, Mapping

_NAME = re.compile(r"\{([a-z_]+)\}")


def names_in(template: str) -> list[str]:
    """The names that stand in braces, in order."""
    return _NAME.findall(template)


def expect_names(template: str, allowed: Collection[str]) -> None:
    """Refuses a template with a name that nothing stands for.

    Raises:
        ValueError: If there is one.
    """
    unknown = [name for name in names_in(template) if name not in allowed]
    if unknown:
        raise ValueError(
            f"{template!r} names {{{unknown[0]}}}, which stands for nothing here. Allowed are "
            f"{', '.join(f'{{{name}}}' for name in sorted(allowed))}."
        )


def filled(template: str, values: Mapping[str, str]) -> str:
    """The template with each name that has a value replaced by it."""
    return _NAME.sub(lambda found: values.get(found[1], found[0]), template)
