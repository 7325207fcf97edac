"""The ports in memory, for tests and for trying rules out: same promises as the real ones, nothing kept."""

from typing import Literal

import msgspec

from cloud_functions.core.keys import Key
from cloud_functions.core.people import Alert
from cloud_functions.core.ports import AnyRow, Span
from cloud_functions.core.rows import Counter, Row
from contract.certificates import CertificateAnswer
from contract.envelope import Stored
from contract.feedback import Feedback

_Fields = dict[str, str | int | float]


class MemoryTable:
    """A table that is a dictionary."""

    def __init__(self) -> None:
        self._rows: dict[Key, _Fields] = {}

    def get(self, key: Key) -> AnyRow | None:
        """See ``ports.Table``."""
        fields = self._rows.get(key)
        return _row(fields) if fields else None

    def insert(self, row: Row, *, counter: Counter | None = None) -> AnyRow | None:
        """See ``ports.Table``."""
        if there := self.get(row.key):
            return there
        self._rows[row.key] = _fields(row)
        if counter:
            old = self.get(counter.key)
            count = counter.count + (old.count if isinstance(old, Counter) else 0)
            self._rows[counter.key] = _fields(counter) | {"count": count}
        return None

    def merge(self, row: Row, *, rank: Literal["rank", "version", "broker_ms", "notified_ms"]) -> bool:
        """See ``ports.Table``."""
        old, new = self._rows.get(row.key, {}), msgspec.to_builtins(row)
        if rank in old and float(old[rank]) >= new[rank]:
            return False
        self._rows[row.key] = {name: value for name, value in (old | new).items() if value is not None}
        return True

    def query(self, span: Span) -> list[AnyRow]:
        """See ``ports.Table``."""
        pk, sk = ("open_pk", "open_sk") if span.index_name else ("pk", "sk")
        found = [
            fields
            for fields in self._rows.values()
            if fields.get(pk) == span.pk and span.first <= str(fields.get(sk)) <= span.last
        ]
        found.sort(key=lambda fields: str(fields[sk]), reverse=span.newest_first)
        return [_row(fields) for fields in found[: span.limit]]


class MemoryReplies:
    """Keeps what gateways were told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, Stored]] = []
        self.advised: list[tuple[str, Feedback]] = []
        self.certified: list[tuple[str, CertificateAnswer]] = []

    def reply(self, gateway_id: str, stored: Stored) -> None:
        """See ``ports.Replies``."""
        self.told.append((gateway_id, stored))

    def advise(self, gateway_id: str, feedback: Feedback) -> None:
        """See ``ports.Replies``."""
        self.advised.append((gateway_id, feedback))

    def certify(self, gateway_id: str, answer: CertificateAnswer) -> None:
        """See ``ports.Replies``."""
        self.certified.append((gateway_id, answer))


class MemoryNotifier:
    """Keeps what people were told."""

    def __init__(self) -> None:
        self.told: list[Alert] = []

    def notify(self, alert: Alert) -> None:
        """See ``ports.Notifier``."""
        self.told.append(alert)


def _fields(row: Row) -> _Fields:
    fields: _Fields = {n: v for n, v in msgspec.to_builtins(row).items() if v is not None}
    return fields


def _row(fields: _Fields) -> AnyRow:
    row: AnyRow = msgspec.convert(fields, AnyRow)
    return row
