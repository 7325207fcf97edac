from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from device_agent.errors import ConfigError
from device_agent.sensors.recording import Recording, Row


def write(folder: Path, text: str | bytes) -> Path:
    path = folder / "recording.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def rows_of(path: Path, columns: tuple[str, ...] = ()) -> list[Row]:
    return list(Recording(path, columns).rows())


def test_any_csv_with_a_header_can_be_read(tmp_path: Path) -> None:
    path = write(tmp_path, "datetime;Volume;Label\n2020-03-09 10:14:33;32.0;fine\n2020-03-09 10:14:35;31.5;bad\n")
    recording = Recording(path)
    assert [channel.name for channel in recording.layout.channels] == ["Volume"]
    assert recording.layout.rate_hz == 0.5
    assert [row.reading.values for row in recording.rows()] == [(32.0,), (31.5,)]


def test_only_the_columns_asked_for_are_taken(tmp_path: Path) -> None:
    path = write(tmp_path, "a,b,label\n1,2,0\n")
    assert [row.reading.values for row in rows_of(path, ("b",))] == [(2.0,)]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("1,x", "row 3: not a number: 'x'"),
        ("1,", "row 3: empty"),
        ("1,nan", "row 3: not a number: 'nan'"),
        ("1,1_000", "row 3: not a number: '1_000'"),
        ("1", "row 3: 1 cells instead of 2"),
        ("1,2,3", "row 3: 3 cells instead of 2"),
        ('1,"2', "row 3: bad quoting"),
    ],
)
def test_a_malformed_row_is_a_gap_that_names_the_row(tmp_path: Path, row: str, reason: str) -> None:
    rows = rows_of(write(tmp_path, f"a,b\n1,2\n{row}\n3,4\n"))
    assert rows[1].reading.gaps["b"] == reason
    assert rows[0].reading.values == (1.0, 2.0)
    assert rows[2].reading.values == (3.0, 4.0)


def test_a_byte_that_is_no_text_spoils_its_own_cell_only(tmp_path: Path) -> None:
    (row,) = rows_of(write(tmp_path, b"a,b\n\xff\xfe,2\n"), ("a", "b"))
    assert list(row.reading.gaps) == ["a"]
    assert row.reading.values[1] == 2.0


def test_a_missing_recording_is_an_error_of_the_configuration(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No such file"):
        Recording(tmp_path / "none.csv")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=200))
def test_whatever_follows_the_header_every_row_has_all_channels(tmp_path: Path, body: bytes) -> None:
    for row in rows_of(write(tmp_path, b"timestamp,a,b\n2020-01-01,1,2\n" + body)):
        assert len(row.reading.values) == 2
        for name, value in zip(("a", "b"), row.reading.values, strict=True):
            assert (value != value) == (name in row.reading.gaps)  # noqa: PLR0124 - NaN is unlike itself
