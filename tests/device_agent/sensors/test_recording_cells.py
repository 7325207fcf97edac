import pytest

from device_agent.sensors.recording_cells import number_of, time_s_of


@pytest.mark.parametrize("finer", [1, 10**3, 10**6, 10**9])
def test_unix_times_finer_than_seconds_are_known_by_their_size(finer: int) -> None:
    assert time_s_of(str(1_700_000_060 * finer)) == 1_700_000_060


@pytest.mark.parametrize("cell", ["2023-11-14T22:13:20Z", "2023-11-14 22:13:20", "2023-11-15T00:13:20+02:00"])
def test_a_time_that_names_no_zone_is_utc(cell: str) -> None:
    assert time_s_of(cell) == 1_700_000_000


@pytest.mark.parametrize("cell", ["", "soon", "inf", "-inf", "nan"])
def test_what_is_no_time_is_none(cell: str) -> None:
    assert time_s_of(cell) is None


@pytest.mark.parametrize("cell", ["", "nan", "1_000", "1,5", "0x10"])
def test_what_is_no_plain_number_is_none(cell: str) -> None:
    assert number_of(cell) is None
