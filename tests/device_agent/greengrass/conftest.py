import pytest

from device_agent.greengrass.place import Place
from tests.device_agent.greengrass.machinery import THING, Cloud, Machinery


@pytest.fixture
def machinery(tmp_path):
    made = Machinery(tmp_path / "work")
    yield made
    made.end()


@pytest.fixture
def cloud(machinery):
    return Cloud(machinery.host)


@pytest.fixture
def place(tmp_path):
    return Place("io.thresher.Gateway", THING, tmp_path / "work/io.thresher.Gateway", str(tmp_path))
