import msgspec
import pytest

from contract.versions import precedence
from device_agent.config import GatewayConfig, parse
from device_agent.fleet.trust import Device, gateway_trust, this_device, this_moment
from device_agent.fleet.trust.device import semantic
from tests.device_agent.fleet.trust.world import World


@pytest.mark.parametrize(
    ("ours", "theirs"), [("1.2.3", "1.2.3"), ("0.1.0.dev0", "0.1.0-dev0"), ("1.0.0rc1", "1.0.0-rc1")]
)
def test_our_versions_are_compared_as_bundles_name_them(ours, theirs):
    assert semantic(ours) == theirs
    assert precedence(semantic("0.1.0.dev0")) < precedence("0.1.0")


def test_a_version_without_three_numbers_is_none():
    with pytest.raises(ValueError, match="three numbers"):
        semantic("1.2")


def test_a_gateway_is_what_its_document_says():
    document = b"""
gateway: press-7
state_dir: state
sensors: [{type: host, name: machine}]
fleet: {trust: {groups: [presses], site: hall-2, type: press}}
"""
    device = this_device(parse(document, source="here"))
    assert device == Device(gateway="press-7", groups=("presses",), site="hall-2", type="press")
    precedence(device.thresher)


def test_the_time_of_this_machine_has_its_zone():
    assert this_moment().wall.tzinfo is not None


def test_the_trust_of_a_document_checks_in_another_process(tmp_path, caplog):
    world = World(tmp_path)
    fields = {
        "gateway": "press-7",
        "state_dir": str(tmp_path),
        "sensors": [{"type": "host", "name": "machine"}],
        "fleet": {"trust": {"root": str(world.root_file)}},
    }
    config = msgspec.convert(fields, GatewayConfig)
    assert gateway_trust(config).verify(world.bundle()).manifest.version == "1.0.0"
    for path in (tmp_path / "trust").iterdir():
        path.write_bytes(b"damaged")
    gateway_trust(config)
    assert "trust.lost" in caplog.text
