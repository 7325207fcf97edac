"""The time between two sensing processes is told as scans that were missed."""

import json

import pytest

from device_agent.identity import monotonic_ns
from device_agent.standstill import MOST_S, Standstill, read_standstill


def word(path, *, ago_s: float, boot_id: str = "b") -> None:
    path.write_text(json.dumps({"boot_id": boot_id, "monotonic_ms": monotonic_ns() // 1_000_000 - int(ago_s * 1000)}))


def test_the_scans_of_a_restart_are_missed_and_have_a_reason(tmp_path):
    word(tmp_path / "status", ago_s=2.5)
    stood = read_standstill(tmp_path / "status", "b")
    assert stood.seconds == pytest.approx(2.5, abs=0.3)
    assert stood.missed(10.0) in range(24, 29)
    assert stood.reason.startswith("restart: nothing was read for 2.")


@pytest.mark.parametrize(("ago_s", "boot_id"), [(2.5, "another"), (MOST_S + 5, "b"), (-5, "b")])
def test_what_is_no_restart_is_not_told_as_one(tmp_path, ago_s, boot_id):
    word(tmp_path / "status", ago_s=ago_s, boot_id=boot_id)
    assert read_standstill(tmp_path / "status", "b") == Standstill()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"boot_id": "b"}'])
def test_a_status_that_says_nothing_tells_nothing(tmp_path, text):
    (tmp_path / "status").write_text(text)
    assert read_standstill(tmp_path / "status", "b").reason == ""
    assert read_standstill(tmp_path / "missing", "b").missed(10.0) == 0
