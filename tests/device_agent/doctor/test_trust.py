import datetime as dt

import msgspec
import pytest

from device_agent.config import GatewayConfig
from device_agent.doctor.trust import trust_findings
from device_agent.fleet.trust import TrustStore
from device_agent.fleet.trust.store import TRUST_FOLDER
from tests.device_agent.fleet.trust.world import START, World


@pytest.fixture
def world(tmp_path):
    world = World(tmp_path)
    world.store = TrustStore(tmp_path / TRUST_FOLDER, world.root_file)
    return world


def found(world, *, root=None, at=START):
    trust = {"root": str(world.root_file if root is None else root)}
    document = {
        "gateway": "press-7",
        "state_dir": str(world.folder),
        "sensors": [{"type": "host", "name": "machine"}],
        "fleet": {"trust": trust},
    }
    findings = trust_findings(msgspec.convert(document, GatewayConfig), at.timestamp())
    return [(finding.level, finding.what) for finding in findings]


def test_a_gateway_without_a_root_is_told_that_it_takes_no_updates(world):
    assert found(world, root="") == [("note", "there is no root: the gateway takes no updates")]


def test_the_newest_root_that_was_followed_is_the_one_that_counts(world):
    assert found(world) == [("good", "taken by the keys of a root; root 1 is good until 2028-11-23")]
    world.rotate(days=1000)
    world.take(world.bundle())
    assert found(world) == [("good", "taken by the keys of a root; root 2 is good until 2029-08-20")]


def test_a_root_that_ends_soon_is_noted(world):
    assert found(world, at=START + dt.timedelta(days=700)) == [("note", "root 1 is good until 2028-11-23")]


def test_a_root_that_cannot_be_used_is_a_problem(world):
    ((level, what),) = found(world, root=world.folder / "missing.json")
    assert (level, what.partition("missing")[0][:5]) == ("problem", "root:")
    world.root_file.write_text("{}")
    assert found(world)[0][0] == "problem"


def test_a_damaged_memory_is_told(world):
    world.take(world.bundle())
    for path in (world.folder / TRUST_FOLDER).iterdir():
        path.write_bytes(b"damaged")
    assert [level for level, _ in found(world)] == ["note", "good"]
