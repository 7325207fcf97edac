from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name

from operations.publishing import calls, catalogue
from operations.publishing.rules.calls import AUTHORISED

ROOT = Path(__file__).parents[3]
COMPONENTS = catalogue.load(ROOT).components


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    door = tmp_path / "device_agent" / "ipc"
    door.mkdir(parents=True)
    for folder in (door, door.parent):
        (folder / "__init__.py").write_text("")
    (door / "operations.py").write_text("class PublishToTopic: ...\nclass GetSecretValue: ...\n")
    (door / "codec.py").write_text("from device_agent.ipc import operations\noperations.GetSecretValue()\n")
    return tmp_path


def called(root: Path, main: str, **modules: str) -> set[str]:
    for name, text in modules.items():
        (root / "device_agent" / f"{name}.py").write_text(text)
    path = root / "main.py"
    path.write_text(main)
    return set(calls.called(root, path, ["device_agent"]))


def test_a_call_is_found_through_every_import(checkout):
    found = called(
        checkout,
        "from device_agent.work import run",
        work="from device_agent import deeper",
        deeper="from device_agent.ipc.operations import PublishToTopic\nPublishToTopic('a', b'')",
    )
    assert found == {"PublishToTopic"}


def test_what_is_imported_and_not_called_needs_no_policy(checkout):
    assert called(checkout, "from device_agent.ipc.operations import PublishToTopic") == set()


def test_the_door_itself_calls_nothing(checkout):
    assert called(checkout, "from device_agent.ipc import codec") == set()


@pytest.mark.parametrize(
    ("name", "operations"),
    [
        ("io.thresher.Gateway", {"PublishToIoTCore", "SubscribeToIoTCore"}),
        ("io.thresher.SensorReader", {"PublishToTopic"}),
        ("io.thresher.EdgeFilter", {"SubscribeToTopic"}),
        ("io.thresher.EventForwarder", {"PublishToIoTCore", "SubscribeToIoTCore"}),
        ("io.thresher.FleetAgent", {"PublishToIoTCore", "SubscribeToIoTCore"}),
        ("io.thresher.EdgeModel", set()),
    ],
)
def test_our_components_call_what_their_recipes_allow(name, operations):
    component = COMPONENTS[name]
    assert calls.called(ROOT, ROOT / component.source / "main.py", component.packages) & AUTHORISED == operations


@pytest.mark.parametrize("name", sorted(COMPONENTS))
def test_what_a_component_imports_sooner_or_later_is_in_its_archive(name):
    component = COMPONENTS[name]
    reads_sensors = name in ("io.thresher.Gateway", "io.thresher.SensorReader")
    imported = calls.foreign(
        ROOT,
        ROOT / component.source / "main.py",
        component.packages,
        but="" if reads_sensors else "device_agent/sensors/",
    )
    distributions = packages_distributions()
    wanted = {canonicalize_name(distributions[module][0]) for module in imported}
    assert sorted(wanted - set(component.requirements)) == []


@pytest.mark.parametrize("name", ["io.thresher.Gateway", "io.thresher.EdgeFilter"])
def test_who_judges_rules_can_switch_the_outputs_that_they_name(name):
    assert {"colorzero", "gpiozero", "lgpio"} <= set(COMPONENTS[name].requirements)
