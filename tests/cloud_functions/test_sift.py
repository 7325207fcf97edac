import json

import pytest

from cloud_functions.core.sift import sift
from tests.cloud_functions.make import NOW_MS, envelope, episode, health, summary


def test_a_bad_event_leaves_its_place_and_its_neighbours() -> None:
    sifted = sift(envelope(7, health(), b'{"kind":"episode"}', episode()))
    assert [bad.seq for bad in sifted.bad] == [8]
    assert sifted.bad[0].raw == b'{"kind":"episode"}'
    body = json.loads(sifted.body)
    assert (len(body), body[1]) == (3, None)
    assert len(sifted.good) == 2


def test_a_kind_of_tomorrow_is_kept_as_it_came() -> None:
    raw = b'{"kind":"forecast","wall_ms":5,"x":[1, 2]}'
    sifted = sift(envelope(1, raw))
    assert sifted.body == f"[{raw.decode()}]"
    assert (sifted.good, sifted.bad, sifted.wall_ms) == ([], [], 5)


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b'{"kind":"x","text":"\xff"}', "utf-8"),
        (b"17", "Expected `object`"),
        (b'{"kind":"health","wall_ms":99999999999999}', "required field"),
    ],
)
def test_the_reason_names_what_is_wrong(raw: bytes, expected: str) -> None:
    assert expected in sift(envelope(1, raw)).bad[0].reason


def test_an_event_of_another_lane_is_bad() -> None:
    assert "lane" in sift(envelope(1, summary())).bad[0].reason


@pytest.mark.parametrize(
    "bad",
    [
        episode(wall_ms=10**14),
        episode(wall_ms=-1),
        episode(onset=10**14),
        episode(duration_ms=-1, wall_ms=NOW_MS),
        episode(peak_score=1e300),
        episode(episode_id=""),
        episode(episode_id="x" * 201),
    ],
)
def test_values_no_store_could_hold_are_bad(bad: object) -> None:
    assert len(sift(envelope(1, bad)).bad) == 1  # type: ignore[arg-type]


def test_a_block_is_placed_by_the_first_event_that_knows_the_time() -> None:
    assert sift(envelope(1, b'{"kind":"x"}', episode())).wall_ms == NOW_MS
    assert sift(envelope(1, b"[]")).wall_ms == 0
