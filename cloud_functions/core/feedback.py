"""A gateway's feedback as a row, and whether the gateway has heard of it."""

from collections.abc import Iterable, Sequence

from cloud_functions.core.keys import fleet_key
from cloud_functions.core.people import FeedbackRow
from cloud_functions.core.ports import AnyRow
from cloud_functions.core.receive import Arrival
from cloud_functions.core.show import latest_health
from contract.feedback import Feedback, decode_feedback, encode_feedback


def feedback_row(feedback: Feedback, gateway_id: str, *, reset_ms: int) -> FeedbackRow:
    """As a row; labels given until ``reset_ms`` do not count."""
    pk, sk = fleet_key(gateway_id, "feedback")
    body = encode_feedback(feedback).decode()
    return FeedbackRow(pk=pk, sk=sk, gateway_id=gateway_id, version=feedback.version, body=body, reset_ms=reset_ms)


def feedback_of(row: FeedbackRow) -> Feedback:
    """The feedback in a row."""
    return decode_feedback(row.body.encode())


def row_in(known: Iterable[AnyRow]) -> FeedbackRow | None:
    """Among a gateway's rows."""
    return next((row for row in known if isinstance(row, FeedbackRow)), None)


def unheard(known: Iterable[AnyRow], arrivals: Sequence[Arrival]) -> Feedback | None:
    """What a gateway must be told again: its latest Health has just named an older version.

    One from a version that knows no feedback names none, and is told nothing.
    """
    row, health = row_in(known), latest_health(None, arrivals)
    if row is None or health is None or health.feedback_version is None:
        return None
    return feedback_of(row) if health.feedback_version < row.version else None
