import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from operations.publishing.lock import Pin
from operations.publishing.stage import Order
from operations.publishing.targets import Target
from tests.operations.publishing.checkout import PYTHON, make_checkout, make_wheel


class Index:
    """Where wheels come from: a folder; counts who asks."""

    def __init__(self, wheel: Path) -> None:
        self.wheel = wheel
        self.asked: list[str] = []

    def __call__(self, pins: list[Pin], target: Target, cache: Path) -> None:
        self.asked += [f"{pin.name} {target.architecture}" for pin in pins]
        shutil.copy(self.wheel, cache)


@pytest.fixture
def index(tmp_path: Path) -> Index:
    folder = tmp_path / "index"
    folder.mkdir()
    return Index(make_wheel(folder))


@pytest.fixture
def checkout(tmp_path: Path, index: Index) -> Path:
    return make_checkout(tmp_path / "checkout", index.wheel)


@pytest.fixture
def order(checkout: Path) -> Callable[..., Order]:
    def make(**changed: object) -> Order:
        said = {
            "root": checkout,
            "output": checkout / "build",
            "names": ("io.example.Demo",),
            "architectures": ("amd64",),
            "pythons": (PYTHON,),
        }
        return Order(**{**said, **changed})

    return make
