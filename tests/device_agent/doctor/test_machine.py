"""Clock, disk, device files, certificates: each judged from what a machine shows."""

import os
import tempfile
import time
from pathlib import Path

import pytest

from device_agent.clock import is_steered
from device_agent.config import UplinkConfig
from device_agent.doctor.clock import clock_findings
from device_agent.doctor.credentials import credential_findings
from device_agent.doctor.devices import device_findings
from device_agent.doctor.disk import Disk, disk_findings, disk_of
from device_agent.outputs.gpio import GpioOutput
from device_agent.sensors.chips.sht import Sht
from device_agent.sensors.gpio import AnalogInput, DigitalInput, GpioDigital
from device_agent.sensors.host import HostSensor
from device_agent.sensors.onewire import Ds18b20
from device_agent.sensors.spi import SpiAnalog

GIB = 1024**3
WELL = Disk(Path("/var/lib/thresher"), 10 * GIB, "ext4", "/dev/mmcblk0p2", writable=True)
NOW_S = 1_790_000_000.0


def levels(findings):
    assert all(finding.remedy for finding in findings if finding.level == "problem")
    return {finding.level for finding in findings}


@pytest.mark.parametrize(
    ("wall_s", "steered", "level"),
    [(0.0, True, "problem"), (NOW_S, True, "good"), (NOW_S, False, "note"), (NOW_S, None, "note")],
)
def test_a_clock_is_judged_by_its_time_and_by_who_steers_it(wall_s, steered, level):
    assert levels(clock_findings(wall_s, steered=steered)) == {level}


def test_the_kernel_answers_whether_the_clock_is_steered():
    assert is_steered() in (True, False, None)


@pytest.mark.parametrize(
    ("changes", "level"),
    [
        ({}, "good"),
        ({"writable": False}, "problem"),
        ({"kind": "vfat"}, "problem"),
        ({"kind": "nfs4"}, "problem"),
        ({"kind": "tmpfs"}, "note"),
        ({"free_bytes": 383 * 1024**2}, "problem"),
        ({"life_tenths": 2}, "good"),
        ({"life_tenths": 8}, "problem"),
    ],
)
def test_a_disk_is_judged_by_what_it_is(changes, level):
    found = levels(disk_findings(WELL._replace(**changes), spool_limit=256 * 1024**2, spool_bytes=0))
    assert level in found
    assert level == "problem" or "problem" not in found


def test_what_the_spool_takes_already_counts_as_room_for_it():
    tight = WELL._replace(free_bytes=100 * 1024**2)
    findings = disk_findings(tight, spool_limit=256 * 1024**2, spool_bytes=300 * 1024**2)
    assert "problem" not in levels(findings)


def test_the_mount_of_a_folder_is_the_nearest_one(tmp_path):
    folder = tmp_path / "a b/state"
    folder.mkdir(parents=True)
    point = str(tmp_path / "a b").replace(" ", "\\040")
    mounts = tmp_path / "mountinfo"
    mounts.write_text(
        "21 1 179:2 / / rw shared:1 - ext4 /dev/root rw\n"
        f"22 21 179:3 / {point} rw,noatime shared:2 - f2fs /dev/mmcblk0p3 rw\n"
        f"23 21 0:5 / {tmp_path}/a rw - tmpfs tmpfs rw\n"
    )
    life = tmp_path / "blocks/mmcblk0/device/life_time"
    life.parent.mkdir(parents=True)
    life.write_text("0x01 0x0b\n")
    found = disk_of(folder, mounts=mounts, blocks=tmp_path / "blocks")
    assert (found.kind, found.device, found.life_tenths) == ("f2fs", "/dev/mmcblk0p3", 11)
    assert found.writable


def test_a_folder_that_is_not_there_yet_is_judged_by_the_one_above(tmp_path):
    found = disk_of(tmp_path / "not/there")
    assert found.folder == tmp_path.resolve()
    assert found.free_bytes > 0
    assert not (tmp_path / "not").exists()


