"""Both sets of components from their built archives, under an emulated nucleus, to the local cloud's table.

All four pairs of set and nucleus, an hour offline: ``make greengrass``.
"""

from pathlib import Path

import pytest

from bench.greengrass.__main__ import run

pytestmark = [pytest.mark.story, pytest.mark.timeout(300)]


def test_a_nucleus_s_bad_day_loses_nothing(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder: Path = tmp_path_factory.mktemp("gg")
    for row in run(["gateway-classic", "split-lite"], folder, offline_s=3.0):
        assert row.passed, row
        assert (row.lost, row.duplicates) == (0, 0)
        assert row.stored > 0
        assert row.injected == 6
