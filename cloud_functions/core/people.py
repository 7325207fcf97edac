"""The table's rows for people and by them: alerts, what was said of episodes, and what gateways are to heed of it.

Not here: rows of what gateways sent, and what every row carries (``rows``).
"""

from typing import Literal

from msgspec import UNSET, UnsetType

from cloud_functions.core.rows import Row
from contract.feedback import Label

AlertState = Literal["open", "closed"]
About = Literal["episode", "identity"]


class Alert(Row, frozen=True, kw_only=True, tag="alert"):
    """What a person is told about one episode, or about the gateway's identity (``about``).

    ``open_pk`` and ``open_sk`` exist while it is open.
    """

    alert_id: str
    gateway_id: str
    sensor: str
    episode_id: str
    state: AlertState
    opened_ms: int
    severity: str
    top_channel: str
    reason: str
    peak_score: float
    rank: int
    about: About = "episode"
    closed_ms: int | UnsetType = UNSET
    notified_ms: int | UnsetType = UNSET
    open_pk: str | UnsetType | None = UNSET
    open_sk: str | UnsetType | None = UNSET


class Notified(Row, frozen=True, kw_only=True, tag="alert"):
    """The part of an alert that says it was sent; written alone."""

    notified_ms: int


class LabelRow(Row, frozen=True, kw_only=True, tag="label"):
    """What a person said of an episode, under the episode's own sort key.

    Attributes:
        gateway_id: The gateway.
        episode_id: The episode.
        sensor: Whose it was.
        top_channel: Which channel contributed most.
        peak: Its peak score, in calibrated thresholds.
        label: What was said.
        by: Who said so, as the API's authorisation names them.
        labelled_ms: When, by the cloud's clock.
        version: Rises by one with every change of mind.
        rule: The operator's rule that opened the episode; empty for the model's.
    """

    gateway_id: str
    episode_id: str
    sensor: str
    top_channel: str
    peak: float
    label: Label
    by: str
    labelled_ms: int
    version: int
    rule: str = ""


class FeedbackRow(Row, frozen=True, kw_only=True, tag="feedback"):
    """What a gateway is to heed; ``body`` is the Feedback's JSON, labels until ``reset_ms`` do not count."""

    gateway_id: str
    version: int
    body: str
    reset_ms: int = 0
