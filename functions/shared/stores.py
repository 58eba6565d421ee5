"""Typed access to one DynamoDB table.

Expressions name attributes as `#attribute` and values as `:value`; the placeholders are filled from the text
itself: a caller writes `condition="#status = :old", values={"old": "PENDING"}` and nothing twice.
"""

import base64
import json
import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from botocore.exceptions import ClientError, ParamValidationError

from functions.shared.aws import dynamodb
from functions.shared.outages import was_repeated

Item = dict[str, Any]
_serialize = TypeSerializer().serialize
MAX_DIGITS = 38
"""Of a number in DynamoDB (Developer Guide, "Supported data types"); a larger one has zeros at its end."""


class BadCursorError(ValueError):
    """A cursor that this table did not give."""


@dataclass(frozen=True)
class Page:
    """Some items of a query and where to go on.

    Attributes:
        items: The items, in the index's order.
        cursor: What to pass to get the next page, None at the end.
    """

    items: list[Item]
    cursor: str | None


@dataclass(frozen=True)
class Table:
    """One table.

    Attributes:
        name: The table's name.
    """

    name: str

    def get(self, key: Mapping[str, str]) -> Item | None:
        """Read one item, strongly consistent."""
        answer = dynamodb().get_item(TableName=self.name, Key=_marshal(key), ConsistentRead=True)
        return _unmarshal(answer["Item"]) if "Item" in answer else None

    def put_new(self, item: Mapping[str, Any], *, key: str) -> bool:
        """Write an item that is not there yet.

        Args:
            item: The item; None values are left out.
            key: The name of the table's partition key.

        Returns:
            False when an item with this key was there already; it stays as it was.
        """
        row = _marshal(item)
        try:
            dynamodb().put_item(
                TableName=self.name,
                Item=row,
                ConditionExpression="attribute_not_exists(#key)",
                ExpressionAttributeNames={"#key": key},
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except dynamodb().exceptions.ConditionalCheckFailedException as error:
            return was_repeated(error) and _found_instead(error) == _unmarshal(row)
        return True

    def update(
        self,
        key: Mapping[str, str],
        changes: Mapping[str, Any],
        *,
        condition: str,
        values: Mapping[str, Any] | None = None,
        add: Mapping[str, float | set[str]] | None = None,
        discard: Mapping[str, set[str]] | None = None,
        defaults: Mapping[str, Any] | None = None,
        append: Mapping[str, Any] | None = None,
        signed: str | None = None,
    ) -> Item | None:
        """Change attributes of an item under a condition.

        Args:
            key: The item's key.
            changes: Attributes to set; None removes the attribute.
            condition: What must hold; without it an update would make an item that was never there.
            values: Values that the condition names.
            add: Amounts to add to numbers, and texts to add to sets of texts.
            discard: Texts to take out of sets of texts.
            defaults: Attributes to set only where they are missing.
            append: Entries to put at the end of lists.
            signed: Name of an attribute that gets a value of this call's own. When an answer is lost, the
                call is repeated, and its condition may hold no longer because of what it did itself: it knows
                its own work by this attribute. Whoever takes something on by an update needs it.

        Returns:
            The whole item afterwards, or None when the condition did not hold.
        """
        signature = uuid.uuid4().hex
        changes = {**changes, signed: signature} if signed else changes
        kept = {name: value for name, value in changes.items() if value is not None}
        removed = [name for name, value in changes.items() if value is None]
        assignments = [f"#{name} = :set_{name}" for name in kept]
        assignments += [f"#{name} = if_not_exists(#{name}, :new_{name})" for name in defaults or {}]
        assignments += [
            f"#{name} = list_append(if_not_exists(#{name}, :empty_{name}), :entries_{name})"
            for name in append or {}
        ]
        expression = _clause("SET", assignments)
        expression += _clause("REMOVE", [f"#{name}" for name in removed])
        expression += _clause("ADD", [f"#{name} :add_{name}" for name in add or {}])
        expression += _clause("DELETE", [f"#{name} :discard_{name}" for name in discard or {}])
        all_values = {
            **{f"set_{name}": value for name, value in kept.items()},
            **{f"new_{name}": value for name, value in (defaults or {}).items()},
            **{f"add_{name}": value for name, value in (add or {}).items()},
            **{f"discard_{name}": value for name, value in (discard or {}).items()},
            **{f"empty_{name}": [] for name in append or {}},
            **{f"entries_{name}": [entry] for name, entry in (append or {}).items()},
            **(values or {}),
        }
        try:
            answer = dynamodb().update_item(
                TableName=self.name,
                Key=_marshal(key),
                UpdateExpression=expression.strip(),
                ConditionExpression=condition,
                ReturnValues="ALL_NEW",
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
                ExpressionAttributeNames=_names(expression, condition),
                **_values(all_values),
            )
        except dynamodb().exceptions.ConditionalCheckFailedException as error:
            found = _found_instead(error)
            return found if signed and found.get(signed) == signature else None
        return _unmarshal(answer["Attributes"])

    def delete(
        self, key: Mapping[str, str], *, condition: str, values: Mapping[str, Any] | None = None
    ) -> bool:
        """Delete an item under a condition; False when the condition did not hold.

        When an answer was lost and the call repeated, an item that is not there is one that it deleted.
        """
        try:
            dynamodb().delete_item(
                TableName=self.name,
                Key=_marshal(key),
                ConditionExpression=condition,
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
                ExpressionAttributeNames=_names(condition),
                **_values(values or {}),
            )
        except dynamodb().exceptions.ConditionalCheckFailedException as error:
            return was_repeated(error) and not _found_instead(error)
        return True

    def query(
        self,
        condition: str,
        values: Mapping[str, Any],
        *,
        index: str | None = None,
        newest_first: bool = False,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Page:
        """Read items of one partition.

        Args:
            condition: Key condition.
            values: Values that it names.
            index: Index to read; eventually consistent.
            newest_first: Descending order of the sort key.
            limit: How many items at most; None reads all pages.
            cursor: Where an earlier page ended.

        Returns:
            The items; a cursor only when `limit` cut them off.

        Raises:
            BadCursorError: The cursor is not one of ours.
        """
        items: list[Item] = []
        start = _decode_cursor(cursor) if cursor else None
        while True:
            arguments: dict[str, Any] = {"IndexName": index} if index else {"ConsistentRead": True}
            if start:
                arguments["ExclusiveStartKey"] = start
            if limit is not None:
                arguments["Limit"] = limit - len(items)
            try:
                answer = dynamodb().query(
                    TableName=self.name,
                    KeyConditionExpression=condition,
                    ExpressionAttributeNames=_names(condition),
                    ScanIndexForward=not newest_first,
                    **_values(values),
                    **arguments,
                )
            except ParamValidationError as error:
                raise BadCursorError from error
            except ClientError as error:
                if cursor and error.response["Error"]["Code"] == "ValidationException":
                    raise BadCursorError from error
                raise
            items += [_unmarshal(item) for item in answer["Items"]]
            start = answer.get("LastEvaluatedKey")
            if not start or (limit is not None and len(items) >= limit):
                return Page(items=items, cursor=_encode_cursor(start) if start else None)


def _found_instead(error: ClientError) -> Item:
    """Give the item for which a condition did not hold, {} where there was none."""
    item: Any = error.response.get("Item")
    return _unmarshal(item) if item else {}


def _clause(word: str, parts: Sequence[str]) -> str:
    return f"{word} {', '.join(parts)} " if parts else ""


def _names(*expressions: str) -> dict[str, str]:
    found = {name for expression in expressions for name in re.findall(r"#(\w+)", expression)}
    return {f"#{name}": name for name in found}


def _values(values: Mapping[str, Any]) -> dict[str, Any]:
    if not values:
        return {}
    return {
        "ExpressionAttributeValues": {f":{name}": _serialize(_exact(value)) for name, value in values.items()}
    }


def _marshal(item: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _serialize(_exact(value)) for name, value in item.items() if value is not None}


class _Deserializer(TypeDeserializer):
    """Reads numbers as DynamoDB writes them: 1E+100 with all its zeros, which boto3 takes for lost digits."""

    def _deserialize_n(self, value: str) -> Decimal:
        return Decimal(value)


_deserialize = _Deserializer().deserialize


def _unmarshal(item: Mapping[str, Any]) -> Item:
    return {name: _plain(_deserialize(value)) for name, value in item.items()}


def _exact(value: Any) -> Any:  # noqa: ANN401 -- any JSON value
    """Make floats decimals, which is all that DynamoDB stores."""
    if isinstance(value, float):
        return Decimal(repr(value))
    if isinstance(value, Mapping):
        return {str(name): _exact(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_exact(part) for part in value]
    return value


def _plain(value: Any) -> Any:  # noqa: ANN401 -- any JSON value
    """Make decimals ints or floats again, which is all that JSON knows."""
    if isinstance(value, Decimal):
        is_int = value == value.to_integral_value() and value.adjusted() < MAX_DIGITS
        return int(value) if is_int else float(value)
    if isinstance(value, Mapping):
        return {name: _plain(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_plain(part) for part in value]
    return value


def _encode_cursor(key: Mapping[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(key, sort_keys=True).encode()).decode()


def _decode_cursor(cursor: str) -> dict[str, Any]:
    try:
        key = json.loads(base64.urlsafe_b64decode(cursor.encode()))
    except (ValueError, RecursionError) as error:
        raise BadCursorError from error
    if not isinstance(key, dict) or not all(isinstance(value, dict) for value in key.values()):
        raise BadCursorError
    return key
