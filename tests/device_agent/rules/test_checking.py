"""A rule that cannot work is refused when the document is read, with file, place and remedy."""

import pytest

from device_agent.config import load
from device_agent.errors import ConfigError

DOCUMENT = """
gateway: g
state_dir: state
sensors:
  - {{type: replay, name: oven-1, path: oven.csv}}
rules:
  - {{name: hot, when: "{when}", outputs: [{outputs}]}}
outputs:
  - {{type: simulated, name: lamp}}
"""


@pytest.fixture
def read(tmp_path):
    (tmp_path / "oven.csv").write_text("timestamp,t,fan\n2026-01-01T00:00:00Z,20,1\n2026-01-01T00:00:01Z,21,1\n")

    def read(when="oven-1.t > 90", outputs="lamp", document=DOCUMENT):
        (tmp_path / "gateway.yaml").write_text(document.format(when=when, outputs=outputs))
        return load(tmp_path / "gateway.yaml")

    return read


def test_a_rule_that_fits_sensors_and_outputs_is_taken(read):
    config = read("oven-1.t - 5 > 90 and not oven-1.fan")
    assert [(rule.name, rule.for_s, rule.severity) for rule in config.rules] == [("hot", 0.0, "minor")]
    assert [output.name for output in config.outputs] == ["lamp"]


@pytest.mark.parametrize(
    ("when", "outputs", "said", "remedy"),
    [
        (
            "oven-1.t >",
            "lamp",
            "gateway.yaml: column 11: the end where a number or channel is needed - at `$.rules[0].when`",
            "write sensor.channel",
        ),
        (
            "oven-1.temp > 3",
            "lamp",
            "gateway.yaml: sensor `oven-1` has no channel `temp` - at `$.rules[0].when`",
            "use one of: t, fan",
        ),
        ("oven-1.fam", "lamp", "has no channel `fam`", "did you mean `fan`?"),
        ("oven.t > 3", "lamp", "no sensor `oven` in `oven.t`", "did you mean `oven-1`?"),
        ("oven-1.t-5 > 3", "lamp", "has no channel `t-5`", "a difference needs spaces round its -"),
        ("oven-1.t", "lamb", "no output `lamb` - at `$.rules[0].outputs[0]`", "did you mean `lamp`?"),
    ],
)
def test_a_rule_that_cannot_work_is_refused_with_its_place(read, when, outputs, said, remedy):
    with pytest.raises(ConfigError) as raised:
        read(when, outputs)
    assert said in str(raised.value)
    assert remedy in raised.value.remedy


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "name: lamp}}",
            "name: lamp}}\n  - {{type: simulated, name: lamp}}",
            "'lamp' is used twice - at `$.outputs[1].name`",
        ),
        ("name: hot", "name: h.t", "'h.t' - at `$.rules[0].name`"),
        ("name: hot", "name: hot, severity: bad", "Invalid enum value 'bad' - at `$.rules[0].severity`"),
        ("name: hot", "name: hot, for_s: -1", "`$.rules[0].for_s`"),
        ("name: hot", "name: hot, clear_when: 5", "`$.rules[0].clear_when`"),
        (
            "name: hot",
            'name: hot, clear_when: "5"',
            "column 1: a number where a condition is needed - at `$.rules[0].clear_when`",
        ),
        ("name: hot", "name: hot, fro_s: 1", "unknown field `fro_s`"),
    ],
)
def test_a_mistake_beside_the_condition_is_refused_with_its_place(read, old, new, said):
    with pytest.raises(ConfigError) as raised:
        read(document=DOCUMENT.replace(old, new))
    assert said in str(raised.value)


def test_rules_over_a_sensor_that_cannot_say_its_channels_wait_for_it(read, tmp_path):
    (tmp_path / "oven.csv").unlink()
    assert read("oven-1.anything > 3").rules[0].name == "hot"


@pytest.mark.parametrize(("written", "safe_on"), [("off", False), ("on", True), ('"on"', True), ("true", True)])
def test_the_safe_state_may_be_written_without_quotes(read, written, safe_on):
    config = read(document=DOCUMENT.replace("name: lamp}}", f"name: lamp, on_crash: {written}}}}}"))
    assert config.outputs[0].safe_on is safe_on
