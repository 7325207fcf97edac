"""What people say of episodes: kept, and told to the gateway.

    label ─▶ row beside the episode ─▶ thresholds of the gateway ─▶ version + 1 ─▶ told

The gateway gets the whole of it with a version (``contract.feedback``). Telling is one message, which may be lost: the
gateway's Health names the version it heeds, and ingest tells again while that is behind. So whatever ends half-way,
here or on the way, is made good by the next label or the next Health.
"""

from typing import Final

import msgspec
from msgspec.structs import replace

from cloud_functions.core.detail import find_episode
from cloud_functions.core.errors import StoreError
from cloud_functions.core.feedback import feedback_of, feedback_row
from cloud_functions.core.keys import fleet_key, label_key
from cloud_functions.core.people import FeedbackRow, LabelRow
from cloud_functions.core.ports import Clock, Replies, Span, Table
from cloud_functions.core.shape import expiry
from cloud_functions.core.thresholds import fitted, thresholds
from contract.events import Episode
from contract.feedback import Feedback, Label

_ATTEMPTS: Final = 10
_MAX_WHO: Final = 200


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """One person's word about one episode."""

    gateway_id: str
    episode_id: str
    label: Label
    by: str


class Labelling:
    """Takes labels.

    Args:
        table: Where they are kept.
        replies: The way to gateways.
        clock: The cloud's time.
        days: How long a label stays.
    """

    def __init__(self, table: Table, replies: Replies, clock: Clock, *, days: int) -> None:
        self._table, self._replies, self._clock, self._days = table, replies, clock, days

    def label(self, said: Said) -> LabelRow:
        """Keeps a label and tells the gateway what follows; saying it again changes nothing.

        Raises:
            QueryError: Nobody has heard of the episode.
            StoreError: Trying again may help.
        """
        row = self._kept(said)
        self._advise(said.gateway_id)
        return row

    def reset(self, gateway_id: str) -> FeedbackRow | None:
        """Takes every threshold of a gateway back; labels stay, for training. ``None`` where there never was one."""
        key = fleet_key(gateway_id, "feedback")
        for _ in range(_ATTEMPTS):
            old = self._table.get(key)
            if not isinstance(old, FeedbackRow):
                return None
            now_ms = self._clock()
            feedback = Feedback(version=old.version + 1, made_ms=now_ms)
            if row := self._write(feedback, gateway_id, reset_ms=now_ms):
                return row
        raise StoreError(f"feedback {key}: {_ATTEMPTS} other writers were faster")

    def _kept(self, said: Said) -> LabelRow:
        now_ms = self._clock()
        episode = find_episode(self._table, said.gateway_id, said.episode_id, now_ms=now_ms)
        row = _row(said, episode, now_ms=now_ms, expires_at=expiry(now_ms, self._days))
        for _ in range(_ATTEMPTS):
            old = self._table.get(row.key)
            if isinstance(old, LabelRow):
                if old.label == said.label:
                    return old
                row = replace(row, version=old.version + 1)
            if self._table.merge(row, rank="version"):
                return row
        raise StoreError(f"label {row.key}: {_ATTEMPTS} other writers were faster")

    def _advise(self, gateway_id: str) -> None:
        """Labels are read after the version, so whoever writes last has seen all labels before it."""
        key = fleet_key(gateway_id, "feedback")
        for _ in range(_ATTEMPTS):
            old = self._table.get(key)
            known = old if isinstance(old, FeedbackRow) else None
            now_ms, reset_ms = self._clock(), known.reset_ms if known else 0
            made = thresholds(self._labels(gateway_id), after_ms=reset_ms, now_ms=now_ms)
            feedback = fitted(Feedback(version=(known.version if known else 0) + 1, made_ms=now_ms, thresholds=made))
            if feedback.thresholds == (feedback_of(known).thresholds if known else []):
                return
            if self._write(feedback, gateway_id, reset_ms=reset_ms):
                return
        raise StoreError(f"feedback {key}: {_ATTEMPTS} other writers were faster")

    def _labels(self, gateway_id: str) -> list[LabelRow]:
        """Those of the model's episodes; a rule has no threshold that feedback could raise."""
        rows = self._table.query(Span(label_key(gateway_id, 0, "").pk))
        return [row for row in rows if isinstance(row, LabelRow) and not row.rule]

    def _write(self, feedback: Feedback, gateway_id: str, *, reset_ms: int) -> FeedbackRow | None:
        """Writes it and tells the gateway; ``None`` where another writer was faster."""
        row = feedback_row(feedback, gateway_id, reset_ms=reset_ms)
        if not self._table.merge(row, rank="version"):
            return None
        self._replies.advise(gateway_id, feedback)
        return row


def _row(said: Said, episode: Episode, *, now_ms: int, expires_at: int) -> LabelRow:
    pk, sk = label_key(said.gateway_id, episode.onset_wall_ms, said.episode_id)
    return LabelRow(
        pk=pk,
        sk=sk,
        gateway_id=said.gateway_id,
        episode_id=said.episode_id,
        sensor=episode.sensor,
        top_channel=episode.top_channel,
        rule=episode.rule,
        peak=round(episode.peak_score * max(1.0, episode.raised), 4),
        label=said.label,
        by=said.by[:_MAX_WHO],
        labelled_ms=now_ms,
        version=1,
        expires_at=expires_at,
    )
