import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.errors import ContractError
from contract.feedback import (
    FADES_AFTER_DAYS,
    MAX_FACTOR,
    MAX_THRESHOLDS,
    Feedback,
    Threshold,
    decode_feedback,
    encode_feedback,
    present_factor,
)

DAY_MS = 86_400_000
NOW_MS = 1_795_420_800_000


def _threshold(**fields: object) -> Threshold:
    values = {"sensor": "press", "channel": "current", "factor": 1.5, "since_ms": NOW_MS}
    return msgspec.convert(values | fields, Threshold)


@given(st.integers(1, 2**53), st.floats(1, MAX_FACTOR), st.integers(0, 2**53))
def test_feedback_survives_the_wire(version: int, factor: float, since_ms: int) -> None:
    feedback = Feedback(
        version=version, made_ms=NOW_MS, thresholds=[_threshold(factor=round(factor, 3), since_ms=since_ms)]
    )
    assert decode_feedback(encode_feedback(feedback)) == feedback


@given(st.floats(allow_nan=False), st.integers(-(2**40), 2**45))
def test_no_factor_whatever_it_says_leaves_its_bounds(factor: float, later_ms: int) -> None:
    assert 1.0 <= present_factor(_threshold(factor=factor), now_ms=NOW_MS + later_ms) <= MAX_FACTOR


@pytest.mark.parametrize(
    ("days", "left"), [(-400, 1.5), (0, 1.5), (FADES_AFTER_DAYS / 2, 1.25), (FADES_AFTER_DAYS, 1), (4000, 1)]
)
def test_a_threshold_fades_in_a_straight_line_and_an_early_clock_lets_nothing_fade(days: float, left: float) -> None:
    assert present_factor(_threshold(), now_ms=round(NOW_MS + days * DAY_MS)) == pytest.approx(left)


@pytest.mark.parametrize(
    ("raw", "place"),
    [
        (b"", "feedback"),
        (b"\xff", "feedback"),
        (b'{"version": 0, "made_ms": 1}', r"\$\.version"),
        (
            b'{"version":1,"made_ms":1,"thresholds":[{"sensor":"s","channel":"c","factor":9,"since_ms":1}]}',
            r"thresholds\[0\]\.factor",
        ),
        (
            b'{"version":1,"made_ms":1,"thresholds":[{"sensor":"","channel":"c","factor":1,"since_ms":1}]}',
            r"thresholds\[0\]",
        ),
    ],
)
def test_what_is_out_of_bounds_is_refused_with_its_place(raw: bytes, place: str) -> None:
    with pytest.raises(ContractError, match=place):
        decode_feedback(raw)


def test_more_thresholds_than_a_gateway_heeds_are_refused() -> None:
    thresholds = [_threshold()] * (MAX_THRESHOLDS + 1)
    with pytest.raises(ContractError, match="more than"):
        decode_feedback(encode_feedback(Feedback(version=1, made_ms=1, thresholds=thresholds)))


def test_what_a_newer_cloud_adds_is_ignored() -> None:
    assert decode_feedback(b'{"version": 3, "made_ms": 1, "mood": "good"}').version == 3
