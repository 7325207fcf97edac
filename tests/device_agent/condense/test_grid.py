import math

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from device_agent.condense.grid import Grid
from device_agent.errors import ConfigError
from device_agent.sensors.port import Channel


def _grid(*resolutions: float) -> Grid:
    return Grid([Channel(name=str(n), resolution=r) for n, r in enumerate(resolutions)])


@pytest.mark.parametrize(
    ("resolution", "decimals"), [(0.001, 3), (0.1, 1), (0.25, 2), (1.0, 0), (64.0, 0), (0.5, 1), (1e-6, 6)]
)
def test_decimals_write_a_multiple_of_the_resolution_exactly(resolution: float, decimals: int) -> None:
    assert _grid(resolution).decimals == [decimals]


@pytest.mark.parametrize("resolution", [0.0, -1.0, math.nan, math.inf])
def test_a_resolution_that_is_no_step_is_refused(resolution: float) -> None:
    with pytest.raises(ConfigError, match="resolution"):
        _grid(resolution)


def test_raw_bytes_are_those_of_the_rounded_json_row() -> None:
    grid = _grid(0.1, 1.0, 0.25)
    values, lost = grid.representable([12.34, 1023.6, math.nan])
    assert lost == 0
    assert grid.raw_bytes(1_700_000_000_000, values) == len(b"[1700000000000,12.3,1024,null]")


@given(st.lists(st.floats(), min_size=3, max_size=3))
def test_any_value_is_kept_at_resolution_or_is_a_counted_gap(values: list[float]) -> None:
    grid = _grid(0.001, 0.1, 1.0)
    kept, lost = grid.representable(values)
    wild = [v for v, r in zip(values, grid.resolutions, strict=True) if abs(v) > 2**50 * r]
    assert lost == len(wild)
    steps = grid.steps(kept)
    for value, step, resolution in zip(kept, steps, grid.resolutions, strict=True):
        if not math.isnan(value):
            assert int(step) == step
            assert step * resolution == pytest.approx(value, abs=resolution * 0.51, rel=1e-12)
    assert grid.raw_bytes(0, kept) > 0


def test_a_scan_of_the_wrong_length_is_all_gaps() -> None:
    kept, lost = _grid(1.0, 1.0).representable([1.0])
    assert np.isnan(kept).all()
    assert lost == 2


def test_a_statistic_keeps_one_digit_more() -> None:
    grid = _grid(1.0)
    assert grid.statistic(0, 0.3333) == 0.3
    assert grid.statistic(0, math.inf) is None
    assert msgspec.json.encode(grid.statistic(0, 2 / 3)) == b"0.7"
