"""What happens behind the broker: functions that fail or are throttled, a queue that repeats, a table that refuses.

These hurt every gateway of the twin at once, so no other row runs beside them.
"""

import base64
import contextlib
import json
import random
from collections.abc import Iterator
from typing import Any, Final

from bench.faults.row import Row
from bench.faults.scene import Scene, Stage, now_ms
from bench.faults.throttle import ThrottlingProxy
from contract.health import Health
from device_agent import VERSION
from device_agent.identity import read_hardware
from device_agent.ledger import Acceptance, Ledger
from device_agent.spool.opening import open_spool

_VISIBLE_AFTER_S: Final = 2
_HURT_S: Final = 8.0
_NONSENSE: Final = 3
_BOOT_ID: Final = "bad0" * 8


class Cloud:
    """The twin's ingest path, and what can be done to it."""

    def __init__(self, stage: Stage) -> None:
        clients = stage.deployment.clients
        self._functions, self._sqs = clients.make("lambda"), clients.make("sqs")
        found = self._functions.list_functions()["Functions"]
        self._ingest = next(each for each in found if each["Handler"].endswith("handlers.ingest.handler"))
        mappings = self._functions.list_event_source_mappings()["EventSourceMappings"]
        self._mapping = next(each["UUID"] for each in mappings if ":sqs:" in each["EventSourceArn"])
        self._queue = next(url for url in self._sqs.list_queues()["QueueUrls"] if "EventsQueue" in url)

    @contextlib.contextmanager
    def visible_soon(self) -> Iterator[None]:
        """What a failed batch waits for is two seconds instead of the template's hundred."""
        self._visibility(_VISIBLE_AFTER_S)
        try:
            yield
        finally:
            self._visibility(100)

    @contextlib.contextmanager
    def throttled(self) -> Iterator[None]:
        """No function may run."""
        name = self._ingest["FunctionName"]
        self._functions.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
        try:
            yield
        finally:
            self._functions.delete_function_concurrency(FunctionName=name)

    @contextlib.contextmanager
    def failing(self) -> Iterator[None]:
        """Every invocation raises before it begins."""
        self._configure(Handler="cloud_functions.handlers.nothing.handler")
        try:
            yield
        finally:
            self._configure(Handler=self._ingest["Handler"])

    @contextlib.contextmanager
    def table_behind(self, port: int) -> Iterator[None]:
        """The functions reach the table through 127.0.0.1:port."""
        variables = self._ingest["Environment"]["Variables"]
        self._configure(
            Environment={"Variables": variables | {"AWS_ENDPOINT_URL_DYNAMODB": f"http://127.0.0.1:{port}"}}
        )
        try:
            yield
        finally:
            self._configure(Environment={"Variables": variables})

    @contextlib.contextmanager
    def queue_held(self) -> Iterator[None]:
        """Messages stay in the queue."""
        self._functions.update_event_source_mapping(UUID=self._mapping, Enabled=False)
        try:
            yield
        finally:
            self._functions.update_event_source_mapping(UUID=self._mapping, Enabled=True)

    def repeat_and_shuffle(self, source: random.Random) -> int:
        """Every message that is in the queue comes two to four times, in any order; returns how many copies came."""
        bodies: list[str] = []
        while got := self._sqs.receive_message(QueueUrl=self._queue, MaxNumberOfMessages=10).get("Messages"):
            for message in got:
                bodies.append(message["Body"])
                self._sqs.delete_message(QueueUrl=self._queue, ReceiptHandle=message["ReceiptHandle"])
        copies = [body for body in bodies for _ in range(source.randrange(2, 5))]
        source.shuffle(copies)
        for body in copies:
            self._sqs.send_message(QueueUrl=self._queue, MessageBody=body)
        return len(copies) - len(bodies)

    def send(self, bodies: list[str]) -> None:
        """Puts messages into the queue as the rule does."""
        for body in bodies:
            self._sqs.send_message(QueueUrl=self._queue, MessageBody=body)

    def dead_letters(self) -> int:
        """Messages that were given up by the queue."""
        url = next(url for url in self._sqs.list_queues()["QueueUrls"] if "DeadLetterQueue" in url)
        name = "ApproximateNumberOfMessages"
        return int(self._sqs.get_queue_attributes(QueueUrl=url, AttributeNames=[name])["Attributes"][name])

    def _visibility(self, seconds: int) -> None:
        self._sqs.set_queue_attributes(QueueUrl=self._queue, Attributes={"VisibilityTimeout": str(seconds)})

    def _configure(self, **changes: Any) -> None:  # noqa: ANN401 - as boto3 takes it
        self._functions.update_function_configuration(FunctionName=self._ingest["FunctionName"], **changes)


