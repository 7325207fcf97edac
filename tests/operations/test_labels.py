"""Labels out of the twin's table, as files that training reads."""

import json
import uuid
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from cloud_functions.adapters.dynamodb import DynamoTable
from cloud_functions.adapters.memory import MemoryReplies
from cloud_functions.core.ingest import Ingest, Settings
from cloud_functions.core.shape import Retention
from contract.events import Episode
from contract.readings import Context
from contract.traces import Trace, pack
from operations.errors import OperationError
from operations.labels import labels, reset
from operations.recordings import export
from operations.stack import Stack
from tests.cloud_functions.make import NOW_MS, Clock, envelope, episode, record
from tests.operations.environment import environment
from thresher.cli import main
from training.evaluate.recordings import find
from twin.cloud import Deployment

SCANS = 96
BEFORE = 64


class Gateway:
    """One gateway's place in the cloud."""

    def __init__(self, deployment: Deployment) -> None:
        self.name = f"gw-{uuid.uuid4().hex[:8]}"
        self._backend = deployment.backend()
        table = DynamoTable(deployment.clients.make("dynamodb"), deployment.outputs.table_name)
        settings = Settings(interval_ms=0, retention=Retention(block_days=400, episode_days=400))
        self._ingest = Ingest(table, MemoryReplies(), Clock(), settings)
        self._seq = {"events": 0, "context": 0}

    def episode(self, number: int, *, scans: bool = True) -> Episode:
        """Ten seconds long, a minute after the one before; its scans are one channel that steps from 40 to 43."""
        onset = NOW_MS + number * 60_000
        told = episode(
            "closed",
            duration_ms=2000,
            onset=onset,
            episode_id=f"{self.name}.host.boot.{number}",
            peak_score=1.5,
            top_channel="temperature",
        )
        self._send("events", told)
        if scans:
            steps: list[int | None] = [4000] * BEFORE + [4300] * (SCANS - BEFORE)
            steps[3] = None
            trace = Trace(unit="°C", resolution=0.01, packed=pack(steps, base=4000), base=4000)
            times = Trace(unit="ms", resolution=1.0, packed=pack([i * 100 for i in range(SCANS)], slope=100), slope=100)
            self._send(
                "context",
                Context(
                    wall_ms=onset - BEFORE * 100,
                    monotonic_ms=1,
                    episode_id=told.episode_id,
                    sensor="host",
                    scans=SCANS,
                    times=times,
                    traces={"temperature": trace},
                ),
            )
        return told

    def say(self, told: Episode, label: str) -> None:
        path = f"/api/gateways/{self.name}/episodes/{quote(told.episode_id, safe='')}/label"
        answer = self._backend.tell(path, json.dumps({"label": label}).encode())
        assert answer.status == 200, answer.body

    def feedback(self) -> Any:
        return json.loads(self._backend.api(f"/api/gateways/{self.name}").body)["feedback"]

    def _send(self, lane: Any, event: Any) -> None:
        self._seq[lane] += 1
        self._ingest.ingest([record(envelope(self._seq[lane], event, gateway_id=self.name, lane=lane))])


@pytest.fixture
def gateway(deployment: Deployment) -> Gateway:
    return Gateway(deployment)


def test_labelled_scans_are_a_recording_that_training_can_measure(
    gateway: Gateway, stack: Stack, tmp_path: Path
) -> None:
    for number, label in enumerate(("false", "false", "false", "false", "true", "ignore")):
        gateway.say(gateway.episode(number), label)
    made = export(stack, labels(stack, gateway_id=gateway.name), tmp_path)
    assert (made.labels, made.files, made.rows, made.without_scans) == (6, 1, 5 * SCANS, 0)
    (recording,) = find(tmp_path).recordings
    assert recording.name == f"{gateway.name}/host"
    assert recording.labels.sum() == 21
    assert recording.scene.values[recording.labels].min() == pytest.approx(43.0)
    first = (tmp_path / gateway.name / "host.csv").read_text().splitlines()
    assert first[:2] == ["datetime;temperature;anomaly", "2026-11-23 07:59:53.600;40;0"]
    assert first[4].endswith(";;0")


def test_a_label_without_scans_is_counted_and_still_exported(gateway: Gateway, stack: Stack, tmp_path: Path) -> None:
    gateway.say(gateway.episode(1, scans=False), "true")
    made = export(stack, labels(stack, gateway_id=gateway.name), tmp_path)
    assert (made.labels, made.files, made.without_scans) == (1, 0, 1)
    assert json.loads((tmp_path / "labels.jsonl").read_text())["label"] == "true"


def test_without_a_name_labels_of_every_gateway_are_found(deployment: Deployment, stack: Stack) -> None:
    gateways = [Gateway(deployment) for _ in range(2)]
    for one in gateways:
        one.say(one.episode(1), "true")
    assert {one.name for one in gateways} <= {label.gateway_id for label in labels(stack)}


def test_an_operator_takes_thresholds_back_and_labels_stay(gateway: Gateway, stack: Stack) -> None:
    gateway.say(gateway.episode(1), "false")
    assert [one["factor"] for one in gateway.feedback()["thresholds"]] == [1.65]
    reset(stack, gateway.name)
    assert (gateway.feedback()["version"], gateway.feedback()["thresholds"]) == (2, [])
    assert len(list(labels(stack, gateway_id=gateway.name))) == 1


def test_a_gateway_nobody_knows_cannot_be_reset(stack: Stack) -> None:
    with pytest.raises(OperationError, match="nothing was ever raised"):
        reset(stack, "gw-nobody")


def test_the_command_says_what_it_wrote(
    deployment: Deployment,
    gateway: Gateway,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    gateway.say(gateway.episode(1), "true")
    for name, value in environment(deployment).items():
        monkeypatch.setenv(name, value)
    common = ["--stack", "thresher", "--gateway", gateway.name, "--json"]
    assert main(["labels", "export", *common, "--output", str(tmp_path)]) == 0
    assert json.loads(capsys.readouterr().out)["rows"] == SCANS
    assert main(["labels", "list", *common]) == 0
    assert json.loads(capsys.readouterr().out)["labels"][0]["label"] == "true"
