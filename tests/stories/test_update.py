"""Jobs that bring new versions: from the cloud through the agent to the supervisor, and back as the job's end.

Real processes on the twin: supervise, agent, and first the real sensing, then stand-ins for it.
"""

import functools
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest

from contract.jobs import Bundle
from tests.device_agent.supervising.world import HEALTH, Gateway, until
from tests.device_agent.supervising.world import shipped_model as model
from twin.cloud import Deployment, LocalCloud
from twin.stand_in import Fault, release_files

NAME = "gw-updates"
UPLINK = (
    'uplink: {{endpoint: localhost, port: {port}, certificate: "{certificate}", private_key: "{key}", ca: "{ca}", '
    "linger_s: 0.1}}\n"
)
DEADLINE_S: Final = 60.0
LENIENT = msgspec.structs.replace(HEALTH, min_rate=0.0, max_memory_growth=1 << 50)
"""A stand-in takes fewer samples than the real sensing that it follows, and two seconds are a start, not a leak."""


class Site:
    """One gateway of a fleet, as whoever makes jobs sees it."""

    def __init__(self, deployment: Deployment, gateway: Gateway, shelf: str) -> None:
        self.gateway = gateway
        self._iot: Any = deployment.clients.make("iot")
        self._shelf = shelf
        self._jobs = 0

    def order(self, action: Mapping[str, Any]) -> str:
        self._jobs += 1
        job = f"job-{self._jobs}"
        document = {"version": "1.0", "steps": [{"action": {"name": job, **action}}]}
        arn = self._iot.describe_thing(thingName=NAME)["thingArn"]
        self._iot.create_job(jobId=job, targets=[arn], document=json.dumps(document))
        return job

    def bring(self, bundle: Bundle) -> str:
        url = f"{self._shelf}/{Path(bundle.url).name}"
        return self.order(
            {"type": "applyBundle", "input": msgspec.to_builtins(msgspec.structs.replace(bundle, url=url))}
        )

    def end_of(self, job: str) -> tuple[str, str]:
        """How a job ended here: its status, and the reason it gave."""

        def ended() -> tuple[str, str] | None:
            execution = self._iot.describe_job_execution(jobId=job, thingName=NAME)["execution"]
            details = execution.get("statusDetails", {}).get("detailsMap", {})
            over = execution["status"] not in {"QUEUED", "IN_PROGRESS"}
            return (execution["status"], details.get("reason", "")) if over else None

        return until(ended, deadline_s=DEADLINE_S)

    def application(self, version: str, fault: Fault = "") -> Bundle:
        return self.gateway.bundle("application", release_files(version, fault), version, health=LENIENT)


@contextmanager
def _shelf(folder: Path) -> Iterator[str]:
    """Where bundles lie; its address."""
    handler = functools.partial(_Quiet, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with LocalCloud(tmp_path / "cloud") as cloud, _shelf(tmp_path) as shelf:
        deployment = cloud.start()
        identity = deployment.provisioner().provision(NAME, tmp_path / "identity")
        places = {"certificate": identity.certificate, "key": identity.private_key, "ca": identity.ca}
        uplink = UPLINK.format(port=deployment.endpoint.mqtt_port, **places)
        gateway = Gateway(tmp_path, name=NAME, more=uplink, stand_in=False)
        gateway.start()
        try:
            gateway.working()
            yield Site(deployment, gateway, shelf)
            cloud.check()
        finally:
            gateway.stop()


@pytest.mark.story
def test_jobs_bring_what_works_and_take_back_what_does_not(site: Site) -> None:
    gateway = site.gateway

    assert site.end_of(site.bring(gateway.bundle("model", model(7), "7.0.0"))) == ("SUCCEEDED", "")
    assert " v7 " in gateway.sensed().filters["machine"].model

    status, reason = site.end_of(site.bring(site.application("1.0.0", "raises false alarms")))
    assert status == "FAILED"
    assert "false alarms" in reason
    assert gateway.working().release == ""
    assert " v7 " in gateway.sensed().filters["machine"].model, "the real sensing is back, with its model"

    assert site.end_of(site.bring(site.application("1.1.0"))) == ("SUCCEEDED", "")
    assert gateway.working("1.1.0-").release.startswith("1.1.0-")

    before = gateway.working().processes
    assert site.end_of(site.order({"type": "restart", "input": {}})) == ("SUCCEEDED", "")
    after = gateway.working().processes
    assert {name: after[name].starts - one.starts for name, one in before.items()} == {"run": 1, "agent": 1}
    assert {name: one.ends for name, one in after.items()} == {"run": 0, "agent": 0}
