import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device_agent.config import load, load_layers
from device_agent.config.layers import Layer, Origin, merged
from device_agent.config.origins import origins_of
from device_agent.errors import ConfigError

OWN = """
gateway: press-3
extends: {fleet: fleet.yaml, type: press.yaml, site: hall-2.yaml}
state_dir: state
sensors: [{name: motor, rate_hz: 50}]
"""
FLEET = "filter: {hop_scans: 8, calibration_scans: 500}\nhealth_s: 300\n"
PRESS = "sensors: [{type: host, name: motor, rate_hz: 5}, {type: host, name: frame}]\nfilter: {hop_scans: 2}\n"
HALL = "sensors: [{type: host, name: air, rate_hz: 0.1}]\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in {"gateway": OWN, "fleet": FLEET, "press": PRESS, "hall-2": HALL}.items():
        (tmp_path / f"{name}.yaml").write_text(text)
    return tmp_path


def put(folder: Path, name: str, text: str) -> None:
    (folder / f"{name}.yaml").write_text(text)


def refusal(folder: Path) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        load(folder / "gateway.yaml")
    assert caught.value.remedy
    return caught.value


def test_later_layers_win_key_by_key(folder):
    config = load(folder / "gateway.yaml")
    assert config.filter.hop_scans == 2
    assert config.filter.calibration_scans == 500
    assert config.health_s == 300
    assert [(sensor.name, sensor.rate_hz) for sensor in config.sensors] == [("motor", 50), ("frame", 10), ("air", 0.1)]


def test_every_value_says_whose_it_is_and_what_it_covers(folder):
    found = {each.place: each for each in origins_of(load_layers(folder / "gateway.yaml"))}
    hop = found["$.filter.hop_scans"]
    assert (hop.value, Path(hop.source).name, [Path(each).name for each in hop.over]) == (
        2,
        "press.yaml",
        ["fleet.yaml"],
    )
    assert Path(found["$.sensors[0].rate_hz"].source).name == "gateway.yaml"
    assert Path(found["$.sensors[0].type"].source).name == "press.yaml"
    assert found["$.summary_s"].source == "default"


@pytest.mark.parametrize(
    ("layer", "text", "place"),
    [
        ("fleet", "health_s: soon\n", "$.health_s"),
        ("press", PRESS.replace("rate_hz: 5", "rate_hertz: 5"), "$.sensors[0]"),
        ("hall-2", "sensors: [{type: hots, name: air}]\n", "$.sensors[0].type"),
        (
            "hall-2",
            "sensors: [{type: host, name: air, channels: {cpu_percent: {low: x}}}]\n",
            "`$.sensors[0].channels[...].low`",
        ),
        ("hall-2", "sensors: {frame: {rate_hz: 0}}\n", "`$.sensors.frame.rate_hz`"),
        ("hall-2", "sensors: [{type: host, name: 'a b'}]\n", "`$.sensors[0].name`"),
        ("fleet", "a: &a {b: *a}\n", "more than"),
        ("fleet", "[", "line 2, column 1"),
        ("fleet", "health_s\n", "not a mapping"),
        ("fleet", "gateway: another\n", "$.gateway"),
        ("hall-2", "extends: {fleet: more.yaml}\n", "$.extends"),
    ],
)
def test_a_mistake_is_refused_with_the_layer_and_the_place(folder, layer, text, place):
    put(folder, layer, text)
    error = refusal(folder)
    assert str(error).startswith(f"{folder / layer}.yaml: ")
    assert place in str(error)


def test_a_layer_that_is_missing_is_named(folder):
    (folder / "hall-2.yaml").unlink()
    assert str(folder / "hall-2.yaml") in str(refusal(folder))


def test_null_takes_away_what_is_below(folder):
    put(folder, "gateway", OWN.replace("sensors: [{name: motor, rate_hz: 50}]", "sensors: {frame: null}\nfilter: null"))
    config = load(folder / "gateway.yaml")
    assert [sensor.name for sensor in config.sensors] == ["motor", "air"]
    assert config.filter.calibration_scans == 400


def test_null_above_nothing_is_refused(folder):
    put(folder, "fleet", "health_s: null\n")
    assert "$.health_s" in str(refusal(folder))


def test_two_sensors_of_one_name_in_one_layer_are_refused(folder):
    put(folder, "gateway", "gateway: g\nstate_dir: s\nsensors: [{type: host, name: a}, {type: host, name: a}]\n")
    assert "used twice - at `$.sensors[1].name`" in str(refusal(folder))


def test_an_item_that_is_no_mapping_is_refused_with_its_place(folder):
    put(folder, "gateway", "gateway: g\nstate_dir: s\nsensors: [{type: host, name: a}, 5]\n")
    assert "`$.sensors[1]`" in str(refusal(folder))


VALUES = st.recursive(
    st.integers() | st.text(max_size=3), lambda inner: st.dictionaries(st.sampled_from("abc"), inner, max_size=3)
)
DOCUMENTS = st.dictionaries(st.sampled_from("abc"), VALUES, max_size=3)


@given(DOCUMENTS)
def test_one_layer_is_the_document_itself(values):
    found = merged([Layer("only", values)])
    assert found.values == values
    assert set(found.origins.values()) <= {Origin("only")}


@given(DOCUMENTS, DOCUMENTS)
def test_the_upper_of_two_layers_is_whole_in_the_result(below, above):
    found = merged([Layer("below", below), Layer("above", above)])
    assert merged([Layer("result", found.values), Layer("above", above)]).values == found.values


@given(DOCUMENTS, DOCUMENTS, DOCUMENTS)
def test_layers_may_be_put_together_in_any_grouping(first, second, third):
    at_once = merged([Layer("1", first), Layer("2", second), Layer("3", third)])
    by_pairs = merged([Layer("12", merged([Layer("1", first), Layer("2", second)]).values), Layer("3", third)])
    assert at_once.values == by_pairs.values


@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_no_bytes_end_in_anything_but_a_document_or_a_refusal(tmp_path_factory, text):
    path = tmp_path_factory.getbasetemp() / "any.yaml"
    path.write_bytes(text)
    with contextlib.suppress(ConfigError):
        load(path)


def test_anchors_that_multiply_are_refused_in_time(folder):
    lines = ["a0: &a0 [1]", *(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12))]
    put(folder, "fleet", "\n".join(lines))
    assert "do anchors refer" in refusal(folder).remedy