def probe(folder: Path) -> Ds18b20:
    return Ds18b20(name="flow", probes={"flow": "28-0316a2795aff"}, folder=str(folder))


def test_a_sensor_without_a_device_file_needs_none():
    assert device_findings([HostSensor(name="machine")]) == []


def test_a_bus_that_is_not_there_is_told_once_with_all_who_need_it(tmp_path):
    other = Ds18b20(name="return", probes={"return": "28-0316a2795aff"}, folder=str(tmp_path / "w1"))
    (finding,) = device_findings([probe(tmp_path / "w1"), other])
    assert finding.level == "problem"
    assert "`flow`, `return`" in finding.what
    assert finding.remedy


def test_what_an_output_switches_by_is_looked_for_as_well():
    (finding,) = device_findings([GpioOutput(name="lamp", pin=17)])
    assert "/dev/gpiochip0 (for `lamp`)" in finding.what


@pytest.mark.parametrize(
    ("sensor", "device", "remedy"),
    [
        (
            SpiAnalog(name="motor", device="/dev/spidev9.9", inputs={"a": AnalogInput(channel=0)}),
            "/dev/spidev9.9",
            "do_spi",
        ),
        (Sht(name="store", chip="sht4x", bus="/dev/i2c-99"), "/dev/i2c-99", "do_i2c"),
        (GpioDigital(name="door", inputs={"open": DigitalInput(pin=4)}), "/dev/gpiochip0", "GPIO pins"),
    ],
)
def test_a_device_that_a_driver_opens_and_that_is_not_there_is_told_with_how_to_switch_it_on(sensor, device, remedy):
    if Path(device).exists():
        pytest.skip(f"this machine has {device}")
    (finding,) = device_findings([sensor])
    assert finding.level == "problem"
    assert f"{device} (for `{sensor.name}`) is not there" in finding.what
    assert remedy in finding.remedy


def test_a_bus_that_is_there_can_be_used(tmp_path):
    assert levels(device_findings([probe(tmp_path)])) == {"good"}


@pytest.mark.skipif(os.geteuid() != 0, reason="becomes another user")
def test_a_bus_of_a_group_is_told_with_the_command_that_joins_it():
    with tempfile.TemporaryDirectory() as folder:  # everybody may look into its parent, unlike tmp_path's
        bus = Path(folder)
        os.chown(bus, 0, 20)  # dialout
        bus.chmod(0o770)
        os.seteuid(65534)
        try:
            (finding,) = device_findings([probe(bus)])
        finally:
            os.seteuid(0)
    assert finding.level == "problem"
    assert "usermod -aG dialout nobody" in finding.remedy


@pytest.fixture
def uplink(authority):
    def made(**others):
        certificate, key = authority.issue("gateway", **others)
        return UplinkConfig(endpoint="e", certificate=certificate, private_key=key, ca=authority.file)

    return made


def test_a_pair_that_fits_is_good(uplink):
    assert levels(credential_findings(uplink(), time.time())) == {"good"}


def test_a_certificate_that_soon_ends_is_noted_and_one_that_ended_a_problem(uplink):
    assert levels(credential_findings(uplink(days=10), time.time())) == {"note"}
    (finding,) = credential_findings(uplink(days=-10), time.time())
    assert finding.level == "problem"
    assert "expired" in finding.what


def test_a_key_of_another_certificate_is_a_problem(uplink, authority):
    first, (_, other) = uplink(), authority.issue("other")
    changed = UplinkConfig(endpoint="e", certificate=first.certificate, private_key=other, ca=authority.file)
    (finding,) = credential_findings(changed, time.time())
    assert "does not belong to" in finding.what


def test_a_key_that_others_may_read_is_noted(uplink):
    config = uplink()
    Path(config.private_key).chmod(0o644)
    assert any("chmod 600" in finding.remedy for finding in credential_findings(config, time.time()))


def test_a_key_that_is_missing_is_a_problem(uplink):
    config = uplink()
    Path(config.private_key).unlink()
    assert "problem" in levels(credential_findings(config, time.time()))
