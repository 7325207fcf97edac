import pytest

from device_agent.errors import ConfigError
from device_agent.sensors.recording_layout import Layout, layout_of


def layout(text: str, wanted: tuple[str, ...] = ()) -> Layout:
    return layout_of(iter(text.splitlines()), "r.csv", wanted, time_column=None)


def test_a_recording_tells_its_channels_and_rate() -> None:
    head = '# thresher-recording: {"rate_hz":4,"channels":[{"name":"b","unit":"V","floor":2.5}]}\n'
    told = layout(head + "timestamp,a,b\n2020-01-01T00:00:00Z,1,2\n")
    assert told.rate_hz == 4
    assert [(channel.name, channel.unit, channel.floor) for channel in told.channels] == [("b", "V", 2.5)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", ":1: no header"),
        ("\n1,2\n", ":1: no header"),
        ("1,2\n3,4\n", ":1: no header"),
        ("a,b\n", ":1: no numeric column"),
        ("a,b\nx,y\n", ":1: no numeric column"),
        ("a,a\n1,2\n", ":1: more than one column `a`"),
        ('# thresher-recording: {"channels":[{"name":"c"}]}\na,b\n1,2\n', ":2: no column `c`"),
        ('# thresher-recording: {"channels":7}\na,b\n1,2\n', ":1: Expected `array`"),
    ],
)
def test_a_recording_that_cannot_be_used_names_file_and_line(text: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        layout(text)
    assert str(caught.value).startswith(f"r.csv{message}")
    assert caught.value.remedy


def test_a_column_asked_for_that_is_not_there_is_named_with_those_that_are() -> None:
    with pytest.raises(ConfigError, match="no column `c`") as caught:
        layout("a,b\n1,2\n", ("c",))
    assert caught.value.remedy == "columns here: a, b"


def test_the_likeliest_name_is_the_time_and_t_may_be_a_temperature() -> None:
    told = layout("T,RH,timestamp\n21.5,40,1700000000\n21.6,41,1700000300\n")
    assert ([channel.name for channel in told.channels], told.rate_hz) == (["T", "RH"], 1 / 300)
