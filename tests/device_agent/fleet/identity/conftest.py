from collections.abc import Iterator

import pytest

from tests.device_agent.fleet.identity.site import Site
from twin.cloud import LocalCloud


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with LocalCloud(tmp_path_factory.mktemp("cloud")) as cloud:
        yield Site(cloud.start())
        cloud.check()
