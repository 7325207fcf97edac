"""Operations on identities, by their commands, on a cloud that enforces its policies."""

import json
from pathlib import Path
from typing import Any

import pytest

from device_agent.errors import UplinkError
from device_agent.fleet.identity.connecting import connected
from device_agent.fleet.identity.first import provisioning
from operations.fleet.places import place_of
from operations.fleet.serials import serial_of
from operations.stack import Stack
from tests.device_agent.fleet.identity.site import Site
from tests.operations.environment import environment
from thresher.cli import main
from twin.cloud import Deployment


@pytest.fixture
def site(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> Site:
    for name, value in environment(deployment).items():
        monkeypatch.setenv(name, value)
    return Site(deployment)


def said(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(capsys.readouterr().out.splitlines()[-1])
    return found


def test_an_operator_lets_a_device_in_and_takes_it_back(
    site: Site, stack: Stack, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    config = site.new_gateway(tmp_path, allowed=False)
    serial = config.fleet.identity.serial
    command = ["fleet", "allow", serial]
    assert main([*command, "--gateway", config.gateway, "--site", "hall-9", "--json"]) == 0
    assert said(capsys)["allowed"] == 1

    provisioning(config).run()
    row = serial_of(stack, serial)
    assert row is not None
    assert row.key_digest

    assert main([*command, "--gateway", config.gateway]) == 0
    again = serial_of(stack, serial)
    assert again is not None
    assert again.key_digest == "", "it may come with another key, once"
    assert main([*command, "--forbid"]) == 0
    assert main([*command]) == 1


def test_a_retired_gateway_cannot_connect_and_its_serial_cannot_come_again(
    site: Site, stack: Stack, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    config = site.new_gateway(tmp_path)
    provisioning(config).run()
    (certificate,) = site.certificates(config.gateway)

    assert main(["fleet", "retire", config.gateway]) == 1, "nobody is there to ask"
    assert main(["fleet", "retire", config.gateway, "--yes", "--json"]) == 0

    done = said(capsys)
    assert done["certificates"] == [certificate]
    assert len(done["groups"]) == 1
    assert (site.status(certificate), site.policies(certificate)) == ("INACTIVE", [])
    assert site.iot.describe_thing(thingName=config.gateway)["attributes"]["retired"] == "yes"
    row = serial_of(stack, config.fleet.identity.serial)
    assert row is not None
    assert row.allowed == 0
    assert config.uplink is not None
    with pytest.raises(UplinkError), connected(config.uplink, config.gateway, within_s=1):
        pass

    first = place_of(stack, config.gateway).retired_ms
    assert main(["fleet", "retire", config.gateway, "--yes", "--json"]) == 0
    assert said(capsys)["certificates"] == []
    assert place_of(stack, config.gateway).retired_ms == first


def test_a_new_gateway_takes_the_place_of_an_old_one(
    site: Site, stack: Stack, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    old, new, other = (site.new_gateway(tmp_path / name) for name in ("old", "new", "other"))
    for config in (old, new, other):
        provisioning(config).run()

    assert main(["fleet", "replace", old.gateway, new.gateway, "--yes", "--json"]) == 0
    assert said(capsys)["gateway_id"] == old.gateway
    assert place_of(stack, new.gateway).replaces == old.gateway
    assert place_of(stack, old.gateway).replaced_by == new.gateway
    assert place_of(stack, old.gateway).retired_ms
    assert list(site.certificates(old.gateway)) == []
    assert "ACTIVE" in site.certificates(new.gateway).values()

    assert main(["fleet", "replace", old.gateway, new.gateway, "--yes"]) == 0, "again does nothing more"
    assert main(["fleet", "replace", old.gateway, other.gateway, "--yes"]) == 1
    assert main(["fleet", "replace", new.gateway, old.gateway, "--yes"]) == 1
    assert "circle" in capsys.readouterr().err
    assert main(["fleet", "replace", new.gateway, "nobody", "--yes"]) == 1


@pytest.mark.usefixtures("site")
def test_a_gateway_that_nobody_knows_cannot_be_retired(capsys: pytest.CaptureFixture[str]):
    assert main(["fleet", "retire", "nobody", "--yes"]) == 1
    assert "no gateway 'nobody'" in capsys.readouterr().err
