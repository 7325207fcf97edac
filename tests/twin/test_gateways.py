from pathlib import Path

import pytest

from device_agent import config as configuration
from twin.errors import TwinError
from twin.gateways import AgentStatus, Gateway, RunStatus, SensorStatus
from twin.ministack import Endpoint
from twin.plans import LIVE_ID, plan_gateways
from twin.provision import DeviceFiles


@pytest.fixture
def recordings(tmp_path: Path) -> Path:
    folder = tmp_path / "recordings"
    folder.mkdir()
    for name in ("cpu_burn", "disk_storm", "memory_leak"):
        (folder / f"{name}.csv").touch()
        (folder / f"{name}.labels.csv").touch()
    return folder


def test_one_gateway_is_live_and_the_others_replay_in_turn(recordings: Path) -> None:
    plans = plan_gateways(6, recordings)
    assert [plan.gateway_id for plan in plans] == [
        LIVE_ID,
        "replay-memory-leak",
        "replay-disk-storm",
        "replay-cpu-burn",
        "replay-memory-leak-2",
        "replay-disk-storm-2",
    ]
    assert [plan.fault for plan in plans][:3] == ["", "memory_leak", "disk_storm"]


def test_without_recordings_there_is_no_demo(tmp_path: Path) -> None:
    with pytest.raises(TwinError, match="no recordings"):
        plan_gateways(3, tmp_path)


def test_the_document_it_writes_is_one_the_product_accepts(recordings: Path, tmp_path: Path) -> None:
    device = DeviceFiles(certificate=tmp_path / "c", private_key=tmp_path / "k", ca=tmp_path / "a")
    for plan in plan_gateways(3, recordings):
        gateway = Gateway(plan, tmp_path / plan.gateway_id)
        gateway.configure(Endpoint(1, 8883), device, "rule")
        config = configuration.load(gateway.folder / "gateway.yaml")
        assert config.gateway == plan.gateway_id
        assert config.uplink is not None
        assert config.uplink.port == 8883
        assert config.filter.calibration_scans == plan.calibration_scans


def test_a_gateway_is_armed_when_all_its_sensors_are() -> None:
    armed, learning, failed = (SensorStatus(state=state) for state in ("armed", "calibrating", "failed"))
    assert RunStatus(sensors={"a": armed}).state == "armed"
    assert RunStatus(sensors={"a": armed, "b": learning}).state == "calibrating"
    assert RunStatus(sensors={"a": failed, "b": armed}).state == "failed"
    assert RunStatus().state == "calibrating"


def test_what_waits_is_counted_over_all_lanes() -> None:
    assert AgentStatus(pending={"events": 2, "context": 3}).waiting == 5


def test_a_status_from_before_the_end_does_not_count_as_empty(recordings: Path, tmp_path: Path) -> None:
    gateway = Gateway(plan_gateways(2, recordings)[0], tmp_path / "live")
    assert not gateway.is_empty(since=0.0)
    gateway.state_dir.mkdir(parents=True)
    path = gateway.state_dir / "agent-status.json"
    path.write_text('{"connected":true,"pending":{"events":0}}')
    written = path.stat().st_mtime
    assert gateway.is_empty(since=written - 1)
    assert not gateway.is_empty(since=written + 1)
