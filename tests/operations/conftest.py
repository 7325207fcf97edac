"""The whole cloud on this machine, once a file of tests: one breaks its functions, another counts its rows."""

from collections.abc import Iterator

import pytest

from operations.stack import Stack
from twin.cloud import Deployment, LocalCloud


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    with LocalCloud(tmp_path_factory.mktemp("cloud")) as cloud:
        yield cloud.start()
        cloud.check()


@pytest.fixture(scope="module")
def stack(deployment: Deployment) -> Stack:
    return Stack("thresher", deployment.clients.make)
