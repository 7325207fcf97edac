"""Known signals have known numbers; and what is not known by heart is compared with a formula written another way."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device_agent.sensors.port import Channel
from device_agent.sensors.treatment import SpectralConfig, Treatment
from device_agent.spectral.numbers import STILL, TOO_MUCH_MISSING, Windows
from device_agent.spectral.plan import plan_of

RATE_HZ = 1600.0
TIMES_S = np.arange(1600) / RATE_HZ


def windows(*bands_hz: tuple[float, float], overlap: float = 0.5, rate_hz: float = RATE_HZ) -> Windows:
    asked = SpectralConfig(bands_hz=bands_hz, window_s=1.0, segment_s=0.25, overlap=overlap)
    plan = plan_of([Channel(name="x", treatment=Treatment(spectral=asked))], rate_hz)
    assert plan is not None
    return Windows(plan)


def numbers(signal: np.ndarray, *bands_hz: tuple[float, float], **how: float) -> list[float]:
    values, reasons = windows(*bands_hz, **how).numbers(signal.reshape(-1, 1))
    assert not reasons
    return values


def noise(sigma: float, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, sigma, 1600)


def test_a_sine_has_the_numbers_of_a_sine_wherever_it_stands() -> None:
    rms, kurtosis, crest, below, within, above = numbers(
        1.0 + 0.5 * np.sin(2 * math.pi * 100 * TIMES_S), (10, 80), (80, 120), (120, 800)
    )
    assert rms == pytest.approx(0.5 / math.sqrt(2), rel=1e-6)
    assert kurtosis == pytest.approx(1.5, rel=1e-6)
    assert crest == pytest.approx(math.sqrt(2), rel=1e-2)
    assert within == pytest.approx(rms, rel=1e-3)
    assert max(below, above) < 1e-3 * rms


def test_a_square_wave_has_a_kurtosis_and_a_crest_factor_of_one() -> None:
    _, kurtosis, crest = numbers(np.sign(np.sin(2 * math.pi * 50 * TIMES_S + 0.1)))
    assert (kurtosis, crest) == pytest.approx((1.0, 1.0), rel=1e-6)


def test_noise_is_spread_evenly_over_its_bands_and_has_a_kurtosis_of_three() -> None:
    found = np.mean([numbers(noise(2.0, seed), (100, 200), (300, 700)) for seed in range(20)], axis=0)
    assert found[0] == pytest.approx(2.0, rel=0.02)
    assert found[1] == pytest.approx(3.0, rel=0.05)
    assert found[3] == pytest.approx(2.0 * math.sqrt(100 / 800), rel=0.05)
    assert found[4] == pytest.approx(2.0 * math.sqrt(400 / 800), rel=0.05)


def test_the_squares_of_all_bands_add_up_to_the_rms() -> None:
    signal = noise(1.0) + np.sin(2 * math.pi * 333 * TIMES_S)
    found = numbers(signal, (4, 200), (200, 400), (400, 800))
    assert math.hypot(*found[3:]) == pytest.approx(found[0], rel=0.03)


def welch_by_hand(signal: np.ndarray, low: float, high: float, *, step: int, length: int) -> float:
    """RMS of a band, frequency by frequency from the definition, without an FFT."""
    squares = []
    for start in range(0, len(signal) - length + 1, step):
        part = signal[start : start + length]
        taper = [0.5 - 0.5 * math.cos(2 * math.pi * n / length) for n in range(length)]
        scale = length * sum(w * w for w in taper)
        held = [(value - sum(part) / length) * w for value, w in zip(part, taper, strict=True)]
        total = 0.0
        for k in range(1, length // 2 + 1):
            if low <= k * RATE_HZ / length < high:
                real = sum(v * math.cos(2 * math.pi * k * n / length) for n, v in enumerate(held))
                imaginary = sum(v * math.sin(2 * math.pi * k * n / length) for n, v in enumerate(held))
                total += (real**2 + imaginary**2) / scale * (1 if 2 * k == length else 2)
        squares.append(total)
    return math.sqrt(sum(squares) / len(squares))


@pytest.mark.parametrize(("overlap", "step"), [(0.0, 400), (0.5, 200)])
def test_a_band_is_what_the_definition_of_welch_says(overlap: float, step: int) -> None:
    signal = noise(1.0, 5) + 0.3 * np.sin(2 * math.pi * 137.3 * TIMES_S)
    found = numbers(signal, (100, 180), overlap=overlap)[3]
    assert found == pytest.approx(welch_by_hand(signal, 100, 180, step=step, length=400), rel=1e-9)


def test_knocks_raise_kurtosis_and_crest_factor_long_before_the_rms() -> None:
    usual, knocking = noise(1.0), noise(1.0)
    knocking[::400] += 8.0
    quiet, loud = numbers(usual), numbers(knocking)
    assert loud[0] < 1.15 * quiet[0]
    assert loud[1] > 2 * quiet[1]
    assert loud[2] > 2 * quiet[2]


def test_a_segment_with_a_gap_is_left_out_and_says_nothing() -> None:
    signal = noise(1.0)
    spoilt = signal.copy()
    spoilt[400:800] = 1000.0
    spoilt[500] = np.nan
    kept = np.concatenate([signal[:400], signal[800:]])
    assert numbers(spoilt, (100, 400), overlap=0.0)[0] == pytest.approx(kept.std())


def test_more_than_half_missing_is_a_gap_of_every_number_with_its_reason() -> None:
    signal = noise(1.0)
    signal[[100, 500, 900]] = np.nan
    found, reasons = windows((100, 400), overlap=0.0).numbers(signal.reshape(-1, 1))
    assert all(map(math.isnan, found))
    assert set(reasons.values()) == {TOO_MUCH_MISSING}
    assert len(reasons) == 4


def test_a_reading_that_stands_still_has_no_shape() -> None:
    found, reasons = windows((100, 400)).numbers(np.full((1600, 1), 0.98))
    assert found[0] == pytest.approx(0, abs=1e-12)
    assert found[3] == pytest.approx(0, abs=1e-12)
    assert reasons == {"x_kurtosis": STILL, "x_crest": STILL}


@settings(max_examples=30, deadline=None)
@given(st.lists(st.one_of(st.floats(-1e30, 1e30), st.just(math.nan)), min_size=64, max_size=64), st.floats(0, 0.9))
def test_whatever_the_readings_a_number_is_finite_or_a_gap_with_a_reason(values: list[float], overlap: float) -> None:
    rate_hz = 64.0
    made, reasons = windows((8, 32), overlap=overlap, rate_hz=rate_hz).numbers(np.array(values).reshape(-1, 1))
    for value, name in zip(made, ("x_rms", "x_kurtosis", "x_crest", "x_8_32_hz"), strict=True):
        assert math.isfinite(value) != (name in reasons)
