"""Brokers for the tests of this folder: the one in memory, and MiniStack with mutual TLS and enforced policies."""

import contextlib
import json
import socket
import struct
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from contract.topics import DEFAULT_RULE
from device_agent.config import UplinkConfig
from twin.aws import Clients
from twin.ministack import MiniStack
from twin.ports import LOOPBACK
from twin.provision import DeviceFiles, Provisioner

POLICY = "gateways"
QUEUE_SQL = (
    "SELECT encode(*, 'base64') AS data, topic(2) AS gateway_id, topic(4) AS lane, clientid() AS client_id "
    "FROM 'fleet/+/events/+'"
)
_ARN = "arn:aws:iot:us-east-1:000000000000"
_THING = "${iot:Connection.Thing.ThingName}"


class Link:
    """A TCP relay between a client and the broker that can be cut, as a network is."""

    def __init__(self, broker_port: int) -> None:
        self._broker_port = broker_port
        self._open = True
        self._flowing = threading.Event()
        self._flowing.set()
        self._sockets: list[socket.socket] = []
        self._listener = socket.create_server((LOOPBACK, 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True, name="relay").start()

    def cut(self) -> None:
        """Resets every connection and refuses new ones."""
        self._open = False
        for one in self._sockets:
            with contextlib.suppress(OSError):
                one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                one.shutdown(socket.SHUT_RDWR)
            one.close()
        self._sockets.clear()

    def stall(self) -> None:
        """Lets nothing through and says nothing, as a network that swallows packets."""
        self._flowing.clear()

    def restore(self) -> None:
        """Lets connections and bytes through again."""
        self._open = True
        self._flowing.set()

    def close(self) -> None:
        """Ends the relay."""
        self._listener.close()
        self._flowing.set()
        self.cut()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            if not self._open:
                client.close()
                continue
            broker = socket.create_connection((LOOPBACK, self._broker_port), timeout=5)
            broker.settimeout(None)
            self._sockets += [client, broker]
            for source, sink in ((client, broker), (broker, client)):
                threading.Thread(target=_pump, args=(source, sink, self._flowing), daemon=True, name="relay").start()


def _pump(source: socket.socket, sink: socket.socket, flowing: threading.Event) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            flowing.wait(timeout=60)
            sink.sendall(data)
    for one in (source, sink):
        with contextlib.suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)


class Site:
    """A MiniStack with a policy, a rule to a queue, and gateways on request."""

    def __init__(self, stack: MiniStack, folder: Path) -> None:
        self._folder = folder
        self.stack = stack
        clients = Clients(stack.endpoint)
        self.iot, self.sqs, self.data = clients.make("iot"), clients.make("sqs"), clients.make("iot-data")
        self.iot.create_policy(policyName=POLICY, policyDocument=json.dumps(_policy()))
        self.queue = self.sqs.create_queue(QueueName="events")["QueueUrl"]
        self._make_rule(clients)
        self._provisioner = Provisioner(clients, stack.endpoint, POLICY)

    def files(self, gateway_id: str) -> DeviceFiles:
        """A thing with a certificate of its own."""
        return self._provisioner.provision(gateway_id, self._folder / gateway_id)

    def config(self, files: DeviceFiles, *, port: int | None = None) -> UplinkConfig:
        """An uplink to this broker."""
        return UplinkConfig(
            endpoint="localhost",
            port=port or self.stack.endpoint.mqtt_port,
            certificate=str(files.certificate),
            private_key=str(files.private_key),
            ca=str(files.ca),
            keep_alive_s=5,
            linger_s=0.2,
        )

    def say(self, topic: str, payload: bytes) -> None:
        """A message from the cloud."""
        self.data.publish(topic=topic, qos=1, payload=payload)

    def arrived(self) -> list[dict[str, Any]]:
        """What reached the queue since the last look."""
        bodies: list[dict[str, Any]] = []
        while messages := self.sqs.receive_message(QueueUrl=self.queue, MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                bodies.append(json.loads(message["Body"]))
                self.sqs.delete_message(QueueUrl=self.queue, ReceiptHandle=message["ReceiptHandle"])
        return bodies

    def _make_rule(self, clients: Clients) -> None:
        arn = self.sqs.get_queue_attributes(QueueUrl=self.queue, AttributeNames=["QueueArn"])
        role = clients.make("iam").create_role(
            RoleName="rule", AssumeRolePolicyDocument=json.dumps(_allow(["sts:AssumeRole"], None, "iot.amazonaws.com"))
        )
        send = _allow(["sqs:SendMessage"], arn["Attributes"]["QueueArn"])
        clients.make("iam").put_role_policy(RoleName="rule", PolicyName="send", PolicyDocument=json.dumps(send))
        action = {"sqs": {"queueUrl": self.queue, "roleArn": role["Role"]["Arn"], "useBase64": False}}
        self.iot.create_topic_rule(
            ruleName=DEFAULT_RULE,
            topicRulePayload={"sql": QUEUE_SQL, "awsIotSqlVersion": "2016-03-23", "actions": [action]},
        )


def _allow(actions: list[str], resource: object, service: str | None = None) -> dict[str, Any]:
    statement: dict[str, Any] = {"Effect": "Allow", "Action": actions}
    if resource:
        statement["Resource"] = resource
    if service:
        statement["Principal"] = {"Service": service}
    return {"Version": "2012-10-17", "Statement": [statement]}


def _policy() -> dict[str, Any]:
    own_events = f"{_ARN}:topic/$aws/rules/{DEFAULT_RULE}/fleet/{_THING}/events/*"
    answers = [f"fleet/{_THING}/{what}" for what in ("stored", "feedback")]
    shadow = f"$aws/things/{_THING}/shadow/name"
    answers.append(f"{shadow}/*")
    statements = [
        *_allow(["iot:Publish"], [f"{_ARN}:topic/{shadow}/*/{what}" for what in ("get", "update")])["Statement"],
        *_allow(["iot:Connect"], f"{_ARN}:client/{_THING}")["Statement"],
        *_allow(["iot:Publish"], own_events)["Statement"],
        *_allow(["iot:Subscribe"], [f"{_ARN}:topicfilter/{topic}" for topic in answers])["Statement"],
        *_allow(["iot:Receive"], [f"{_ARN}:topic/{topic}" for topic in answers])["Statement"],
    ]
    return {"Version": "2012-10-17", "Statement": statements}


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("broker")
    with MiniStack(folder / "stack") as stack:
        stack.wait()
        yield Site(stack, folder / "gateways")


@pytest.fixture
def link(site: Site) -> Iterator[Link]:
    relay = Link(site.stack.endpoint.mqtt_port)
    yield relay
    relay.close()
