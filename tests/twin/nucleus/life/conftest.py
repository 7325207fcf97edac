import tempfile
import time
from pathlib import Path

import pytest

from twin.nucleus.environment import Device
from twin.nucleus.nucleus import Nucleus, Options
from twin.nucleus.plan import Change, Request


class Site:
    """A nucleus that can be started again, and what is deployed to it."""

    def __init__(self, folder, runtime):
        self.folder = folder
        self.runtime = runtime
        self.root = folder / "root"
        self.recipes = folder / "recipes"
        self.artifacts = folder / "artifacts"
        self.artifacts.mkdir()
        self.seen = []
        self.nucleus = None

    def start(self, broker=None):
        options = Options(
            root=self.root, runtime=self.runtime, device=Device(thing="oven-7"), settle_s=0.0, grace_s=2.0
        )
        self.nucleus = Nucleus(options, broker=broker, tell=lambda name, state: self.seen.append((name, str(state))))
        self.nucleus.__enter__()
        return self

    def stop(self):
        if self.nucleus is not None:
            self.nucleus.close()
            self.nucleus = None

    def deploy(self, *components, configuration=None, **more):
        changes = {name: Change(**change) for name, change in (configuration or {}).items()}
        add = dict(one.split("=") for one in components)
        folders = {"recipes": str(self.recipes), "artifacts": str(self.artifacts)}
        return self.nucleus.deploy(Request(add=add, configuration=changes, **folders, **more))

    def work(self, name):
        return self.root / "work" / name

    def log(self, name):
        return (self.root / "logs" / f"{name}.log").read_text(encoding="utf-8")

    def until(self, met, seconds=15.0):
        deadline = time.monotonic() + seconds
        while not met():
            assert time.monotonic() < deadline, self.seen
            time.sleep(0.01)

    def reach(self, name, state):
        self.until(lambda: self.nucleus.roster.states().get(name) == state)


@pytest.fixture
def place():
    with tempfile.TemporaryDirectory(prefix="gg-") as folder:
        yield Path(folder)


@pytest.fixture(params=["classic", "lite"])
def site(request, place):
    made = Site(place, request.param).start()
    yield made
    made.stop()


@pytest.fixture
def classic(place):
    made = Site(place, "classic").start()
    yield made
    made.stop()


@pytest.fixture
def lite(place):
    made = Site(place, "lite").start()
    yield made
    made.stop()
