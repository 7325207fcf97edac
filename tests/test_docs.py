"""Documents that state facts of the code are compared with the code."""

import re
from pathlib import Path
from typing import get_args

import msgspec
import pytest

from bench.faults.__main__ import POWER_CUTS, UPDATE
from bench.faults.catalogue import CATALOGUE
from device_agent.config import ContextConfig, FilterConfig, GatewayConfig, SpoolConfig, UplinkConfig, parse
from device_agent.config.parts import parts_of
from device_agent.sensors.drivers import AnySensorConfig

ROOT = Path(__file__).parents[1]
GUARANTEES = (ROOT / "docs/guarantees.md").read_text(encoding="utf-8")
GATEWAY_DOC = (ROOT / "docs/gateway.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("part", parts_of(GatewayConfig), ids=lambda part: part.__name__)
def test_every_key_of_the_configuration_is_documented(part):
    missing = [key for key in part.__struct_fields__ if f"`{key}`" not in GATEWAY_DOC]
    assert not missing, f"docs/gateway.md does not explain {missing} of {part.__name__}"


@pytest.mark.parametrize("driver", get_args(AnySensorConfig), ids=lambda driver: driver.__name__)
def test_every_sensor_type_is_documented(driver):
    assert f"`{driver.__struct_config__.tag}`" in GATEWAY_DOC


@pytest.mark.parametrize("document", ["docs/gateway.md", "README.md"])
def test_every_example_is_a_valid_document(document):
    examples = re.findall(r"```yaml\n(gateway: .*?)```", (ROOT / document).read_text(encoding="utf-8"), re.DOTALL)
    assert examples
    for example in examples:
        parse(example.encode(), source=document)


def defaults():
    for part in (GatewayConfig, FilterConfig, ContextConfig, SpoolConfig, UplinkConfig):
        for field in msgspec.structs.fields(part):
            if isinstance(field.default, int | float) and not isinstance(field.default, bool):
                yield pytest.param(field.name, field.default, id=f"{part.__name__}.{field.name}")


@pytest.mark.parametrize(("key", "default"), list(defaults()))
def test_every_documented_default_is_the_real_one(key, default):
    row = next(line for line in GATEWAY_DOC.splitlines() if line.startswith("|") and f"`{key}`" in line)
    values = rf"(?<![\d.])({default:g}|{default})(?![\d.])"
    assert re.search(values, row), f"{key}: {default} is not in: {row}"


def documents():
    """Every document of the repository; what a tool made or a version control system ignores is none."""
    folders = [
        "",
        *(f"{part}/**/" for part in ("docs", "twin", "dashboard", "models", "cloud_functions", "device_agent")),
    ]
    return sorted({path.relative_to(ROOT) for folder in folders for path in ROOT.glob(f"{folder}*.md")})


@pytest.mark.parametrize("document", documents(), ids=str)
def test_every_local_link_leads_somewhere(document):
    text = (ROOT / document).read_text(encoding="utf-8")
    targets = [link.split("#")[0] for link in re.findall(r"\]\(([^)]+)\)", text) if "://" not in link]
    missing = [target for target in targets if target and not (ROOT / document.parent / target).exists()]
    assert not missing


def test_the_readme_fits_on_two_screens():
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 150


def test_no_document_or_remedy_installs_this_project_by_its_bare_name():
    sources = [path for part in ("device_agent", "thresher", "twin") for path in (ROOT / part).rglob("*.py")]
    bare = re.compile(r"install[^\n]*[\s\"']thresher\b(?!/)")
    texts = {path: path.read_text(encoding="utf-8") for path in (*sources, *(ROOT / each for each in documents()))}
    found = [
        str(path.relative_to(ROOT))
        for path, text in texts.items()
        if re.search(r"pip install", text) and bare.search(text)
    ]
    assert not found, "the name is not ours in any index: install from the checkout"


def test_every_fault_is_explained_and_no_other():
    named = set(re.findall(r"`([a-z0-9_]+)`", "".join(re.findall(r"^\| (`[^|]+) \|", GUARANTEES, re.MULTILINE))))
    assert named == {fault.name for fault in CATALOGUE} | {*POWER_CUTS, UPDATE}
