"""What the rules need from the world. Adapters: ``cloud_functions.adapters``; each also exists in memory."""

from collections.abc import Callable
from typing import Literal, NamedTuple, Protocol

from cloud_functions.core.devices import PlaceRow, RenewalRow, SerialRow
from cloud_functions.core.keys import Key
from cloud_functions.core.people import Alert, FeedbackRow, LabelRow
from cloud_functions.core.rollout.rows import RolloutRow, WaveRow
from cloud_functions.core.rows import (
    Block,
    Counter,
    EpisodeRow,
    GatewayRow,
    LossRow,
    NoticeRow,
    Quarantine,
    Row,
    SoftwareRow,
    WatermarkRow,
)
from contract.certificates import CertificateAnswer
from contract.envelope import Stored
from contract.feedback import Feedback

AnyRow = (
    Block
    | EpisodeRow
    | Alert
    | GatewayRow
    | WatermarkRow
    | Counter
    | LossRow
    | LabelRow
    | FeedbackRow
    | NoticeRow
    | Quarantine
    | SerialRow
    | RenewalRow
    | PlaceRow
    | SoftwareRow
    | RolloutRow
    | WaveRow
)
"""A row as it is read."""

Clock = Callable[[], int]
"""Unix time in milliseconds."""


class Span(NamedTuple):
    """Which rows of one partition are wanted.

    Attributes:
        pk: The partition.
        first: Lowest sort key.
        last: Highest sort key.
        index_name: Name of an index whose keys are meant instead of the table's.
        newest_first: Highest sort key first.
        limit: At most so many rows; ``None`` for all.
    """

    pk: str
    first: str = " "
    last: str = "~"
    index_name: str | None = None
    newest_first: bool = False
    limit: int | None = None


class Table(Protocol):
    """The table. Any method may be repeated without harm and raises ``StoreError`` if a retry may help."""

    def get(self, key: Key) -> AnyRow | None:
        """The row as last written, or ``None``."""

    def insert(self, row: Row, *, counter: Counter | None = None) -> AnyRow | None:
        """Writes the row unless its key is taken; returns ``None``, or the row that was there first.

        ``counter.count`` is added to the counter's row in the same transaction, only if the row is new.
        """

    def merge(self, row: Row, *, rank: Literal["rank", "version", "broker_ms", "notified_ms"]) -> bool:
        """Sets the row's fields where the stored ``rank`` field is absent or lower; returns whether it did.

        Fields the row leaves ``UNSET`` stay as stored, fields that are ``None`` are taken away.
        """

    def query(self, span: Span) -> list[AnyRow]:
        """The rows of the span in order; of the table as last written, of an index soon after."""


class Replies(Protocol):
    """The way back to a gateway."""

    def reply(self, gateway_id: str, stored: Stored) -> None:
        """Tells it what is stored, at least once; it may be away. Raises ``StoreError``."""

    def advise(self, gateway_id: str, feedback: Feedback) -> None:
        """Tells it what people said of its episodes; like ``reply``."""

    def certify(self, gateway_id: str, answer: CertificateAnswer) -> None:
        """Answers it about its next certificate; like ``reply``."""


class Notifier(Protocol):
    """The way to people and other systems."""

    def notify(self, alert: Alert) -> None:
        """Sends it to every subscriber, at least once. Raises ``StoreError``."""