def lambda_throttled(stage: Stage) -> Row:
    """The ingest function may not run for a while."""
    cloud = Cloud(stage)
    with Scene(stage) as scene:
        scene.provision().go()
        with cloud.throttled():
            begun_ms = now_ms()
            scene.work(_HURT_S)
            ended_ms = now_ms()
        scene.work(5.0)
        scene.settle()
        return scene.row(
            injected=1,
            promise="0 lost, 0 twice; the queue keeps what came",
            ended_ms=[ended_ms],
            broken=scene.bites(begun_ms, ended_ms),
        )


def lambda_failing(stage: Stage) -> Row:
    """Every invocation of the ingest function fails for a while."""
    cloud = Cloud(stage)
    with Scene(stage) as scene, cloud.visible_soon():
        scene.provision().go()
        with cloud.failing():
            begun_ms = now_ms()
            scene.work(_HURT_S)
            ended_ms = now_ms()
        scene.work(8.0)
        scene.settle()
        note = f"{cloud.dead_letters()} messages in the dead-letter queue; the gateway sent what they held again"
        return scene.row(
            injected=1,
            promise="0 lost, 0 twice; retried by the queue",
            ended_ms=[ended_ms],
            note=note,
            broken=scene.bites(begun_ms, ended_ms),
        )


def sqs_duplicates_reorder(stage: Stage) -> Row:
    """Every message of some seconds is delivered two to four times, shuffled."""
    cloud, source = Cloud(stage), random.Random(stage.seed)
    with Scene(stage) as scene, cloud.visible_soon():
        scene.provision().go()
        with cloud.queue_held():
            scene.work(_HURT_S)
            injected = cloud.repeat_and_shuffle(source)
        ended_ms = now_ms()
        scene.work(5.0)
        scene.settle()
        return scene.row(injected=injected, promise="one row for each event, in any order", ended_ms=[ended_ms])


def dynamodb_throttled(stage: Stage) -> Row:
    """Half of all calls of the ingest function to the table are refused for want of throughput."""
    cloud = Cloud(stage)
    with (
        Scene(stage) as scene,
        cloud.visible_soon(),
        ThrottlingProxy(stage.deployment.endpoint.port, seed=stage.seed) as proxy,
    ):
        scene.provision().go()
        with cloud.table_behind(proxy.port):
            scene.work(2 * _HURT_S)
        ended_ms = now_ms()
        scene.work(8.0)
        scene.settle()
        return scene.row(
            injected=proxy.refused, promise="0 lost, 0 twice; partial batches are retried", ended_ms=[ended_ms]
        )


def poison(stage: Stage) -> Row:
    """Bytes that nobody understands come in the gateway's name; and its own spool holds events that cannot be true."""
    cloud = Cloud(stage)
    with Scene(stage) as scene:
        scene.provision().go()
        gateway = scene.station.config.gateway
        garbage = [b"", b"\xff\xfe not json", b'{"schema_version":1}', b'{"gateway_id":"somebody-else"}', b"[" * 2000]
        bodies = [_message(gateway, each) for each in garbage] + ["not even a message", "{}"]
        before = scene.quarantined()
        cloud.send(bodies)
        _append_nonsense(scene)
        ended_ms = now_ms()
        scene.work(6.0)
        scene.settle()
        injected = len(bodies) + _NONSENSE
        row = scene.row(
            injected=injected,
            promise="kept in quarantine, each of them, and nothing else waits for it; declared: the gateway's own",
            ended_ms=[ended_ms],
        )
        if (kept := scene.quarantined() - before) < injected:
            row.broken.append(f"{kept} of {injected} lie in quarantine")
        if row.declared != _NONSENSE:
            row.broken.append(f"{row.declared} events declared, {_NONSENSE} were nonsense")
        return row


def _append_nonsense(scene: Scene) -> None:
    """Events of a time before time, accepted by the spool as any other."""
    events = [
        Health(wall_ms=-1, monotonic_ms=number, version=VERSION, uptime_ms=0, interval_ms=1000, sensors={})
        for number in range(_NONSENSE)
    ]
    config, path = scene.station.config, scene.station.ledger
    with contextlib.closing(open_spool(config, read_hardware())) as spool, contextlib.closing(Ledger(path)) as ledger:
        places = spool.append(_BOOT_ID, events)
        ledger.record(Acceptance(spool.spool_id, events, places))


def _message(gateway: str, payload: bytes) -> str:
    data = base64.b64encode(payload).decode()
    return json.dumps(
        {"data": data, "gateway_id": gateway, "lane": "events", "client_id": gateway, "broker_ms": now_ms()}
    )
