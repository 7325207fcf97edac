import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from operations.publishing.errors import StagingError
from operations.publishing.lock import Pin
from operations.publishing.stage import Order, stage
from operations.publishing.targets import Target
from tests.operations.publishing.checkout import PYTHON as SMALL_PYTHON
from tests.operations.publishing.checkout import make_checkout, make_wheel
from tests.operations.publishing.real import ARCHITECTURE, COMPONENTS, PYTHON, ROOT


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
            "pythons": (SMALL_PYTHON,),
        }
        return Order(**{**said, **changed})

    return make


@pytest.fixture(scope="session")
def output(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Staged with the checkout's own cache of wheels, so that only the first run fetches any."""
    folder = tmp_path_factory.mktemp("build")
    cache = ROOT / "build" / "wheels"
    cache.mkdir(parents=True, exist_ok=True)
    (folder / "wheels").symlink_to(cache)
    try:
        stage(
            Order(root=ROOT, output=folder, names=tuple(COMPONENTS), architectures=(ARCHITECTURE,), pythons=(PYTHON,))
        )
    except StagingError as exc:
        if "wheels for" not in str(exc):
            raise
        pytest.skip(f"wheels cannot be had: {exc}")
    yield folder
    shutil.rmtree(folder, ignore_errors=True)
