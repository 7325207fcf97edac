"""``thresher agent`` as it runs, at MiniStack with the product's IoT policy: a kill in the middle, and the end told."""

import json

import psutil
import pytest

from bench.station import Station
from device_agent.config import FleetConfig, GatewayConfig
from device_agent.config.fleet_commands import CommandsConfig
from device_agent.sensors.host import HostSensor
from tests.device_agent.fleet.rig import until
from tests.device_agent.fleet.service import worlds

pytestmark = pytest.mark.story


def asked(command: str) -> dict:
    return {
        "version": "1.0",
        "steps": [{"action": {"name": "do it", "type": "runCommand", "input": {"command": command}}}],
    }


class Gateway:
    """One, with its agent and its jobs."""

    def __init__(self, deployment, folder) -> None:
        self.name = worlds.unique()
        config = GatewayConfig(
            gateway=self.name,
            state_dir=str(folder / "state"),
            sensors=[HostSensor(name="machine")],
            fleet=FleetConfig(commands=CommandsConfig(commands=["/bin/true", "/bin/sleep"])),
        )
        self.station = Station(config, folder)
        self.station.provision(deployment)
        self.cloud = worlds.Boto(deployment.clients.make("iot"), self.name)

    def fleet(self) -> dict:
        file = self.station.state_dir / "fleet-status.json"
        return json.loads(file.read_bytes()) if file.exists() else {}

    def until_asleep(self) -> None:
        """Until the program of a job runs."""
        agent = psutil.Process(self.station.pid("agent"))
        until(lambda: ["/bin/sleep", "30"] in [each.cmdline() for each in agent.children(recursive=True)])

    def until_told(self, job_id: str) -> str:
        until(lambda: self.fleet().get("last_job") == job_id, within_s=40)
        return self.cloud.status(job_id)


@pytest.fixture
def gateway(job_cloud, tmp_path):
    made = Gateway(job_cloud, tmp_path)
    with made.station:
        made.station.start("agent")
        yield made


def test_a_job_that_a_kill_interrupted_ends_once_and_says_so_and_the_next_is_done(gateway):
    first, killed, last = (worlds.unique() for _ in range(3))
    gateway.cloud.create(first, asked("/bin/true"))
    assert gateway.until_told(first) == "SUCCEEDED"

    gateway.cloud.create(killed, asked("/bin/sleep,30"))
    gateway.until_asleep()
    gateway.station.kill("agent")
    gateway.cloud.create(last, asked("/bin/true"))
    gateway.station.start("agent")
    assert gateway.until_told(last) == "SUCCEEDED"
    assert gateway.cloud.status(killed) == "FAILED"
    assert "interrupted" in gateway.cloud.execution(killed)["statusDetails"]["detailsMap"]["reason"]

    counters = gateway.fleet()["counters"]
    assert (counters["jobs.resumed"], counters["jobs.succeeded"], counters["jobs.failed"]) == (1, 1, 1)
    status = gateway.station.state_dir / "agent-status.json"
    until(lambda: json.loads(status.read_bytes())["beside"].get("jobs.resumed") == 1)


def test_an_agent_that_is_told_to_end_ends_in_time_though_a_job_is_at_work(gateway):
    job_id = worlds.unique()
    gateway.cloud.create(job_id, asked("/bin/sleep,30"))
    gateway.until_asleep()
    gateway.station.stop("agent")
    assert gateway.fleet()["job"] == job_id
    assert gateway.cloud.status(job_id) == "IN_PROGRESS"
