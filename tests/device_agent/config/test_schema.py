"""The schema says of a document what the gateway says of it, as far as a schema can."""

import re
from pathlib import Path

import jsonschema
import msgspec
import pytest

from device_agent.config import GatewayConfig
from device_agent.config.parts import parts_of
from device_agent.config.schema import schema

ROOT = Path(__file__).parents[3]
WHOLE = jsonschema.Draft202012Validator(schema())
LAYER = jsonschema.Draft202012Validator(schema(layer=True))
GOOD = "{gateway: g, state_dir: s, sensors: [{type: host, name: m}]}"


def problems(validator: jsonschema.Draft202012Validator, text: str) -> list[str]:
    return [error.message for error in validator.iter_errors(msgspec.yaml.decode(text))]


def test_it_is_a_schema():
    jsonschema.Draft202012Validator.check_schema(schema())


@pytest.mark.parametrize("document", ["docs/gateway.md", "README.md"])
def test_every_documented_example_passes(document):
    examples = re.findall(r"```yaml\n(gateway: .*?)```", (ROOT / document).read_text(encoding="utf-8"), re.DOTALL)
    assert examples
    for example in examples:
        assert problems(WHOLE, example) == []


@pytest.mark.parametrize(
    "wrong",
    [
        GOOD.replace("name: m", "name: m, rate_hertz: 1"),
        GOOD.replace("type: host", "type: hots"),
        GOOD.replace("name: m", "name: m, rate_hz: 0"),
        GOOD.replace("gateway: g, ", ""),
    ],
)
def test_what_the_gateway_refuses_an_editor_marks(wrong):
    assert problems(WHOLE, GOOD) == []
    assert problems(WHOLE, wrong)


def test_a_layer_need_not_be_whole_but_right():
    assert problems(LAYER, "{filter: {hop_scans: 8}, sensors: [{type: host, name: m}]}") == []
    assert problems(LAYER, "{filter: {hop_scan: 8}}")


@pytest.mark.parametrize("part", parts_of(GatewayConfig), ids=lambda part: part.__name__)
def test_every_part_is_explained_to_the_editor(part):
    definition = schema()["$defs"][part.__name__]
    assert definition["description"]
    assert set(definition["properties"]) >= set(part.__struct_fields__)


def test_the_editor_shows_a_keys_own_sentence():
    keys = schema()["$defs"]["UplinkConfig"]["properties"]
    assert keys["port"]["description"] == "8883, or 443 with ALPN where a firewall asks for it."
    assert "Greengrass lite takes 4 KB" in keys["max_envelope_bytes"]["description"]
