"""DynamoDB: single items that a stack puts into a table."""

import json
from collections.abc import Iterator, Mapping
from typing import cast

from holdfast.twin.provider.cloud import Site
from holdfast.twin.provider.spec import Failure, ResourceType, declared, kept, recorded
from holdfast.twin.provider.values import Doc, Object

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
        """The attributes that the stack put. Others that the item gained are not the stack's."""
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

    def update(self, site: Site, ident: str, old: Doc, new: Doc) -> None:
        """Puts the new item; removes the old one when its key differs."""
        del ident
        site.call("dynamodb", "put_item", TableName=new.text("tableName"), Item=_item(new))
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
