"""What jobs update under a nucleus, what deployments own, and that nothing has two owners."""

import hashlib

import msgspec
import pytest

from contract.jobs import Bundle
from device_agent.fleet.probe.look import Sensed
from device_agent.fleet.update import links
from device_agent.fleet.update.errors import HopelessError
from device_agent.fleet.update.orders import UPDATE_FOLDER, FileUpdates
from device_agent.fleet.update.port import Order
from device_agent.greengrass.documents import Documents
from device_agent.greengrass.fleet_agent import fleet_agent
from device_agent.greengrass.gateway import gateway
from device_agent.greengrass.place import EDGE_MODEL, FLEET_AGENT, GATEWAY, Place
from device_agent.greengrass.published_model import CURRENT
from device_agent.greengrass.updating import JobsConfiguration, JobsModel
from device_agent.ipc.memory import MemoryHost, MemoryNucleus
from operations.fleet.bundles import Making
from tests.device_agent.greengrass.machinery import THING, until
from tests.device_agent.supervising.world import HEALTH, shipped_model
from twin.keyring import Keyring, now

MODEL = Making(kind="model", name="level", version="7.0.0", created=now(), health=HEALTH)
RELEASE = "1.0.0-000000000000"


class Core:
    """A core device on which the gateway component is deployed, seen from its fleet agent."""

    def __init__(self, folder, held) -> None:
        self.place = Place(FLEET_AGENT, THING, folder / FLEET_AGENT, str(folder))
        self.sensing = Place(GATEWAY, THING, folder / GATEWAY, str(folder))
        for place in (self.place, self.sensing):
            place.work.mkdir(parents=True)
        self.nucleus = MemoryNucleus(MemoryHost(configuration={GATEWAY: held}), FLEET_AGENT)
        self.nucleus.open(lambda _: None)
        self.target = JobsConfiguration(self.nucleus, self.place)

    def stage(self, layer: str) -> None:
        folder = self.target.releases("thresher") / RELEASE
        folder.mkdir(exist_ok=True)
        (folder / "gateway-layer.yaml").write_text(layer)
        self.target.stage(folder, None)
        self.target.activate("thresher", RELEASE)


@pytest.fixture
def core(tmp_path):
    return Core(tmp_path, {"summary_s": 30, "sensors": {"machine": {"type": "host", "rate_hz": 5}}})


@pytest.mark.parametrize(
    ("layer", "reason"),
    [
        ("summary_s: 20\n", r"`\$\.summary_s` is a deployment's"),
        ("sensors: {machine: {rate_hz: 20}}\n", r"`\$\.sensors\.machine\.rate_hz` is a deployment's"),
        ("fleet: {commands: {allow: [reboot]}}\n", "`fleet` is not an update's to change"),
        ("health_s: never\n", r"\$\.health_s"),
    ],
)
def test_a_key_has_one_owner(core, layer, reason):
    with pytest.raises(HopelessError, match=reason):
        core.stage(layer)


def test_keys_that_no_deployment_sets_are_a_jobs(core):
    documents = Documents(core.nucleus, core.sensing, of_another=True)
    assert documents.check(documents.values()).health_s == 60
    core.stage("health_s: 20\n")
    assert documents.has_moved
    config = documents.check(documents.values())
    assert (config.health_s, config.summary_s, config.sensors[0].rate_hz) == (20, 30, 5)
    core.target.activate("thresher", "")
    assert documents.check(documents.values()).health_s == 60


def test_a_model_that_a_deployment_published_is_no_jobs(core):
    published = core.place.work_of(EDGE_MODEL)
    published.mkdir()
    (published / CURRENT).symlink_to("v1-000000000000")
    with pytest.raises(HopelessError, match="is a deployment's"):
        JobsModel(core.place).stage(core.place.work, None)


def test_a_jobs_model_is_taken_by_the_gateway_component_while_it_runs(machinery, tmp_path):
    keyring = Keyring(tmp_path / "roots")
    machinery.host.configuration[FLEET_AGENT] = {"fleet": {"trust": {"root": str(keyring.root_file)}}}
    machinery.start(GATEWAY, gateway)
    machinery.start(FLEET_AGENT, fleet_agent)

    def said():
        path = machinery.work(GATEWAY) / "run-status.json"
        return msgspec.json.decode(path.read_bytes(), type=Sensed) if path.exists() else Sensed()

    until(lambda: said().uptime_ms > 2500)
    bundle = tmp_path / "model.bundle"
    keyring.bundle(shipped_model(7), MODEL, output=bundle)
    updates = FileUpdates(machinery.work(FLEET_AGENT) / UPDATE_FOLDER)
    order = Bundle(
        kind="model",
        name="level",
        version="7.0.0",
        url=bundle.as_uri(),
        size=bundle.stat().st_size,
        sha256=hashlib.sha256(bundle.read_bytes()).hexdigest(),
    )
    updates.submit(Order(order_id="o-1", bundle=order))
    outcome = until(lambda: updates.look().ended.get("o-1"), within_s=40)
    assert outcome.status == "SUCCEEDED", outcome.reason
    assert links.active(machinery.work(FLEET_AGENT) / "models").startswith("7.0.0-")
    until(lambda: " v7 " in said().filters["machine"].model)
    assert said().sensors["machine"].missed == 0
