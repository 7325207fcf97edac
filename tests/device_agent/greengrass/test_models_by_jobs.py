"""A model by a job under a nucleus: from IoT Jobs through the nucleus to the filters, and back as the job's end."""

import hashlib
import json

import msgspec
import pytest

from bench.updates.server import Server, serving
from device_agent.fleet.probe.look import Sensed
from device_agent.fleet.update import links
from device_agent.fleet.update.port import SHIPPED
from device_agent.greengrass.fleet_agent import fleet_agent
from device_agent.greengrass.gateway import gateway
from device_agent.greengrass.place import FLEET_AGENT, GATEWAY
from operations.fleet.bundles import Making
from tests.device_agent.greengrass.machinery import until
from tests.device_agent.supervising.world import HEALTH, shipped_model
from twin.keyring import Keyring, now

CARD = "level.card.json"
MODELS = "models"
OVER_S = 40.0


class Core:
    """A core device that senses, whose fleet agent trusts a keyring."""

    def __init__(self, machinery, cloud, folder) -> None:
        self._machinery, self._cloud, self._folder = machinery, cloud, folder
        self.keyring = Keyring(folder / "roots")
        self._counter = 0
        machinery.host.configuration[FLEET_AGENT] = {"fleet": {"trust": {"root": str(self.keyring.root_file)}}}
        machinery.start(GATEWAY, gateway)
        machinery.start(FLEET_AGENT, fleet_agent)
        until(lambda: cloud.serve() or self.said().uptime_ms > 2500)

    def said(self) -> Sensed:
        path = self._machinery.work(GATEWAY) / "run-status.json"
        return msgspec.json.decode(path.read_bytes(), type=Sensed) if path.exists() else Sensed()

    @property
    def in_use(self) -> str:
        return links.active(self._machinery.work(FLEET_AGENT) / MODELS)

    def bring(self, files: dict[str, bytes], version: str) -> tuple[str, str]:
        """How a job ended that brings a signed model: its status, and the reason it gave."""
        self._counter += 1
        path, job_id = self._folder / f"{version}.bundle", f"model-{self._counter}"
        made = Making(kind="model", name="level", version=version, counter=self._counter, created=now(), health=HEALTH)
        self.keyring.bundle(files, made, output=path)
        with serving(Server(path.read_bytes())) as server:
            self._cloud.jobs.ledger.create(job_id, self._document(server, version))
            status = self._cloud.until_over(job_id, within_s=OVER_S)
        return status, self._cloud.jobs.ledger.of(job_id).details.get("reason", "")

    def _document(self, server: Server, version: str) -> dict:
        said = {"kind": "model", "name": "level", "version": version, "url": server.url, "force": True}
        content = {"size": len(server.content), "sha256": hashlib.sha256(server.content).hexdigest()}
        return {"version": "1.0", "steps": [{"action": {"name": "a", "type": "applyBundle", "input": said | content}}]}


def unloadable(version: int) -> dict[str, bytes]:
    """Files that are what their card states, and no models."""
    files = shipped_model(version)
    card = json.loads(files[CARD])
    for name, stated in card["files"].items():
        files[name] = b"no model"
        stated |= {"size_bytes": len(files[name]), "sha256": hashlib.sha256(files[name]).hexdigest()}
    return {**files, CARD: json.dumps(card).encode()}


@pytest.fixture
def core(machinery, cloud, tmp_path):
    return Core(machinery, cloud, tmp_path)


def test_a_good_model_is_taken_hot_and_a_bad_one_goes_back_with_no_sample_missed(core):
    assert core.bring(shipped_model(7), "7.0.0") == ("SUCCEEDED", "")
    assert core.in_use.startswith("7.0.0-")
    assert " v7 " in core.said().filters["machine"].model
    before = core.said()

    status, reason = core.bring(unloadable(8), "8.0.0")
    assert status == "FAILED"
    assert "found wanting: refused" in reason
    assert core.in_use.startswith("7.0.0-")
    after = until(lambda: core.said() if core.said().uptime_ms > before.uptime_ms + 2000 else None)
    assert " v7 " in after.filters["machine"].model
    assert after.samples > before.samples
    assert (after.pid, after.sensors["machine"].missed) == (before.pid, 0)


def test_without_a_signature_that_counts_no_model_is_taken(core, tmp_path):
    core.keyring = Keyring(tmp_path / "others")
    status, reason = core.bring(shipped_model(9), "9.0.0")
    assert (status, "signature" in reason) == ("REJECTED", True)
    assert core.in_use == SHIPPED
