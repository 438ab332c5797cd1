"""DynamoDB: single items that a stack puts into a table."""

import json
from collections.abc import Iterator, Mapping
from typing import cast

from holdfast.twin.provider.cloud import Site
from holdfast.twin.provider.spec import Failure, ResourceType, declared, kept, recorded
from holdfast.twin.provider.values import Doc, Json, Object, compact

_GONE = ("ResourceNotFoundException",)


class TableItem(ResourceType):
    """One item that the stack puts into a table."""

    type_name = "aws:dynamodb/tableItem:TableItem"
    properties = declared(
        {
            "hashKey": recorded("part of the table's schema; names the item here", replaces=True),
            "item": kept(document="json"),
            "rangeKey": recorded("part of the table's schema; names the item here", replaces=True),
            "tableName": recorded("names the table of every call", replaces=True),
        }
    )

    def validate(self, inputs: Doc) -> Iterator[Failure]:
        """The item must be DynamoDB's JSON and hold its key."""
        text = inputs.maybe_text("item")
        if text is None:
            return
        try:
            item = json.loads(text)
        except ValueError as error:
            yield Failure("item", f"is no JSON: {error}")
            return
        if not isinstance(item, Mapping):
            yield Failure("item", "must be a JSON object of typed attributes")
            return
        for key in (inputs.maybe_text("hashKey"), inputs.maybe_text("rangeKey")):
            if key is not None and key not in item:
                yield Failure("item", f"lacks its key attribute {key!r}")

    def create(self, site: Site, inputs: Doc) -> str:
        """A put that refuses to overwrite, as the AWS provider does it."""
        site.call(
            "dynamodb",
            "put_item",
            TableName=inputs.text("tableName"),
            Item=_item(inputs),
            ConditionExpression="attribute_not_exists(#hash)",
            ExpressionAttributeNames={"#hash": inputs.text("hashKey")},
        )
        return "|".join([inputs.text("tableName"), *_key_values(inputs)])

    def read(self, site: Site, ident: str, state: Doc) -> Object | None:
        """The whole item: what the item gained beside the stack is drift, as on AWS."""
        del ident
        answer = site.find(
            _GONE,
            "dynamodb",
            "get_item",
            TableName=state.text("tableName"),
            Key=_key(state),
            ConsistentRead=True,
        )
        if answer is None or "Item" not in answer:
            return None
        values = [*_key_values(state), ""]
        return {
            "item": json.dumps(answer.doc("Item").members, sort_keys=True),
            "hashKeyValue": values[0],
            "rangeKeyValue": values[1],
        }

    def contains(self, key: str, holds: Json, sent: Json) -> bool:
        """An application may have added attributes of its own."""
        if key != "item" or not isinstance(holds, str) or not isinstance(sent, str):
            return False
        found = cast("Mapping[str, object]", json.loads(holds))
        wanted = cast("Mapping[str, object]", json.loads(sent))
        return all(found.get(name) == value for name, value in wanted.items())

    def update(self, site: Site, ident: str, old: Doc, new: Doc) -> None:
        """Sets what the stack gives and removes what it gave; removes an item of another key.

        What an application has added since stays.
        """
        del ident
        site.call("dynamodb", "update_item", **_update(old, new))
        if _key(old) != _key(new):
            site.call("dynamodb", "delete_item", TableName=old.text("tableName"), Key=_key(old))

    def delete(self, site: Site, ident: str, state: Doc) -> None:
        """Deletes the item, whatever it has become."""
        del ident
        site.find(
            _GONE,
            "dynamodb",
            "delete_item",
            TableName=state.text("tableName"),
            Key=_key(state),
        )


def _update(old: Doc, new: Doc) -> dict[str, object]:
    key, item = _key(new), _item(new)
    fresh = sorted(set(item) - set(key))
    gone = sorted(set(_item(old)) - set(item) - set(_key(old)))
    names = {name: f"#{number}" for number, name in enumerate((*fresh, *gone))}
    parts = [
        f"{verb} {', '.join(clauses)}"
        for verb, clauses in (
            ("SET", [f"{names[name]} = :{number}" for number, name in enumerate(fresh)]),
            ("REMOVE", [names[name] for name in gone]),
        )
        if clauses
    ]
    return compact(
        TableName=new.text("tableName"),
        Key=key,
        UpdateExpression=" ".join(parts) or None,
        ExpressionAttributeNames={mark: name for name, mark in names.items()} or None,
        ExpressionAttributeValues={f":{number}": item[name] for number, name in enumerate(fresh)}
        or None,
    )


def _item(inputs: Doc) -> dict[str, object]:
    return cast("dict[str, object]", json.loads(inputs.text("item")))


def _key(inputs: Doc) -> dict[str, object]:
    item = _item(inputs)
    names = [inputs.text("hashKey"), *filter(None, [inputs.maybe_text("rangeKey")])]
    return {name: item[name] for name in names}


def _key_values(inputs: Doc) -> list[str]:
    found: list[str] = []
    for value in _key(inputs).values():
        typed = cast("Mapping[str, object]", value)
        found.append(str(next(iter(typed.values()))))
    return found
