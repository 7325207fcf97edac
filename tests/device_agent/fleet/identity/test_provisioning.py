"""The first identity: what is kept of it at every step, and what is gone at the end."""

import stat
from pathlib import Path

import pytest

from device_agent.errors import UplinkError
from device_agent.fleet.identity.memory import MemoryCloud
from device_agent.fleet.identity.registrar import RegistrationRefusedError
from tests.device_agent.fleet.identity.claimant import GATEWAY, SERIAL, Device
from tests.device_agent.fleet.identity.cuts import cut_at, places

ANYWHERE = ""


@pytest.fixture
def device(tmp_path: Path) -> Device:
    return Device(tmp_path, MemoryCloud({SERIAL: GATEWAY}))


def test_a_device_gets_its_name_and_its_claim_is_gone(device: Device):
    device.provision()
    assert device.is_whole()


def test_nobody_else_may_read_key_certificate_or_journal(device: Device):
    device.provision()
    secret = [path for path in device.store.folder.rglob("*") if path.is_file()]
    assert {stat.S_IMODE(path.stat().st_mode) for path in secret} == {0o600}
    assert len(secret) == 3


def test_a_power_cut_anywhere_repeats_one_step(tmp_path: Path):
    whole = Device(_room(tmp_path, "whole"), MemoryCloud({SERIAL: GATEWAY}))
    cuts = len(places(whole.provision, ANYWHERE))
    assert cuts > 20
    for number in range(cuts):
        device = Device(_room(tmp_path, str(number)), MemoryCloud({SERIAL: GATEWAY}))
        assert cut_at(number, device.provision, ANYWHERE)
        device.provision()
        assert device.is_whole(), number


def test_two_power_cuts_in_a_row_are_two_repeats(tmp_path: Path):
    whole = Device(_room(tmp_path, "whole"), MemoryCloud({SERIAL: GATEWAY}))
    cuts = len(places(whole.provision, "identity.provision"))
    for first in range(cuts):
        for second in range(cuts - first):
            device = Device(_room(tmp_path, f"{first}-{second}"), MemoryCloud({SERIAL: GATEWAY}))
            cut_at(first, device.provision, "identity.provision")
            cut_at(second, device.provision, "identity.provision")
            device.provision()
            assert device.is_whole(), (first, second)


def test_a_token_that_is_too_old_is_asked_for_again_with_the_same_key(device: Device):
    cut_at(0, device.provision, "certified.after")
    key = (device.store.folder / "first" / "private.key").read_bytes()
    device.cloud.expire_tokens()
    device.provision()
    assert device.is_whole()
    assert device.store.key.read_bytes() == key


def test_a_lost_answer_and_an_old_token_make_no_second_certificate(device: Device):
    cut_at(0, device.provision, "registered.before")
    device.cloud.expire_tokens()
    device.provision()
    assert device.is_whole()
    assert len(device.cloud.certificates) == 1


def test_a_serial_that_is_not_allowed_keeps_its_claim_and_its_key(tmp_path: Path):
    device = Device(tmp_path, MemoryCloud({}))
    with pytest.raises(RegistrationRefusedError, match=SERIAL):
        device.provision()
    assert all(path.exists() for path in device.claim)
    assert device.store.active() == ""


def test_a_serial_that_came_before_cannot_come_with_another_key(tmp_path: Path):
    cloud = MemoryCloud({SERIAL: GATEWAY})
    Device(_room(tmp_path, "first"), cloud).provision()
    with pytest.raises(RegistrationRefusedError):
        Device(_room(tmp_path, "thief"), cloud).provision()


def test_the_claim_stays_until_the_new_certificate_is_taken(device: Device):
    cut_at(0, device.provision, "active.after")
    device.cloud.certificates = dict.fromkeys(device.cloud.certificates, "")  # somebody deactivated it
    with pytest.raises(UplinkError):
        device.provision()
    assert all(path.exists() for path in device.claim)


def test_a_second_run_asks_nothing(device: Device):
    device.provision()
    before = dict(device.cloud.certificates)
    device.provision()
    assert device.cloud.certificates == before


def _room(folder: Path, name: str) -> Path:
    room = folder / name
    room.mkdir()
    return room
