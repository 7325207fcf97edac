"""The far side of a bench broker: takes every envelope, answers what it has, and counts what came.

```
gateway ──envelopes──▶ mosquitto ──▶ collector      stored = contiguous, by lane ──▶ mosquitto ──▶ gateway forgets
```
It stands for rule, queue and ingest, at no cost worth naming, so that the gateway is what is measured.
Not here: checking what the events say, beyond counting the readings of contexts.
"""

import threading
from collections import Counter, defaultdict
from pathlib import Path
from typing import Final, Self

import msgspec

from bench.tls_proxy import Authority
from contract.codec import decode_envelope, encode_stored
from contract.envelope import Envelope, Stored
from contract.events import Lane
from contract.topics import DEFAULT_RULE, stored_topic
from device_agent.config import UplinkConfig
from device_agent.uplink.mqtt5 import Mqtt5Uplink
from twin.errors import TwinError
from twin.ports import LOOPBACK
from twin.provision import DeviceFiles

_EVERYTHING: Final = f"$aws/rules/{DEFAULT_RULE}/fleet/+/events/+"
_ANSWER_EVERY_S: Final = 0.5
_CONNECT_S: Final = 10.0
_YEARS_S: Final = 10 * 365 * 86_400


class _Part(msgspec.Struct, frozen=True):
    """An event as far as its readings are counted."""

    kind: str
    scans: int = 0
    traces: dict[str, msgspec.Raw] = {}


_parts: Final = msgspec.json.Decoder(_Part)


class Came(msgspec.Struct, kw_only=True):
    """What came of one gateway.

    Attributes:
        through: By lane: everything up to this sequence is here.
        ahead: By lane: sequences beyond a hole.
        events: Different ones.
        readings: Channel values in contexts.
        envelopes: All, second copies included.
        envelope_bytes: Of all.
        spool_id: Of the spool that counted.
    """

    through: Counter[Lane]
    ahead: dict[Lane, set[int]]
    events: int = 0
    readings: int = 0
    envelopes: int = 0
    envelope_bytes: int = 0
    spool_id: str = ""

    def take(self, payload: bytes) -> None:
        """Counts an envelope; a second copy adds nothing but its bytes."""
        envelope = decode_envelope(payload)
        self.spool_id, lane = envelope.spool_id, envelope.lane
        self.envelopes += 1
        self.envelope_bytes += len(payload)
        ahead = self.ahead.setdefault(lane, set())
        for seq, event in enumerate(envelope.events, envelope.first_seq):
            if seq > self.through[lane] and seq not in ahead:
                ahead.add(seq)
                self._count(event)
        self._pass_declared(envelope)
        while self.through[lane] + 1 in ahead:
            self.through[lane] += 1
            ahead.discard(self.through[lane])

    def _count(self, raw: msgspec.Raw) -> None:
        part = _parts.decode(raw)
        self.events += 1
        if part.kind == "context":
            self.readings += part.scans * len(part.traces)

    def _pass_declared(self, envelope: Envelope) -> None:
        for gone in envelope.declared:
            self.ahead[envelope.lane].update(range(max(gone.first, self.through[envelope.lane] + 1), gone.last + 1))


def nothing_came() -> Came:
    """The beginning."""
    return Came(through=Counter(), ahead={})


class Collector:
    """A context manager, connected inside it; any thread may look.

    Args:
        folder: For its certificate.
        authority: That the broker believes.
        port: Of the broker.
    """

    def __init__(self, folder: Path, authority: Authority, port: int) -> None:
        self._came: dict[str, Came] = defaultdict(nothing_came)
        self._mutex = threading.Lock()
        self._stop = threading.Event()
        config = reach(issue(authority, "collector", folder), port, unlimited=True)
        self._uplink = Mqtt5Uplink(config, client_id="collector")
        self._thread = threading.Thread(target=self._answer, name="collector", daemon=True)

    def of(self, gateway: str) -> Came:
        """A copy of what came of a gateway so far."""
        with self._mutex:
            came = self._came[gateway]
            return Came(
                through=Counter(came.through),
                ahead={lane: set(ahead) for lane, ahead in came.ahead.items()},
                events=came.events,
                readings=came.readings,
                envelopes=came.envelopes,
                envelope_bytes=came.envelope_bytes,
                spool_id=came.spool_id,
            )

    def _take(self, payload: bytes) -> None:
        gateway = decode_envelope(payload).gateway_id
        with self._mutex:
            self._came[gateway].take(payload)

    def _answer(self) -> None:
        """As the cloud does, only where something came: an answer that says nothing new costs a gateway a commit."""
        answered = Counter[str]()
        while not self._stop.wait(_ANSWER_EVERY_S):
            with self._mutex:
                heard = {gateway: came for gateway, came in self._came.items() if came.envelopes != answered[gateway]}
                answers = [
                    (gateway, Stored(spool_id=came.spool_id, lane=lane, through=through))
                    for gateway, came in heard.items()
                    for lane, through in came.through.items()
                ]
                answered.update({gateway: came.envelopes - answered[gateway] for gateway, came in heard.items()})
            for gateway, stored in answers:
                self._uplink.publish(stored_topic(gateway), encode_stored(stored))

    def __enter__(self) -> Self:
        connected = threading.Event()
        self._uplink.connect({_EVERYTHING: self._take}, connected.set)
        connected.wait(_CONNECT_S)
        if not self._uplink.link.connected:
            raise TwinError(
                f"the collector does not connect: {self._uplink.link.reason}", remedy="read the broker's log"
            )
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(_CONNECT_S)
        self._uplink.close()


def issue(authority: Authority, name: str, folder: Path) -> DeviceFiles:
    """A certificate of a name, written into a folder of its own; so long-lived that nobody thinks of renewing it."""
    folder.mkdir(parents=True)
    device = DeviceFiles(certificate=folder / "certificate.pem", private_key=folder / "private.key", ca=authority.ca)
    authority.issue(name, device.certificate, device.private_key, seconds=_YEARS_S)
    return device


def reach(device: DeviceFiles, port: int, *, unlimited: bool = False) -> UplinkConfig:
    """An uplink to a broker on 127.0.0.1."""
    return UplinkConfig(
        endpoint=LOOPBACK,
        port=port,
        certificate=str(device.certificate),
        private_key=str(device.private_key),
        ca=str(device.ca),
        unlimited=unlimited,
        in_flight=80 if unlimited else 20,
    )
