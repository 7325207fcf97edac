from pathlib import Path

import pytest

from operations.publishing.errors import StagingError
from operations.publishing.lock import Pin
from operations.publishing.targets import Target
from operations.publishing.wheels import collect
from tests.operations.publishing.checkout import make_wheel, sha256

TARGET = Target("aarch64", "3.11")


def nothing(*_: object) -> None:
    """An index that has nothing."""


def pin(*paths: Path) -> Pin:
    return Pin(name="grain", version="1.2", marker="", sha256=frozenset(sha256(path) for path in paths))


def found(cache: Path, *paths: Path, target: Target = TARGET) -> str:
    (wheel,) = collect([pin(*paths)], target, cache, fetch=nothing)
    return wheel.path.name.removeprefix("grain-1.2-")


def test_the_wheel_closest_to_the_machine_is_taken(tmp_path):
    tags = ("py3-none-any", "cp310-abi3-manylinux2014_aarch64", "cp311-cp311-manylinux_2_28_aarch64")
    paths = [make_wheel(tmp_path, tag=tag) for tag in tags]
    assert found(tmp_path, *paths) == "cp311-cp311-manylinux_2_28_aarch64.whl"
    assert found(tmp_path, *paths, target=Target("aarch64", "3.13")) == "cp310-abi3-manylinux2014_aarch64.whl"
    assert found(tmp_path, *paths, target=Target("amd64", "3.11")) == "py3-none-any.whl"


@pytest.mark.parametrize(
    "tag",
    ["cp311-cp311-manylinux_2_28_x86_64", "cp313-cp313-manylinux_2_28_aarch64", "cp311-cp311-manylinux_2_39_aarch64"],
)
def test_a_wheel_for_another_machine_python_or_newer_system_is_none(tag, tmp_path):
    path = make_wheel(tmp_path, tag=tag)
    with pytest.raises(StagingError, match=r"grain 1\.2: no wheel .* Python 3\.11 on aarch64"):
        collect([pin(path)], TARGET, tmp_path, fetch=nothing)


def test_another_version_in_the_cache_is_not_taken_for_it(tmp_path):
    path = make_wheel(tmp_path, version="1.3")
    with pytest.raises(StagingError):
        collect([pin(path)], TARGET, tmp_path, fetch=nothing)


def test_what_is_no_wheel_is_passed_over(tmp_path):
    (tmp_path / "nonsense.whl").write_bytes(b"")
    assert found(tmp_path, make_wheel(tmp_path)) == "py3-none-any.whl"
