"""A spool's events as JSON lines, for whoever wants to keep or read them elsewhere."""

import base64
from collections.abc import Iterator
from pathlib import Path

import msgspec

from contract.events import Lane
from device_agent.spool.checksum import checksum
from device_agent.spool.reading import reading, remains_of
from device_agent.spool.trouble import SpoolTroubleError


class Exported(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One event.

    Attributes:
        spool_id: With lane and sequence, the event's id; empty where a damaged file does not say.
        lane: See ``spool_id``.
        seq: See ``spool_id``.
        boot_id: Under which it happened.
        intact: Whether its checksum is right.
        event: Its JSON.
        body_base64: Its bytes where they are no JSON.
        number: In quarantine, for ``thresher spool retry``.
        reason: Why it is in quarantine.
    """

    spool_id: str
    lane: Lane
    seq: int
    boot_id: str
    intact: bool
    event: msgspec.Raw | None = None
    body_base64: str = ""
    number: int | None = None
    reason: str = ""


def pending(path: Path) -> Iterator[Exported]:
    """Events that the cloud is not known to have, by lane and sequence; of a damaged file what can be read.

    Raises:
        SpoolTroubleError: Another process keeps it closed.
    """
    done: set[tuple[Lane, int]] = set()
    try:
        with reading(path) as db:
            (spool_id,) = db.execute("SELECT spool_id FROM spool").fetchone()
            for lane, seq, boot_id, crc, body in db.execute("SELECT lane, seq, boot_id, crc, body FROM event"):
                done.add((lane, seq))
                yield _event(spool_id, lane, (seq, boot_id, crc, body))
    except (SpoolTroubleError, TypeError) as exc:  # no spool id
        if isinstance(exc, SpoolTroubleError) and exc.kind == "busy":
            raise
        yield from (event for event in readable(path) if (event.lane, event.seq) not in done)


def readable(path: Path) -> Iterator[Exported]:
    """Intact events of a damaged file, or of one that was moved aside."""
    remains = remains_of(path)
    for lane, found in remains.lanes.items():
        for seq, boot_id, _, crc, body in found.rows:
            yield _event(remains.spool_id, lane, (seq, boot_id, crc, body))


def quarantined(path: Path) -> Iterator[Exported]:
    """Events that could not travel, by number; of a damaged file what can be read, without numbers."""
    try:
        with reading(path) as db:
            (spool_id,) = db.execute("SELECT spool_id FROM spool").fetchone()
            kept = db.execute("SELECT lane, seq, boot_id, reason, body, number FROM quarantine").fetchall()
    except (SpoolTroubleError, TypeError) as exc:
        if isinstance(exc, SpoolTroubleError) and exc.kind == "busy":
            raise
        remains = remains_of(path)
        spool_id, kept = remains.spool_id, [(*row, None) for row in remains.tables["quarantine"]]
    for row in kept:
        lane, seq, boot_id, reason, body, number = row
        if isinstance(body, bytes):
            event, text = _body(body)
            yield Exported(
                spool_id=spool_id, lane=lane, seq=seq, boot_id=boot_id, intact=reason != "corrupt",
                event=event, body_base64=text, number=number, reason=reason,
            )  # fmt: skip


def _event(spool_id: str, lane: Lane, row: tuple[int, str, int, bytes]) -> Exported:
    seq, boot_id, crc, body = row
    event, text = _body(body)
    intact = checksum(lane, seq, boot_id, body) == crc
    return Exported(
        spool_id=spool_id, lane=lane, seq=seq, boot_id=boot_id, intact=intact, event=event, body_base64=text
    )


def _body(body: bytes) -> tuple[msgspec.Raw | None, str]:
    try:
        msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None, base64.b64encode(body).decode("ascii")
    return msgspec.Raw(body), ""
