"""Both sets of components from their built archives, under an emulated nucleus, to the local cloud's table.

All four pairs of nucleus and set, with longer absences: ``make bench ARGS="--only greengrass"``.
"""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.core_device import Kind
from bench.greengrass import builds_of, story
from twin.cloud import Deployment, LocalCloud
from twin.nucleus.recipe import Runtime

pytestmark = [pytest.mark.story, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="gg-") as name:  # short: a socket's path has at most 107 bytes
        yield Path(name)


@pytest.fixture(scope="module")
def deployment(folder: Path) -> Iterator[Deployment]:
    with LocalCloud(folder / "cloud") as cloud:
        yield cloud.start()


@pytest.fixture(scope="module")
def builds(folder: Path) -> tuple[Path, Path]:
    return builds_of(folder)


@pytest.mark.parametrize(("runtime", "kind"), [("classic", "whole"), ("lite", "split")])
def test_a_nucleus_s_bad_day_loses_nothing(
    deployment: Deployment, folder: Path, builds: tuple[Path, Path], runtime: Runtime, kind: Kind
) -> None:
    row = story(deployment, folder, builds, runtime=runtime, kind=kind, offline_s=3.0)
    assert row.passed, row
    assert (row.account.lost, row.account.duplicates) == (0, 0)
    assert row.account.stored > 0
    assert (row.deferred > 0) is (runtime == "classic")
