from collections.abc import Iterator

import pytest

from tests.device_agent.uplink.certificates import Authority
from tests.device_agent.uplink.mosquitto import Mosquitto
from twin.cloud import Deployment, LocalCloud


@pytest.fixture(scope="session")
def mosquitto(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mosquitto]:
    folder = tmp_path_factory.mktemp("mosquitto")
    with Mosquitto(folder, Authority(folder)).running() as running:
        yield running


@pytest.fixture(scope="session")
def job_cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """MiniStack with the product's own template: its IoT policy decides what a gateway may say."""
    with LocalCloud(tmp_path_factory.mktemp("cloud")) as cloud:
        yield cloud.start()
        cloud.check()
