"""The model's section keeps its limits and says what is not installed."""

import msgspec
import pytest

from bench.model import MOST_RESIDENT_MIB, MOST_US_PER_WINDOW, OnRuntime, keeps

GOOD = OnRuntime(runtime="r", us_per_invoke=2.0, us_per_window=3.0, windows_per_s=400_000, resident_over_numpy_mib=20.0)


def test_a_runtime_that_keeps_every_limit_passes() -> None:
    assert keeps(GOOD)


@pytest.mark.parametrize(
    "worse",
    [
        {"us_per_invoke": MOST_US_PER_WINDOW + 0.1},
        {"windows_per_s": 149_999},
        {"resident_over_numpy_mib": MOST_RESIDENT_MIB + 0.1},
        {"worst_difference": 0.01},
    ],
)
def test_one_figure_beyond_its_limit_fails(worse: dict[str, float]) -> None:
    assert not keeps(msgspec.structs.replace(GOOD, **worse))


def test_a_runtime_that_is_not_installed_breaks_no_promise() -> None:
    assert keeps(OnRuntime(runtime="not installed: tools/own-venv tflite (Python 3.11)"))
