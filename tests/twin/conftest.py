from collections.abc import Iterator
from pathlib import Path

import pytest

from twin.ministack import MiniStack


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MiniStack]:
    folder: Path = tmp_path_factory.mktemp("ministack")
    with MiniStack(folder) as running:
        running.wait()
        yield running
