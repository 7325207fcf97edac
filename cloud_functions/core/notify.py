"""An alert told once.

The stream may deliver a row's birth twice, so the row itself remembers that it was told. Between telling and
remembering the function may end: a person may then hear it twice (at least once), never not at all.
``alert_id`` is in the message for those who must not count twice.
"""

from cloud_functions.core.keys import Key
from cloud_functions.core.people import Alert, Notified
from cloud_functions.core.ports import Clock, Notifier, Table


class Notify:
    """Tells alerts.

    Args:
        table: Where alerts are.
        notifier: Who is told.
        clock: The cloud's time.
    """

    def __init__(self, table: Table, notifier: Notifier, clock: Clock) -> None:
        self._table = table
        self._notifier = notifier
        self._clock = clock

    def notify(self, key: Key) -> bool:
        """Tells this alert unless it was told; returns whether it did. Raises ``StoreError``."""
        alert = self._table.get(key)
        if not isinstance(alert, Alert) or isinstance(alert.notified_ms, int):
            return False
        self._notifier.notify(alert)
        told = Notified(pk=key.pk, sk=key.sk, notified_ms=self._clock())
        self._table.merge(told, rank="notified_ms")
        return True
