"""A batch of queue records: stored, accounted, shown, answered; in this order: each step may be the last.

    block (or quarantine) ─▶ watermark ─▶ episode, alert, loss, health ─▶ answer to the gateway

A function may end anywhere; the queue then delivers the record again and every step repeats without harm. So
the gateway never hears that something is stored which is not, and no alert is lost behind a stored block.
A table that answers slowly must not end the function before anything is accounted, or the same batch would end
it for ever: after ``receive_ms`` the records not yet looked at come again, and those stored are accounted.
"""

from collections.abc import Sequence
from typing import NamedTuple

from cloud_functions.core.lanes import Lanes, answer
from cloud_functions.core.ports import Clock, Replies, Table
from cloud_functions.core.receive import Arrival, Receiver, Record, by_gateway
from cloud_functions.core.rows import WatermarkRow
from cloud_functions.core.shape import Retention
from cloud_functions.core.show import Show
from cloud_functions.core.tally import Tally


class Settings(NamedTuple):
    """What an operator chooses; see the template's parameters.

    Attributes:
        interval_ms: How often a gateway is told (``lanes``).
        retention: How long rows stay.
        receive_ms: How long records of one batch are stored before the account; half of the function's time.
    """

    interval_ms: int
    retention: Retention
    receive_ms: int = 7_500


class Ingest:
    """Ingests batches.

    Args:
        table: Where everything is kept.
        replies: The way back to gateways.
        clock: The cloud's time.
        settings: See there.
    """

    def __init__(self, table: Table, replies: Replies, clock: Clock, settings: Settings) -> None:
        self._replies = replies
        self._clock = clock
        self._receive_ms = settings.receive_ms
        self._receiver = Receiver(table, clock, settings.retention)
        self._show = Show(table, clock, episode_days=settings.retention.episode_days)
        self._lanes = Lanes(table, clock, interval_ms=settings.interval_ms)

    def ingest(self, records: Sequence[Record]) -> Tally:
        """Works through a batch; never raises for what a gateway sent, nor for a store that failed."""
        tally = Tally()
        tally.add("records", len(records))
        received: list[Arrival] = []
        until_ms = self._clock() + self._receive_ms
        for record in records:
            if self._clock() > until_ms:
                tally.postpone(record.record_id)
                continue
            with tally.guard([record.record_id]):
                arrival = self._receiver.receive(record, tally)
                received.extend([arrival] if arrival else [])
        for gateway_id, arrivals in by_gateway(received).items():
            with tally.guard([arrival.record_id for arrival in arrivals]):
                self._account(gateway_id, arrivals, tally)
        return tally

    def _account(self, gateway_id: str, arrivals: Sequence[Arrival], tally: Tally) -> None:
        told, evidence, unheard = self._lanes.advance(gateway_id, arrivals)
        tally.add("episodes", self._show.show(gateway_id, arrivals))
        if evidence:
            tally.add("clones")
            self._show.alarm(gateway_id, evidence)
        self._answer(told, tally)
        if unheard:
            self._replies.advise(gateway_id, unheard)
            tally.add("advised")

    def _answer(self, told: Sequence[WatermarkRow], tally: Tally) -> None:
        for row in told:
            self._replies.reply(row.gateway_id, answer(row))
            tally.add("replies")
