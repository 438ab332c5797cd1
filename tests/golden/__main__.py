"""Writes the golden graphs anew, and says which have changed."""

from tests.golden import STACKS, file_of, regenerated

for stack in STACKS:
    path, text = file_of(stack), regenerated(stack)
    changed = not path.exists() or path.read_text(encoding="utf-8") != text
    path.write_text(text, encoding="utf-8")
    print(f"{path.name}: {'written' if changed else 'unchanged'}")  # noqa: T201 - a command's answer
