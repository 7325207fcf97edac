"""The table in Amazon DynamoDB, by the low-level client: rows are flat, attributes are strings or numbers.

Resource objects and nested attributes cost ten times the processor time and are not used.
"""

from typing import Any, Final, Literal

import msgspec
from botocore.exceptions import BotoCoreError, ClientError

from cloud_functions.core.errors import StoreError
from cloud_functions.core.keys import Key
from cloud_functions.core.ports import AnyRow, Span
from cloud_functions.core.rows import Counter, Row

_Item = dict[str, dict[str, str]]
_ATTEMPTS: Final = 5


class DynamoTable:
    """One table.

    Args:
        client: A boto3 ``dynamodb`` client.
        name: The table's name.
    """

    def __init__(self, client: Any, name: str) -> None:  # noqa: ANN401 - a boto3 client
        self._client = client
        self._name = name

    def get(self, key: Key) -> AnyRow | None:
        """See ``ports.Table``."""
        answer = self._call("get_item", Key=_key(key), ConsistentRead=True)
        return _row(answer["Item"]) if answer.get("Item") else None

    def insert(self, row: Row, *, counter: Counter | None = None) -> AnyRow | None:
        """See ``ports.Table``."""
        if counter:
            return self._insert_counted(row, counter)
        try:
            self._call(
                "put_item",
                Item=_item(row),
                ConditionExpression="attribute_not_exists(pk)",
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except _TakenError as taken:
            return _row(taken.item) if taken.item else self.get(row.key)
        return None

    def merge(self, row: Row, *, rank: Literal["rank", "version", "broker_ms", "notified_ms"]) -> bool:
        """See ``ports.Table``."""
        fields = {n: v for n, v in msgspec.to_builtins(row).items() if n not in ("pk", "sk")}
        kept = {name: value for name, value in fields.items() if value is not None}
        gone = [f"#{name}" for name, value in fields.items() if value is None]
        sets = ", ".join(f"#{name} = :{name}" for name in kept)
        try:
            self._call(
                "update_item",
                Key=_key(row.key),
                UpdateExpression=f"SET {sets}" + (f" REMOVE {', '.join(gone)}" if gone else ""),
                ConditionExpression=f"attribute_not_exists(#{rank}) OR #{rank} < :{rank}",
                ExpressionAttributeNames={f"#{name}": name for name in fields},
                ExpressionAttributeValues={f":{name}": _value(value) for name, value in kept.items()},
            )
        except _TakenError:
            return False
        return True

    def query(self, span: Span) -> list[AnyRow]:
        """See ``ports.Table``."""
        names = ("open_pk", "open_sk") if span.index_name else ("pk", "sk")
        request: dict[str, Any] = {
            "KeyConditionExpression": "#pk = :pk AND #sk BETWEEN :first AND :last",
            "ExpressionAttributeNames": dict(zip(("#pk", "#sk"), names, strict=True)),
            "ExpressionAttributeValues": {
                ":pk": {"S": span.pk},
                ":first": {"S": span.first},
                ":last": {"S": span.last},
            },
            "ScanIndexForward": not span.newest_first,
        }
        request |= {"IndexName": span.index_name} if span.index_name else {"ConsistentRead": True}
        found: list[AnyRow] = []
        while span.limit is None or len(found) < span.limit:
            page = self._call("query", **request, **({"Limit": span.limit} if span.limit else {}))
            found.extend(_row(item) for item in page["Items"])
            if "LastEvaluatedKey" not in page:
                break
            request["ExclusiveStartKey"] = page["LastEvaluatedKey"]
        return found[: span.limit]

    def _insert_counted(self, row: Row, counter: Counter) -> AnyRow | None:
        put = {
            "TableName": self._name,
            "Item": _item(row),
            "ConditionExpression": "attribute_not_exists(pk)",
        }
        fields = {name: value for name, value in _item(counter).items() if name not in ("pk", "sk")}
        sets = ", ".join(f"#{name} = :{name}" for name in fields if name != "count")
        add = {
            "TableName": self._name,
            "Key": _key(counter.key),
            "UpdateExpression": f"SET {sets} ADD #count :count",
            "ExpressionAttributeNames": {f"#{name}": name for name in fields},
            "ExpressionAttributeValues": {f":{name}": value for name, value in fields.items()},
        }
        for _ in range(_ATTEMPTS):
            try:
                self._client.transact_write_items(TransactItems=[{"Put": put}, {"Update": add}])
            except ClientError as exc:
                reasons = [reason.get("Code") for reason in exc.response.get("CancellationReasons", [])]
                if "ConditionalCheckFailed" in reasons:
                    return self.get(row.key)
                if "TransactionConflict" not in reasons:
                    raise StoreError(f"table {self._name}: {exc}") from exc
            except BotoCoreError as exc:
                raise StoreError(f"table {self._name}: {exc}") from exc
            else:
                return None
        raise StoreError(f"table {self._name}: {_ATTEMPTS} transactions met others")

    def _call(self, operation: str, **request: Any) -> dict[str, Any]:  # noqa: ANN401 - as boto3's
        try:
            answer: dict[str, Any] = getattr(self._client, operation)(TableName=self._name, **request)
        except ClientError as exc:
            if exc.response["Error"]["Code"] == "ConditionalCheckFailedException":
                raise _TakenError(exc.response.get("Item")) from exc
            raise StoreError(f"table {self._name}: {exc}") from exc
        except BotoCoreError as exc:
            raise StoreError(f"table {self._name}: {exc}") from exc
        return answer


class _TakenError(Exception):
    def __init__(self, item: _Item | None) -> None:
        super().__init__("condition not met")
        self.item = item


def _value(value: str | float) -> dict[str, str]:
    return {"S": value} if isinstance(value, str) else {"N": repr(value)}


def _item(row: Row) -> _Item:
    return {n: _value(v) for n, v in msgspec.to_builtins(row).items() if v is not None}


def _key(key: Key) -> _Item:
    return {"pk": {"S": key.pk}, "sk": {"S": key.sk}}


def _row(item: _Item) -> AnyRow:
    fields = {name: _plain(value) for name, value in item.items()}
    row: AnyRow = msgspec.convert(fields, AnyRow)
    return row


def _plain(value: dict[str, str]) -> str | int | float:
    if "S" in value:
        return value["S"]
    number = value["N"]
    return int(number) if number.lstrip("-").isdigit() else float(number)
