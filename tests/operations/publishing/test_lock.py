from pathlib import Path

import pytest

from operations.publishing import lock
from operations.publishing.errors import StagingError
from operations.publishing.targets import Target

REAL = Path(__file__).parents[3] / "requirements" / "gateway.lock"


def versions(*names: str, architecture: str, python: str) -> dict[str, str]:
    pins = lock.chosen(lock.read(REAL), list(names), Target(architecture, python))
    return {pin.name: pin.version for pin in pins}


def test_every_entry_of_our_lock_file_is_read_with_its_hashes():
    pins = lock.read(REAL)
    entries = [line for line in REAL.read_text().splitlines() if "==" in line and not line.startswith(" ")]
    assert len(pins) == len(entries)
    assert all(pin.sha256 for pin in pins)


def test_one_pin_a_distribution_is_chosen_for_every_target():
    for python in ("3.11", "3.12", "3.13"):
        assert list(versions("numpy", "psutil", architecture="aarch64", python=python)) == ["numpy", "psutil"]


def test_what_is_for_another_machine_or_python_is_left_out():
    assert list(versions("lgpio", architecture="aarch64", python="3.11")) == ["lgpio"]
    assert versions("lgpio", architecture="aarch64", python="3.13") == {}
    assert versions("lgpio", architecture="amd64", python="3.11") == {}


def test_names_are_compared_as_packages_are():
    assert list(versions("PyYAML", architecture="amd64", python="3.11")) == ["pyyaml"]


def test_a_distribution_that_is_not_locked_is_named():
    with pytest.raises(StagingError, match="boto3 is not in"):
        versions("boto3", architecture="amd64", python="3.11")


@pytest.mark.parametrize("line", ["numpy>=2", "-e .", "https://example.org/numpy.whl"])
def test_a_line_without_an_exact_version_is_refused(line, tmp_path):
    path = tmp_path / "bad.lock"
    path.write_text(f"{line}\n")
    with pytest.raises(StagingError, match="is not NAME==VERSION"):
        lock.read(path)
