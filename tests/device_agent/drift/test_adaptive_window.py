import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device_agent.drift.adaptive_window import AdaptiveWindow, Cut

RIVERS_FIRST_CUT = 1055
"""Index at which ``river.drift.ADWIN(delta=0.002)`` (0.26.1, looking every 32 numbers) finds the step below, for
every one of these seeds."""


def _steps(seed: int, *, after: int = 200) -> list[float]:
    source = random.Random(seed)  # noqa: S311 - a fixed stream
    means = [0.2] * 1000 + [0.4] * after
    return [min(1.0, max(0.0, source.gauss(mean, 0.05))) for mean in means]


def _cuts(window: AdaptiveWindow, values: list[float]) -> list[tuple[int, Cut]]:
    found = [(i, window.push(value)) for i, value in enumerate(values)]
    return [(i, cut) for i, cut in found if cut]


@pytest.mark.parametrize("seed", range(5))
def test_a_step_is_found_where_river_finds_it(seed: int) -> None:
    index, cut = _cuts(AdaptiveWindow(0.002, check_every=32), _steps(seed))[0]
    assert index == RIVERS_FIRST_CUT
    assert cut.before == pytest.approx(0.2, abs=0.01)
    assert cut.now > cut.before


@pytest.mark.parametrize("seed", range(5))
def test_after_a_step_the_mean_is_that_of_what_came_after(seed: int) -> None:
    window = AdaptiveWindow(0.002)
    _cuts(window, _steps(seed, after=1000))
    assert window.mean == pytest.approx(0.4, abs=0.01)


def test_a_stream_that_stays_the_same_is_never_cut() -> None:
    source = random.Random(1)  # noqa: S311 - a fixed stream
    assert not _cuts(AdaptiveWindow(0.002), [source.random() for _ in range(5000)])


def test_memory_grows_with_the_logarithm_of_the_window() -> None:
    window = AdaptiveWindow(0.002, check_every=10_000)
    for _ in range(4096):
        window.push(0.5)
    assert window.width == 4096
    assert sum(map(len, window._sizes)) <= 6 * math.log2(4096)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=300))
@settings(max_examples=30, deadline=None)
def test_buckets_keep_count_and_mean_exactly(values: list[float]) -> None:
    window = AdaptiveWindow(0.002, check_every=10_000)
    for value in values:
        window.push(value)
    assert window.width == len(values)
    assert window.mean == pytest.approx(math.fsum(values) / len(values), abs=1e-12)
