from collections.abc import Iterator
from pathlib import Path

import pytest

from twin.cloud import Deployment, LocalCloud
from twin.ministack import MiniStack


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MiniStack]:
    folder: Path = tmp_path_factory.mktemp("ministack")
    with MiniStack(folder) as running:
        running.wait()
        yield running


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    with LocalCloud(tmp_path_factory.mktemp("cloud")) as cloud:
        yield cloud.start()
        cloud.check()
