import json
from typing import Any

import msgspec
import pytest
from botocore.exceptions import ClientError

from operations.errors import OperationError
from operations.fleet.greengrass import create, current
from operations.fleet.revision import Change, Revision, difference, revise
from tests.operations.fleet.strict_greengrass import StrictGreengrass

GROUP = "arn:aws:iot:eu-central-1:000000000000:thinggroup/north"
GATEWAY, MODEL, NUCLEUS, OTHER = (
    "io.thresher.Gateway",
    "io.thresher.EdgeModel",
    "aws.greengrass.Nucleus",
    "com.example.X",
)
PUBLISHED = {GATEWAY: ["1.0.0", "1.1.0"], MODEL: ["3.0.0"], NUCLEUS: ["2.18.2", "2.19.0"], OTHER: ["0.1.0"]}
HAS = {
    GATEWAY: {"componentVersion": "1.0.0", "configurationUpdate": {"merge": '{"document":{"state_dir":"/v"}}'}},
    NUCLEUS: {"componentVersion": "2.18.2"},
    OTHER: {
        "componentVersion": "0.1.0",
        "configurationUpdate": {"reset": ["/x"]},
        "runWith": {"posixUser": "ggc_user:ggc_group"},
    },
}


@pytest.fixture
def greengrass() -> StrictGreengrass:
    service = StrictGreengrass(PUBLISHED)
    service.create_deployment(targetArn=GROUP, deploymentName="north", components=HAS, tags={"site": "north"})
    return service


def deployed(service: StrictGreengrass, **change: Any) -> dict[str, Any]:
    seen = current(service, GROUP)
    created = create(service, revise(seen, Change(**change)), seen=seen)
    return service.get_deployment(deploymentId=created)


def test_everything_a_target_has_stays_as_it_was(greengrass: StrictGreengrass) -> None:
    now = deployed(greengrass, versions={GATEWAY: "1.1.0"})
    assert {name: now["components"][name] for name in (NUCLEUS, OTHER)} == {
        name: HAS[name] for name in (NUCLEUS, OTHER)
    }
    assert (now["deploymentName"], now["tags"]) == ("north", {"site": "north"})


def test_what_changes_gets_its_access_rules_anew_and_keeps_its_configuration(greengrass: StrictGreengrass) -> None:
    now = deployed(greengrass, versions={GATEWAY: "1.1.0"}, merges={GATEWAY: '{"document": {"gateway": "g"}}'})
    update = now["components"][GATEWAY]["configurationUpdate"]
    assert update["reset"] == ["/accessControl"]
    assert json.loads(update["merge"]) == {"document": {"state_dir": "/v", "gateway": "g"}}


def test_a_second_revision_does_not_ask_twice(greengrass: StrictGreengrass) -> None:
    deployed(greengrass, versions={GATEWAY: "1.1.0"})
    now = deployed(greengrass, versions={GATEWAY: "1.0.0"})
    assert now["components"][GATEWAY]["configurationUpdate"]["reset"] == ["/accessControl"]


def test_a_failure_rolls_back_and_the_service_stops_by_itself(greengrass: StrictGreengrass) -> None:
    now = deployed(greengrass, versions={GATEWAY: "1.1.0"}, rate=(5, 50), failed_percent=3.0)
    assert now["deploymentPolicies"]["failureHandlingPolicy"] == "ROLLBACK"
    job = now["iotJobConfiguration"]
    assert job["jobExecutionsRolloutConfig"]["exponentialRate"]["baseRatePerMinute"] == 5
    assert job["abortConfig"]["criteriaList"][0]["thresholdPercentage"] == 3.0


def test_a_nucleus_without_a_version_is_refused() -> None:
    service = StrictGreengrass(PUBLISHED)
    with pytest.raises(OperationError, match="nucleus has no version"):
        deployed(service, versions={GATEWAY: "1.0.0"})
    assert deployed(service, versions={GATEWAY: "1.0.0", NUCLEUS: "2.18.2"})["targetArn"] == GROUP


def test_the_difference_says_what_comes_goes_changes_and_stays(greengrass: StrictGreengrass) -> None:
    seen = current(greengrass, GROUP)
    revised = revise(seen, Change(versions={GATEWAY: "1.1.0", MODEL: "3.0.0"}, removed=[OTHER]))
    lines = {line.component: line for line in difference(seen, revised)}
    signs = {name: line.sign for name, line in lines.items()}
    assert signs == {GATEWAY: "~", MODEL: "+", OTHER: "-", NUCLEUS: " "}
    assert lines[GATEWAY].before.startswith("1.0.0 merge")
    assert "1.1.0 reset /accessControl" in lines[GATEWAY].after


def test_what_came_in_between_is_not_overwritten(greengrass: StrictGreengrass) -> None:
    seen = current(greengrass, GROUP)
    deployed(greengrass, versions={MODEL: "3.0.0"})
    with pytest.raises(OperationError, match="came in between"):
        create(greengrass, revise(seen, Change(versions={GATEWAY: "1.1.0"})), seen=seen)


def test_nobody_removes_or_configures_what_is_not_there(greengrass: StrictGreengrass) -> None:
    seen = current(greengrass, GROUP)
    for change in (Change(removed=[MODEL]), Change(merges={MODEL: "{}"})):
        with pytest.raises(OperationError, match=MODEL):
            revise(seen, change)
    with pytest.raises(OperationError, match="no JSON object"):
        revise(seen, Change(merges={GATEWAY: "[1]"}))


def test_what_the_service_refuses_is_told_with_a_remedy(greengrass: StrictGreengrass) -> None:
    with pytest.raises(OperationError, match="not published"):
        deployed(greengrass, versions={GATEWAY: "9.9.9"})
    with pytest.raises(OperationError, match="out of range"):
        deployed(greengrass, versions={GATEWAY: "1.1.0"}, rate=(5000, 9000))


@pytest.mark.parametrize(
    "damage",
    [
        {"targetArn": "arn:aws:s3:::x"},
        {"components": {GATEWAY: {}}},
        {"components": {GATEWAY: {"componentVersion": "1.1"}}},
        {"components": {GATEWAY: {"componentVersion": "1.1.0", "configurationUpdate": {"merge": "{"}}}},
        {"components": {GATEWAY: {"componentVersion": "1.1.0", "configurationUpdate": {"reset": ["accessControl"]}}}},
        {"deploymentPolicies": {"failureHandlingPolicy": "SHRUG"}},
        {"surprise": 1},
    ],
)
def test_the_fake_is_as_strict_as_the_service(greengrass: StrictGreengrass, damage: dict[str, Any]) -> None:

    good: Revision = revise(current(greengrass, GROUP), Change(versions={GATEWAY: "1.1.0"}))
    greengrass.create_deployment(**msgspec.to_builtins(good))
    with pytest.raises(ClientError):
        greengrass.create_deployment(**msgspec.to_builtins(good) | damage)
